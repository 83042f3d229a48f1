"""A connection to a host: found, proved by its host key, logged in; every way in which that fails in its own words.

Loaded when something is asked or done, for asyncssh takes its time. Nothing is ever asked at a prompt: keys of the
agent, keys without a passphrase and Kerberos are all there is.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from deploydash.errors import FeedError
from deploydash.systems.ssh.failures import Tried, in_words
from deploydash.systems.ssh.where import SSH, Login, Place, Places

CONNECT_S = 5.0
"""So long a host may take to accept a connection."""

LOGIN_S = 8.0
"""So long it may take to log in."""

KEEPALIVE_S = 5.0
KEEPALIVES = 3
"""A connection is lost after so many answers that did not come, this far apart."""

NEVER_ASKS: dict[str, Any] = {
    "password_auth": False,
    "kbdint_auth": False,
    "host_based_auth": False,
    "pkcs11_provider": None,
    "agent_forwarding": False,
    "x11_forwarding": False,
}


CHEAP = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
"""These ciphers are offered first: asyncssh's own first one takes twice as much of our processor for each command. All
others are offered behind them, and what the user's configuration says of ciphers counts alone."""


class _Client(asyncssh.SSHClient):
    """Remembers the key that a host offered and that is none of those known."""

    offered: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Accept no key that is not known already."""
        del host, addr, port
        self.offered = key
        return False


@dataclass(frozen=True, slots=True)
class Way:
    """How one host is reached: what asyncssh is given, through which other hosts, and which keys are known.

    ``name``: what asyncssh is told the host is called; ``known_as``: how files of known host keys call it.
    ``address``, ``port``, ``user``: what comes of that. ``files``: of known host keys. ``keys``: files of keys that are
    offered, ``agent``: the socket of what offers further ones.
    """

    login: Login
    name: str
    known_as: str
    options: dict[str, Any]
    address: str
    port: int
    user: str
    jumps: tuple[Login, ...]
    known: asyncssh.SSHKnownHosts
    files: tuple[Path, ...]
    keys: tuple[str, ...]
    agent: str


async def way_to(login: Login, places: Places) -> Way:
    """Return how a host is reached.

    Raises:
        FeedError: it must not be reached, or the user's configuration of SSH cannot be used.
    """
    return await asyncio.to_thread(_way, login, places)


async def connect(way: Way, tunnel: asyncssh.SSHClientConnection | None) -> asyncssh.SSHClientConnection:
    """Connect to a host, through another connection where one is given, and log in.

    Raises:
        FeedError: it does not answer, is not the host that is known, or does not let us in; says what to do.
    """
    client = _Client()
    try:
        async with asyncio.timeout(CONNECT_S + LOGIN_S):
            return await asyncssh.connect(
                way.name,
                client_factory=lambda: client,
                tunnel=tunnel,
                known_hosts=way.known,
                connect_timeout=CONNECT_S,
                login_timeout=LOGIN_S,
                keepalive_interval=KEEPALIVE_S,
                keepalive_count_max=KEEPALIVES,
                **way.options,
            )
    except (OSError, asyncssh.Error, TimeoutError, ValueError) as error:
        tried = Tried(
            host=way.login.host,
            known_as=way.known_as,
            address=way.address,
            port=way.port,
            user=way.user,
            keys=way.keys,
            agent=way.agent,
            files=tuple(str(file) for file in way.files),
            known=way.known,
            offered=client.offered,
        )
        message, hint = await in_words(error, tried)
        raise FeedError(SSH, message, hint=hint) from error


def _way(login: Login, places: Places) -> Way:
    place = places.place(login.host)
    return _rehearsed(login, place) if place is not None else _real(login, places)


def _rehearsed(login: Login, place: Place) -> Way:
    """Return the way to a host of a rehearsal: of the user's own files and agent nothing is read."""
    user = login.user or place.user
    known = asyncssh.SSHKnownHosts()
    if place.host_key:
        known.load(f"{_entry(login.host, place.port)} {place.host_key}")
    options: dict[str, Any] = {
        **NEVER_ASKS,
        "config": None,
        "port": place.port,
        "client_keys": list(place.client_keys) or None,  # an empty list would mean the user's own
        "agent_path": None,
        "gss_auth": False,
        "gss_kex": False,
        "host_key_alias": login.host,
        "proxy_command": None,
        "encryption_algs": CHEAP,
    }
    if user:
        options["username"] = user
    jumps = (Login.parse(place.jump),) if place.jump else ()
    return Way(
        login,
        place.address,
        login.host,
        options,
        place.address,
        place.port,
        user,
        jumps,
        known,
        (),
        place.client_keys,
        "",
    )


def _real(login: Login, places: Places) -> Way:
    """Return the way to a host of a site, as the user's configuration of SSH says."""
    config: Any = () if places.config is None else [str(places.config)]
    given: dict[str, Any] = {"config": config, **({"username": login.user} if login.user else {})}
    try:
        read = asyncssh.SSHClientConnectionOptions(host=login.host, **given, **NEVER_ASKS, client_keys=None)
    except (OSError, asyncssh.Error, ValueError) as error:
        raise FeedError(SSH, f"{login.host}: the configuration of SSH cannot be used: {error}") from error
    places.refuse_foreign(read.host, f"the configuration of SSH leads {login.host} to")
    jumps = _jumps(read.tunnel, login, places)
    for jump in jumps:
        places.refuse_foreign(jump.host, f"{login.host} would be reached through")
    files = _known_files(read.config, places)
    named = [str(Path(key).expanduser()) for key in _listed(read.config.get("IdentityFile", ()))]
    keys = tuple(key for key in named or _default_keys() if os.access(key, os.R_OK))
    cheap = {} if read.config.get("Ciphers") else {"encryption_algs": CHEAP}
    return Way(
        login,
        login.host,
        read.host_key_alias or read.host,
        {**given, **NEVER_ASKS, "client_keys": list(keys), "ignore_encrypted": True, **cheap},
        read.host,
        read.port,
        read.username,
        jumps,
        _known(files),
        files,
        keys,
        _agent(read.config),
    )


def _jumps(tunnel: object, login: Login, places: Places) -> tuple[Login, ...]:
    if isinstance(tunnel, str):
        if tunnel.lower() == "none":
            return ()
        return tuple(Login.parse(one.strip()) for one in tunnel.split(","))
    jump = Login.parse(places.jump) if places.jump else None
    return (jump,) if jump is not None and jump.host != login.host else ()


def _agent(config: Any) -> str:
    """Return the socket of the agent whose keys are offered, empty where there is none."""
    path = config.get("IdentityAgent", ())
    found = os.environ.get("SSH_AUTH_SOCK", "") if path == () else path
    return str(Path(str(found)).expanduser()) if found else ""


def _known_files(config: Any, places: Places) -> tuple[Path, ...]:
    """Return the files of known host keys; those of the user and the machine, as OpenSSH has them."""
    if places.known_hosts:
        return places.known_hosts
    user = config.get("UserKnownHostsFile", None)
    machine = config.get("GlobalKnownHostsFile", None)
    names = [
        *(user if user is not None else ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")),
        *(machine if machine is not None else ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")),
    ]
    return tuple(Path(name).expanduser() for name in names)


_READ: dict[tuple[Path, ...], tuple[object, asyncssh.SSHKnownHosts]] = {}
"""What was read of files of known host keys, and how they were then: for ten hosts they are read once."""


def _known(files: tuple[Path, ...]) -> asyncssh.SSHKnownHosts:
    """Return the host keys that are known now."""
    stamp = [_stamp(file) for file in files]
    before = _READ.get(files)
    if before is None or before[0] != stamp:
        before = _READ[files] = (stamp, _load(files))
    return before[1]


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _load(files: Sequence[Path]) -> asyncssh.SSHKnownHosts:
    """Return the host keys of files; a line that cannot be read is none."""
    known = asyncssh.SSHKnownHosts()
    for file in files:
        try:
            text = file.read_text("utf-8", "replace")
        except OSError:
            continue
        for line in text.splitlines():
            try:
                known.load(line)
            except ValueError:
                continue
    return known


def _listed(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


def _default_keys() -> list[str]:
    folder = Path("~/.ssh").expanduser()
    return [str(folder / name) for name in ("id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk")]


def _entry(host: str, port: int) -> str:
    return host if port == 22 else f"[{host}]:{port}"
