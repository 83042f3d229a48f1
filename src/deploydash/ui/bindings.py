"""Textual's bindings, made of the key tables; the tables themselves know no Textual."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding, BindingType

from deploydash.ui.keys import EACH, KEYS, Key, Scope


def bindings(scope: Scope) -> list[BindingType]:
    """Return Textual's bindings of a scope; they call ``action_act`` with the key's number in KEYS."""
    return [binding(key, f"act({number})") for number, key in enumerate(KEYS) if key.scope is scope]


def binding(key: Key, action: str) -> BindingType:
    """Return Textual's binding of a key.

    The key that opens a field acts the moment it arrives: others go round through the screen first, and letters typed
    on its heels would overtake it and act as keys.
    """
    if key.act == "filter":
        return Binding(key.keys, "filter_at_once", key.help, show=False, priority=True)
    return Binding(key.keys, action, key.help, show=False)


def run_bindings(table: Sequence[Key]) -> list[BindingType]:
    """Return Textual's bindings of a table; they call ``action_key`` with the number in it."""
    found: list[BindingType] = []
    for number, key in enumerate(table):
        if key.argument == EACH:
            found += [Binding(name, f"key({number}, {name!r})", key.help, show=False) for name in key.keys.split(",")]
        else:
            found.append(binding(key, f"key({number})"))
    return found
