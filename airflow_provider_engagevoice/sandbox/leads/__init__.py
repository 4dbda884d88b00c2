"""Leads of the sandbox: loading, search, actions and statistics."""
