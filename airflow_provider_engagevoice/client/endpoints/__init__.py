"""The vendor's API: one function per endpoint, which returns a request."""
