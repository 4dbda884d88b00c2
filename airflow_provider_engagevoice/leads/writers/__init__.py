"""Writers of rejects and of search results."""
