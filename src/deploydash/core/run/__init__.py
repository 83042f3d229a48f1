"""What was done and may be done: orders, records, state, decisions."""
