"""Owns the TaskGroup, the inbox and the order in which things happen; runs headless."""
