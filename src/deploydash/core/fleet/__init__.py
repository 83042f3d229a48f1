"""What is known of CSCs: observations and records in, one truth out."""
