"""Pydantic models of the vendor's JSON. Field names are the vendor's own; bounds live here once."""
