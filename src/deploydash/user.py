"""Who uses this machine's deploydash: a name that may hold anything is made visible once, here."""

from __future__ import annotations

import getpass
import os
import socket

from deploydash.core.outside_text import visible


def user_name() -> str:
    """Return the user's name, or ``uid 1000`` where this machine knows none."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # neither a variable nor an entry in passwd, as in some containers
        name = ""
    return visible(name.strip()) or f"uid {os.getuid()}"


def operator() -> str:
    """Return who commands from here, ``user@host``, as SAL's identity has it (ts_salobj ``SalInfo.identity``)."""
    return f"{user_name()}@{visible(socket.getfqdn())}"
