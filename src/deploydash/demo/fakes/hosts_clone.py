"""A clone of a configuration repository, and the commits that branches point to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


def commit(branch: str, older: bool = False) -> str:
    """The commit that a branch of origin points to, or one that it pointed to before."""
    return hashlib.sha1(f"{branch}{' before' if older else ''}".encode(), usedforsecurity=False).hexdigest()


def base(directory: str) -> str:
    """The branch to which ``update_repo`` goes first."""
    return "main" if directory.startswith("docker-compose") else "develop"


@dataclass
class Checkout:
    """A clone in dco's home. ``local``: commits by local branch; ``fetched``: remote branches that are known."""

    directory: str
    branch: str = ""
    local: dict[str, str] = field(default_factory=dict)
    fetched: set[str] = field(default_factory=set)
    saved: bool = False

    def __post_init__(self) -> None:
        self.branch = self.branch or base(self.directory)
        self.local.setdefault(self.branch, commit(self.branch))
        self.fetched.add(self.branch)

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.local[self.branch]

    @property
    def released(self) -> bool:
        """Whether it stands on what the branch of an upgrade points to."""
        return self.branch != base(self.directory) and self.head == commit(self.branch)
