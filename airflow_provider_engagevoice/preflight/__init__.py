"""Findings about campaigns: their settings and leads against the numbers that laws state."""
