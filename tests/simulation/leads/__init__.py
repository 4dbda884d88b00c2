"""Histories of loads: each lead is with the server once, whatever the server does."""
