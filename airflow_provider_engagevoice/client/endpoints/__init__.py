"""The vendor's API: one function per endpoint, each of which returns a request."""
