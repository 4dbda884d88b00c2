"""Leads of the sandbox: loaded, found, acted on, dialed."""
