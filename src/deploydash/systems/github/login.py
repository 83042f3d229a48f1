"""Who we are for GitHub: the environment's token, or gh's own file; never a file of ours.

In a rehearsal only what the site file of the demo observatory names is used, and only on loopback: the user's own token
must not leave for a fake.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from deploydash.core.procedure.names import SystemName
from deploydash.errors import FeedError
from deploydash.stored import read_small
from deploydash.systems.address import is_loopback, url_host

GITHUB = SystemName("github")
API = "https://api.github.com"
HOST = "github.com"
VARIABLES = ("GH_TOKEN", "GITHUB_TOKEN")
"""Where gh itself looks, in its order (gh help environment)."""

MOST_BYTES = 1_000_000
AGAIN = "run gh auth login, or export GH_TOKEN=$(gh auth token); then resume the run"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where GitHub's API is. ``token``: the demo observatory's, in a rehearsal alone."""

    url: str = API
    token: str = field(default="", repr=False)
    rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """A token, which never appears in a repr. ``source``: where it was found; ``again``: what renews it."""

    token: str = field(repr=False)
    source: str
    again: str = AGAIN


class LoginError(FeedError):
    """There is no token that could be used; says how to get one."""

    def __init__(self, message: str, hint: str = AGAIN) -> None:
        super().__init__(GITHUB, message, hint=hint)


def read_login(place: Endpoint, environ: Mapping[str, str]) -> Login:
    """Return the login as it stands now.

    Raises:
        LoginError: there is none, or gh's file cannot be used.
    """
    if place.rehearsal:
        if not is_loopback(url_host(place.url)):
            raise LoginError("this rehearsal has no GitHub", "start the demo observatory anew")
        return Login(place.token, "the demo observatory", "start the demo observatory anew")
    for name in VARIABLES:
        if token := environ.get(name, "").strip():
            if not token.isascii() or not token.isprintable() or " " in token:
                raise LoginError(f"{name} is no token: it has characters that none has")
            return Login(token, name, f"set {name} anew, then resume the run")
    return _of_gh(hosts_file(environ))


def hosts_file(environ: Mapping[str, str]) -> Path:
    """Return where gh keeps its logins (cli/cli, go-gh pkg/config)."""
    if folder := environ.get("GH_CONFIG_DIR"):
        return Path(folder) / "hosts.yml"
    home = Path(environ.get("HOME") or "~").expanduser()
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "gh" / "hosts.yml"


def _of_gh(path: Path) -> Login:
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)  # noqa: PTH116 - Path.stat would say the same
        told = yaml.safe_load(read_small(path, MOST_BYTES))
    except FileNotFoundError:
        raise LoginError("there is no token for GitHub") from None
    except OSError as error:
        raise LoginError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, yaml.YAMLError, RecursionError):
        raise LoginError(f"{path} is not a file of gh") from None
    host = _mapping(_mapping(told).get(HOST))
    user = host.get("user")
    own = _mapping(_mapping(host.get("users")).get(user)) if isinstance(user, str) else {}
    token = own.get("oauth_token") or host.get("oauth_token")
    if not isinstance(token, str) or not token.strip():
        keyring = "it may be in the keyring: export GH_TOKEN=$(gh auth token), then resume the run"
        raise LoginError(f"{path} has no token for {HOST}", keyring)
    if mode & 0o077:
        message = f"{path} may be read by others (mode {mode:o}), so no token of it is used"
        raise LoginError(message, f"chmod 600 {path}")
    return Login(token.strip(), str(path))


def _mapping(told: Any) -> dict[Any, Any]:
    return told if isinstance(told, dict) else {}
