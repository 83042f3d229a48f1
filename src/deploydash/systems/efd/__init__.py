"""The EFD (InfluxDB): read-only."""
