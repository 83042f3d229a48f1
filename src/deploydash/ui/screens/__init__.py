"""The screens: the grid, one CSC in detail, and the help."""
