"""The vendor's HTTP API, without Airflow: requests, sign-in, tokens, retries, errors."""
