"""Where hosts are and who logs in there, as a section says it; and which hosts may be reached at all. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploydash.errors import FeedError
from deploydash.systems.address import is_loopback, same_host

SSH = "ssh"


class ForeignHostError(FeedError):
    """A host that is none of the site's: it is not connected to."""


@dataclass(frozen=True, slots=True)
class Login:
    """A host and who logs in there; no user means whom the configuration of SSH or the operator's name says."""

    host: str
    user: str = ""

    @classmethod
    def parse(cls, text: str) -> Login:
        """Return what ``user@host`` or ``host`` says."""
        user, _, host = text.rpartition("@")
        return cls(host, user)

    @property
    def short(self) -> str:
        """The first part of its name, as people call it."""
        return self.host if self.host.replace(".", "").isdigit() else self.host.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.user}@{self.host}" if self.user else self.host


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host is in a rehearsal, and all that is offered to it.

    ``host_key``: the one that is accepted, as a line of known_hosts has it after the name. ``client_keys``: files.
    """

    address: str
    port: int = 22
    host_key: str = ""
    user: str = ""
    client_keys: tuple[str, ...] = ()
    jump: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """All that is needed to find a host.

    ``domain``: every host is in it, jump hosts too. ``jump``: the host through which all are reached, unless the user's
    configuration has another. ``at``: where hosts are in a rehearsal. ``rehearsal``: loopback addresses of ``at`` only,
    and nothing of the user's own is read. ``config`` and ``known_hosts``: files instead of the user's own.
    """

    domain: str = ""
    jump: str = ""
    at: Mapping[str, Place] = field(default_factory=dict)
    rehearsal: bool = False
    config: Path | None = None
    known_hosts: tuple[Path, ...] = ()

    def place(self, host: str) -> Place | None:
        """Return where a host is in a rehearsal; None at a real site.

        Raises:
            FeedError: the host must not be reached; says why.
        """
        if not self.rehearsal:
            return None
        found = next((place for name, place in self.at.items() if same_host(name, host)), None)
        if found is None:
            raise FeedError(SSH, f"{host} has no address in this rehearsal", hint="it is none of systems.ssh.at")
        if not is_loopback(found.address):
            raise ForeignHostError(SSH, f"{host} is led to {found.address}, which a rehearsal must not reach")
        return found

    def refuse_foreign(self, host: str, why: str) -> None:
        """Refuse a host that is none of the site's.

        Raises:
            FeedError: it is outside of the site's domain; ``why`` says how it comes into question.
        """
        if self.rehearsal or not self.domain:
            return
        name = host.lower().rstrip(".")
        if name != self.domain and not name.endswith(f".{self.domain}"):
            raise ForeignHostError(
                SSH, f"{why} {host}, which is no host of this site", hint=f"hosts here end in .{self.domain}"
            )
