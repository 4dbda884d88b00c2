"""Poll for campaigns: once on a thread, shared on an event loop. No Airflow here."""
