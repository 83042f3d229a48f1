"""Commands to CSCs over Kafka."""
