"""Arguments to mode; errors to exit codes (CLI.md)."""


def main() -> None:
    """Run the command line."""
