"""The repositories that a deployment changes."""
