"""Heartbeats and states from Kafka, read-only."""
