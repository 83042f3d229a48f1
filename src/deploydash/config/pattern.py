"""What an operator names on the command line: some CSCs, or a target."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from deploydash.core.model import CscId, Phase, SummaryState, Target, TargetKind
from deploydash.errors import UserError


def parse_pattern(text: str) -> Callable[[CscId], bool]:
    """Return whether a CSC is among those of a comma list such as ``Watcher,ESS:104,MTHexapod:*``.

    Raises:
        UserError: a part of the list is no CSC.
    """
    families: set[str] = set()
    single: set[CscId] = set()
    for part in (part.strip() for part in text.split(",")):
        try:
            if part.endswith(":*"):
                families.add(CscId.parse(part.removesuffix(":*")).name if part.count(":") == 1 else "")
            else:
                single.add(CscId.parse(part))
        except ValueError as error:
            raise UserError(str(error), hint="separate several with commas; ESS:* is every ESS") from None
    if "" in families:
        raise UserError(f"{text!r}: * stands for a whole index", hint="write ESS:* for every ESS")
    return lambda csc: csc in single or csc.name in families


def parse_target(text: str) -> Phase:
    """Return the phase that wants ``startup``, ``end``, ``shutdown`` or one state of every CSC.

    Raises:
        UserError: it is none of these.
    """
    if text in set(TargetKind):
        return Phase(TargetKind(text))
    try:
        return Phase(Target.parse(text))
    except ValueError:
        known = [kind.value for kind in TargetKind] + list(SummaryState.__members__)
        near = get_close_matches(text, known, 1) or get_close_matches(text.upper(), known, 1)
        listed = f"use {', '.join(known)}, or OFFLINE/AVAILABLE for cameras"
        hint = f"did you mean {near[0]}? {listed}" if near else listed
        raise UserError(f"{text!r} is not a target", hint=hint) from None
