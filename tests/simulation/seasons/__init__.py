"""Histories of seasons: plans, applies, their retries, and people, in one thread on one clock."""
