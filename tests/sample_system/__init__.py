"""An outside system that the program knows nothing of: machines that start, level and stop, behind a small HTTP API.

It proves that a system is a folder: its files have the names that every system's have, and not one file of the program
is touched for it.
"""
