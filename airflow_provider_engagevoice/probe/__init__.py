"""Find out what a tenant's server does where the vendor's documents leave it open.

``python -m airflow_provider_engagevoice.probe --conn-id engagevoice_default`` reads. With ``--write`` and
``--dial-group 115801`` it also makes a campaign in the year 2099 and deletes it. ``docs/probe.md`` says more.
"""
