"""What readers are told of a run."""
