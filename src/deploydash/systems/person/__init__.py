"""What people do themselves."""
