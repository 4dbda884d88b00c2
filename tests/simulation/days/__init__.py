"""Days without calls: weeks of daily runs against the simulated vendor."""
