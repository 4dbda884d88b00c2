"""Lists of leads: read, mapped to the vendor's fields, checked, and loaded exactly once."""
