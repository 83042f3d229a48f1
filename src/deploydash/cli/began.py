"""When this process began, as nearly as Python can say: imported before everything else of the command line."""

import time

AT = time.monotonic()
"""Monotonic seconds."""
