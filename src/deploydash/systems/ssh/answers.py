"""What hosts answer, read: units, containers, working copies, the camera's shell. Pure; bounded by who reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

_SECRETS = (
    (
        re.compile(
            r"(?i)\b([\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api_?key|access_?key)[\w.-]*\s*[=:]\s*)\S+"
        ),
        1,
    ),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@]+@"), 2),
    (re.compile(r"(?i)\b(authorization:\s*\w+\s+)\S+"), 1),
)


def without_secrets(line: str) -> str:
    """Return a line of output with whatever looks like a secret taken out."""
    for pattern, kind in _SECRETS:
        line = pattern.sub(r"\1***" if kind == 1 else r"\1***@", line)
    return line


@dataclass(frozen=True, slots=True)
class Unit:
    """How a systemd unit stands."""

    load: str
    active: str
    sub: str
    pid: str
    started: str

    @property
    def absent(self) -> bool:
        """Whether the host has no such unit."""
        return self.load in {"not-found", ""}

    @property
    def down(self) -> bool:
        """Whether it runs no more; a Java program that was stopped may well show failed."""
        return self.active in {"inactive", "failed"}

    @property
    def up(self) -> bool:
        """Whether it runs."""
        return self.active == "active"

    def __str__(self) -> str:
        return f"{self.active} ({self.sub})" if self.sub else self.active


def read_unit(text: str) -> Unit:
    """Return what ``systemctl show`` says of a unit."""
    found = dict(line.partition("=")[::2] for line in text.splitlines())
    names = ("LoadState", "ActiveState", "SubState", "MainPID", "ExecMainStartTimestamp")
    return Unit(*(found.get(name, "").strip() for name in names))


@dataclass(frozen=True, slots=True)
class Container:
    """A container of docker."""

    id: str
    name: str
    state: str
    image: str

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.state == "running"

    @property
    def tag(self) -> str:
        """The tag of its image, empty where it has none."""
        _, _, name = self.image.rpartition("/")
        return name.partition(":")[2]


def read_containers(text: str, wanted: Sequence[str]) -> tuple[Container, ...]:
    """Return the containers among all of a host whose names fit the wanted ones; patterns have a ``*``."""
    found = [Container(*line.split("|", 3)) for line in text.splitlines() if line.count("|") >= 3]
    return tuple(one for one in found if any(fnmatchcase(one.name, pattern) for pattern in wanted))


def missing(wanted: Sequence[str], there: Iterable[Container]) -> tuple[str, ...]:
    """Return which of the wanted names no container has."""
    names = [one.name for one in there]
    return tuple(pattern for pattern in wanted if not any(fnmatchcase(name, pattern) for name in names))


@dataclass(frozen=True, slots=True)
class Edit:
    """A file of a working copy that is not as it was committed; ``code`` as git writes it."""

    code: str
    path: str

    @property
    def staged(self) -> bool:
        """Whether a part of it stands in the index, which a reset loses and no patch keeps."""
        return self.code[:1] not in {" ", "?", "!"}

    @property
    def unstaged(self) -> bool:
        """Whether a part of it is not in the index: that part is what a patch keeps."""
        return self.code[1:2] not in {" ", "?", "!", ""}

    @property
    def untracked(self) -> bool:
        """Whether git does not know the file: a reset leaves it alone."""
        return self.code.startswith("?")

    def __str__(self) -> str:
        return f"{self.code.strip()} {self.path}"


_BEFORE_PATH = {"1": 8, "2": 9, "u": 10}
"""So many words stand before the path of a file that changed, was renamed, or could not be merged."""


def read_status(text: str) -> tuple[str, str, tuple[Edit, ...]]:
    """Return the branch and commit that a working copy is at, and its edits; empty where it is at none."""
    head, edits = {"oid": "", "head": ""}, []
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "#":
            name, _, value = rest.removeprefix("branch.").partition(" ")
            head[name] = "" if value in {"(initial)", "(detached)"} else value
        elif kind in _BEFORE_PATH:
            words = line.split(" ", _BEFORE_PATH[kind])
            if len(words) > _BEFORE_PATH[kind]:
                edits.append(Edit(words[1].replace(".", " "), words[-1].partition("\t")[0]))
        elif kind == "?":
            edits.append(Edit("??", rest))
    return head["head"], read_commit(head["oid"]), tuple(edits)


def read_commit(text: str) -> str:
    """Return the commit at the beginning of a line, empty where there is none."""
    found = re.match(r"[0-9a-f]{40}\b", text.strip())
    return found[0] if found else ""


@dataclass(frozen=True, slots=True)
class CcsState:
    """What the camera's shell says of a bridge: its offline substate, its state, the lines about locks."""

    offline: str
    summary: str
    locks: tuple[str, ...]

    @property
    def available(self) -> bool:
        """Whether the camera was made available."""
        return self.offline == "OFFLINE_AVAILABLE"

    @property
    def fault(self) -> bool:
        """Whether it has to be cleared first."""
        return "FAULT" in {self.summary, self.offline.removeprefix("OFFLINE_")}

    def __str__(self) -> str:
        return " ".join(one for one in (self.summary, self.offline) if one) or "no state reported"


def read_ccs(text: str, target: str) -> CcsState:
    """Return what a session of the camera's shell showed; the last word of each kind counts."""
    offline = re.findall(r"\bOfflineState:(\w+)", text)
    summary = re.findall(r"\bSummaryState:(\w+)", text)
    locks = [line.strip() for line in text.splitlines() if re.search(r"(?i)\block", line) and target in line]
    return CcsState(offline[-1] if offline else "", summary[-1] if summary else "", tuple(locks))


@dataclass(frozen=True, slots=True)
class Alone:
    """How a command stands that was left to run by itself.

    ``began``: what tells this start of it from any other, empty where it never was begun. ``status``: its exit status,
    None where it left none; ``runs``: whether it is at work. ``said``: what it wrote since it was looked at before.
    """

    began: str
    status: int | None
    runs: bool
    said: str

    @property
    def ended(self) -> str:
        """How it ended, in words."""
        if self.status is None:
            return "it is not at work and left no exit status: was the machine started anew?"
        return f"exit {self.status}"


def read_alone(text: str) -> Alone:
    """Return what a look at such a command showed.

    Raises:
        ValueError: it is none.
    """
    head, _, said = text.partition("\n")
    began, _, state = head.partition(" ")
    if not began or not (state in {"runs", "lost"} or state.isdecimal()):
        raise ValueError(f"{head[:80]!r} does not tell how it stands")
    status = int(state) if state.isdecimal() else None
    return Alone("" if began == "never" else began, status, state == "runs", said)


class Pulling:
    """Counts the layers of the images that ``docker compose`` says it pulls."""

    def __init__(self) -> None:
        self._layers: dict[str, bool] = {}

    def saw(self, line: str) -> tuple[int, int]:
        """Take a line of output; return how many layers are there, and of how many."""
        found = re.search(r"\b([0-9a-f]{12}):?\s+(.*)", line)
        if found:
            over = found[2].startswith(("Pull complete", "Already exists"))
            self._layers[found[1]] = self._layers.get(found[1], False) or over
        return sum(self._layers.values()), len(self._layers)


def refused_by_sudo(status: int | None, stderr: str) -> str:
    """Return why sudo did not let a command go, empty where it did."""
    if status in {0, None}:
        return ""
    return next((line.strip() for line in stderr.splitlines() if line.startswith(("sudo:", "Sorry, user"))), "")
