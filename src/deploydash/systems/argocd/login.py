"""Who we are for Argo CD: the argocd CLI's own login, or the environment's; never a file of ours.

In a rehearsal only what the site file of the demo observatory names is used, and only on loopback: the user's own login
must not leave for a fake.
"""

from __future__ import annotations

import base64
import binascii
import json
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
from deploydash.systems.address import same_host

ARGOCD = SystemName("argocd")
MOST_BYTES = 1_000_000
"""A CLI's file has a few tokens of a kilobyte or two."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a site's Argo CD is, by the site file. ``token``: the demo observatory's, in a rehearsal alone."""

    server: str
    root_path: str
    plain: bool = False
    token: str = field(default="", repr=False)
    rehearsal: bool = False

    @property
    def url(self) -> str:
        """The address below which the API is."""
        return f"{'http' if self.plain else 'https'}://{self.server}{self.root_path.rstrip('/')}"


@dataclass(frozen=True, slots=True)
class Login:
    """A token and what it says of itself without being verified; it never appears in a repr.

    ``authority``: certificates in PEM that the CLI trusts for this server. ``until_utc``: when the token ends (UTC unix
    seconds), None where it does not. ``source``: where it was found. ``again``: what renews it, for a sentence.
    """

    token: str = field(repr=False)
    source: str
    again: str
    user: str = ""
    until_utc: float | None = None
    authority: str = field(default="", repr=False)

    def minutes(self, now_utc: float) -> int | None:
        """Return how many whole minutes are left, negative where it has ended; None where it does not end."""
        return None if self.until_utc is None else int((self.until_utc - now_utc) // 60)


class LoginError(FeedError):
    """There is no login that could be used; says how to get one."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(ARGOCD, message, hint=hint)


def read_login(place: Endpoint, environ: Mapping[str, str]) -> Login:
    """Return the login for a site's Argo CD as it stands now; the CLI renews its file, so it is read again and again.

    Raises:
        LoginError: there is none for this server, or its file cannot be used.
    """
    if place.rehearsal:
        return _login(place.token, "the demo observatory", "start the demo observatory anew")
    named = environ.get("ARGOCD_SERVER", "")
    if named and not same_host(named.partition(":")[0], place.server.partition(":")[0]):
        message = f"ARGOCD_SERVER names {named}, which is not this site's Argo CD"
        raise LoginError(message, f"unset it, or set it to {place.server}")
    if token := environ.get("ARGOCD_AUTH_TOKEN", "").strip():
        return _login(token, "ARGOCD_AUTH_TOKEN", "set ARGOCD_AUTH_TOKEN anew, then resume the run")
    return _of_the_cli(place, environ)


def config_file(environ: Mapping[str, str]) -> Path:
    """Return where the argocd CLI keeps its logins (argo-cd util/localconfig)."""
    if folder := environ.get("ARGOCD_CONFIG_DIR"):
        return Path(folder) / "config"
    home = Path(environ.get("HOME") or "~").expanduser()
    if (home / ".argocd").is_dir():
        return home / ".argocd" / "config"
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "argocd" / "config"


def _of_the_cli(place: Endpoint, environ: Mapping[str, str]) -> Login:
    path = config_file(environ)
    anew = f"argocd login {place.server} --grpc-web-root-path {place.root_path} --sso"
    told = _read(path, anew)
    context = _context(told, place.server)
    if context is None:
        raise LoginError(f"{path} has no context for {place.server}", f"run {anew}")
    name = _text(context, "name")
    again = f"run argocd relogin --argocd-context {name}; it is read again by itself"
    user = _named(told, "users", "name", _text(context, "user"))
    token = _text(user, "auth-token").strip()
    if not token:
        raise LoginError(f"context {name} of {path} has no token", again)
    server = _named(told, "servers", "server", _text(context, "server"))
    return _login(token, f"{path}, context {name}", again, _authority(server, path))


def _read(path: Path, anew: str) -> dict[str, Any]:
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)  # noqa: PTH116 - Path.stat would say the same
        told = yaml.safe_load(read_small(path, MOST_BYTES))
    except FileNotFoundError:
        raise LoginError("there is no login for Argo CD", f"run {anew}") from None
    except OSError as error:
        raise LoginError(f"{path} cannot be read: {error.strerror}", f"run {anew}") from None
    except (ValueError, yaml.YAMLError, RecursionError):
        raise LoginError(f"{path} is not a file of the argocd CLI", f"move it away and run {anew}") from None
    if mode not in {0o600, 0o400}:
        message = f"{path} may be read by others (mode {mode:o}), so no token of it is used"
        raise LoginError(message, f"chmod 600 {path}")
    return told if isinstance(told, dict) else {}


def _context(told: dict[str, Any], server: str) -> dict[str, Any] | None:
    """Return the context of a server, the current one first."""
    ours = [row for row in _rows(told, "contexts") if same_host(_text(row, "server"), server)]
    current = _text(told, "current-context")
    return next((row for row in ours if _text(row, "name") == current), ours[0] if ours else None)


def _authority(server: dict[str, Any], path: Path) -> str:
    data = _text(server, "certificate-authority-data")
    try:
        return base64.b64decode(data, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        message = f"certificate-authority-data in {path} cannot be read"
        raise LoginError(message, "it is base64 of PEM; the CLI writes it") from None


def _login(token: str, source: str, again: str, authority: str = "") -> Login:
    claims = _claims(token)
    ends = claims.get("exp")
    users = (claims.get(name) for name in ("email", "preferred_username", "sub"))
    user = next((str(one) for one in users if isinstance(one, str) and one), "")
    until = float(ends) if isinstance(ends, int | float) and not isinstance(ends, bool) else None
    return Login(token, source, again, user, until, authority)


def _claims(token: str) -> dict[str, Any]:
    """Return what a token says of itself, unverified: that is the server's to do."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        told = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _rows(told: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = told.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _named(told: dict[str, Any], key: str, by: str, name: str) -> dict[str, Any]:
    return next((row for row in _rows(told, key) if _text(row, by) == name), {})


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""
