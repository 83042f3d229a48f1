"""Message keys as ts_salobj writes them (``sal_info.py``), blanks included.

Only writers need them: the index in a key is that of the writing object (a ScriptQueue commands Script 100003
under ``"index": 0``), C++ writes another text and null, so a reader must take the index from the record.
"""

from __future__ import annotations

TELEMETRY_KEY = b""
"""Telemetry has an empty key, not a null one."""


def message_key(component: str, sal_name: str, index: int | None) -> bytes:
    """Return the key of an event, a command or an ``ackcmd``; ``index`` is None for a component without index.

    A telemetry topic, which has neither prefix nor that name, gets the empty key.
    """
    if sal_name != "ackcmd" and not sal_name.startswith(("logevent_", "command_")):
        return TELEMETRY_KEY
    middle = "" if index is None else f'"index": {index}, '
    return f'{{ "name": "{component}", {middle}"topic": "{sal_name}" }}'.encode()
