"""The Textual app: a snapshot comes in, a command goes out."""
