"""SAL over Kafka as plain functions: topic names, keys, Confluent framing, Avro, TAI. No I/O."""
