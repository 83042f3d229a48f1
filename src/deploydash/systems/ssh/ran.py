"""What came of one command on a host. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.systems.ssh.answers import without_secrets

READ_S = 8.0
"""So long a question to a host may take."""

KEPT = 200_000
"""So many characters are kept of each stream of a command; of more, the end."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended.

    ``status``: its exit status, None where nobody knows. ``signal``: what ended it instead, without SIG. ``cut``: the
    connection was lost, so that it may go on. ``over``: it took longer than it may.
    """

    status: int | None
    out: str = ""
    err: str = ""
    signal: str = ""
    cut: bool = False
    over: bool = False

    @property
    def ok(self) -> bool:
        """Whether it says itself that it did what it should."""
        return self.status == 0

    @property
    def unknown(self) -> bool:
        """Whether nobody knows how it ended, or whether it has."""
        return self.cut or self.over or (self.status is None and not self.signal)

    @property
    def said(self) -> str:
        """The last thing it said of trouble, or else at all."""
        for text in (self.err, self.out):
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            if lines:
                return without_secrets(lines[-1])[:300]
        return ""

    def __str__(self) -> str:
        if self.cut:
            return "the connection was lost while it ran"
        if self.over:
            return "it did not end in time"
        if self.signal:
            return f"ended by SIG{self.signal}"
        if self.status is None:
            return "no exit status came"
        said = f": {self.said}" if self.said and self.status else ""
        return f"exit {self.status}{said}"
