"""Apache Airflow provider for RingCentral Engage Voice (RingCX)."""

__version__ = "0.2.0"
