"""The outside systems of the demo observatory, one module each; `table` names them."""
