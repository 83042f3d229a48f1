"""What is to be done: the runbook and the transitions of a CSC."""
