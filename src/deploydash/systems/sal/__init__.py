"""SAL over Kafka."""
