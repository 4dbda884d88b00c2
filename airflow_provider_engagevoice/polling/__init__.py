"""Waiting for campaigns: one look on a thread, shared looks on an event loop. No Airflow here."""
