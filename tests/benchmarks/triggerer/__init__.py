"""Airflow's own triggerer with many waits in it, measured from inside and outside."""
