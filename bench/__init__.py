"""Benchmarks against a real Kafka: ``python -m bench`` runs all of them, ``python -m bench p1 p4`` some."""
