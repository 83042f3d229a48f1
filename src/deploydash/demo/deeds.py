"""What the fakes were asked to change, and how the world stands at the end: for whoever counts what a lead did.

A request stands here from the moment it came, whatever came of it. What only looks is no deed. At the end of a demo
observatory all of it is one JSON file beside its site file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

NAME = "deeds.json"
"""The file that a demo observatory leaves in its folder."""

UNFINISHED = "not finished"


@dataclass(slots=True)
class Deed:
    """One request that was to change something.

    ``kind``: as its fake counts it; ``about``: of what, with what it asked. ``outcome``: the HTTP status, what Slack
    called its error, or the exit status; it is told last, so that a request whose asker has gone stands here, too.
    """

    fake: str
    kind: str
    about: str
    outcome: str = UNFINISHED


@dataclass(slots=True)
class Deeds:
    """All requests in the order in which they came. ``stands``: by fake, what tells how it stands now, as JSON."""

    done: list[Deed] = field(default_factory=list)
    stands: dict[str, Callable[[], Mapping[str, object]]] = field(default_factory=dict)

    def note(self, fake: str, kind: str, about: str) -> Deed:
        """Note a request that has come; who carries it out tells its outcome."""
        made = Deed(fake, kind, about)
        self.done.append(made)
        return made

    def leave(self, folder: Path) -> None:
        """Write all of it into a folder. Raises OSError."""
        told = {
            "asked": [asdict(deed) for deed in self.done],
            "stands": {fake: tell() for fake, tell in sorted(self.stands.items())},
        }
        (folder / NAME).write_text(json.dumps(told, indent=1), "utf-8")
