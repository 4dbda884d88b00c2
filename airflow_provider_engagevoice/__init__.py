"""Apache Airflow provider for RingCentral Engage Voice (RingCX)."""

__version__ = "0.4.0"
