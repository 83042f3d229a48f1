"""The schema registry: schemas and their cache."""
