"""Upload validated leads, each exactly once."""
