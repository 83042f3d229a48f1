"""Bytes and records: what stands on the wire of SAL."""
