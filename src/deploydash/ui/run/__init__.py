"""The run beside the grid: card, runbook, wait and dialogs. Only the lead's and the observer's screens load it."""
