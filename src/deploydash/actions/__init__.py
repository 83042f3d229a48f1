"""Approved steps carried out on the outside. Nothing here decides: every command is asked for at the run's desk."""
