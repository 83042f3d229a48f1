"""What each CSC runs, held against what is wanted and against the others. Pure.

An image follows the cycle where its tag is the cycle's, or that with a revision of its own: ``c0046``, ``c0046.003``
(phalanx charts/csc, helpers.makeImage). Which XML a cycle has stands nowhere: all CSCs are built with one, so that the
most frequent one counts, and whoever reports another is the odd one out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Liveness


@dataclass(frozen=True, slots=True)
class Running:
    """What one CSC runs: the tag of its pod's image, and the versions that it reports; each may be empty."""

    csc: CscId
    image: str = ""
    xml: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of it. ``odd``: who runs something else, and what; ``untold``: of whom nothing is known.

    ``tag``, ``xml``: what the others run; empty where nobody says.
    """

    of: int
    tag: str
    xml: str
    odd: Mapping[CscId, str]
    untold: tuple[CscId, ...]


def running_of(views: Iterable[CscView]) -> list[Running]:
    """Return what those run that are expected and send heartbeats; of all others nothing is running."""
    return [
        Running(view.csc, view.image, view.xml_version, view.csc_version)
        for view in views
        if view.expected and view.liveness is Liveness.BEATING
    ]


def compared(running: Sequence[Running], wanted: str = "") -> Compared:
    """Return who runs something else than the rest; ``wanted``: the tag of the cycle, else the most frequent one."""
    tag = wanted or _most(_cycle(one.image) for one in running)
    right = [one for one in running if one.image and follows(one.image, tag)]
    xml = _most(one.xml for one in right) or _most(one.xml for one in running)
    odd = {one.csc: why for one in running if (why := _odd(one, tag, xml))}
    untold = tuple(one.csc for one in running if not one.image and not one.xml)
    return Compared(len(running), tag, xml, odd, untold)


def follows(image: str, tag: str) -> bool:
    """Say whether the tag of an image is this cycle's, with or without a revision."""
    return image == tag or re.fullmatch(rf"{re.escape(tag)}\.[0-9]{{3}}", image) is not None


def _cycle(image: str) -> str:
    return re.sub(r"\.[0-9]{3}$", "", image)


def _odd(one: Running, tag: str, xml: str) -> str:
    """Return what is odd about what a CSC runs, or nothing."""
    told = [f"runs image {one.image}, not {tag}"] if one.image and tag and not follows(one.image, tag) else []
    told += [f"reports XML {one.xml}, not {xml}"] if one.xml and xml and one.xml != xml else []
    return f"{', '.join(told)}{f' (version {one.version})' if one.version else ''}" if told else ""


def _most(texts: Iterable[str]) -> str:
    """Return the text that is met most often; where several are, the greatest, so that it stays the same."""
    counts = Counter(text for text in texts if text)
    return max(counts, key=lambda text: (counts[text], text), default="")
