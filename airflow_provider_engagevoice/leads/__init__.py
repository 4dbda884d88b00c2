"""Lead lists: read, mapped to the vendor's fields, validated, and loaded exactly once."""
