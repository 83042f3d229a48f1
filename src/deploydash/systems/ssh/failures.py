"""Why a host is not to be reached or does not let us in: each failure in its own words, with what to do next."""

from __future__ import annotations

import asyncio
import shlex
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from deploydash.core.outside_text import visible


@dataclass(frozen=True, slots=True)
class Tried:
    """What was tried: with whom, where, as whom, with which keys, and which host key was offered there.

    ``known_as``: how files of known host keys call it. ``keys``: files of keys, ``agent``: the agent's socket, empty
    where there is none. ``files``: of known host keys.
    """

    host: str
    known_as: str
    address: str
    port: int
    user: str
    keys: tuple[str, ...]
    agent: str
    files: tuple[str, ...]
    known: asyncssh.SSHKnownHosts
    offered: asyncssh.SSHKey | None

    @property
    def at(self) -> str:
        """The host as the lead knows it, with the address where that is another."""
        where = f"{self.address}:{self.port}" if self.port != 22 else self.address
        return self.host if where == self.host else f"{self.host} ({where})"

    @property
    def entry(self) -> str:
        """What stands in a file of known host keys for it."""
        return self.known_as if self.port == 22 else f"[{self.known_as}]:{self.port}"


async def in_words(error: BaseException, tried: Tried) -> tuple[str, str]:
    """Return what is the case and what to do next."""
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return _host_key(error, tried)
    if isinstance(error, asyncssh.PermissionDenied):
        return await _refused(tried)
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return f"{tried.at} and this machine have no cipher or key type in common", visible(str(error))
    if isinstance(error, socket.gaierror):
        return f"{tried.at}: this name does not resolve", "look at the name, and at the VPN of the site"
    if isinstance(error, ConnectionRefusedError):
        return f"{tried.at} refused the connection: no SSH server listens there", "is the host up?"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return f"{tried.at} closed the connection before anybody could log in", "its log says why"
    if isinstance(error, asyncssh.ChannelOpenError):
        return f"{tried.at} is not to be reached through its jump host", visible(error.reason)
    if isinstance(error, TimeoutError):
        return f"{tried.at} does not answer", "is the host up, and the VPN of the site?"
    if isinstance(error, asyncssh.ConnectionLost):
        return f"{tried.at} accepted the connection and then said nothing more", "its SSH server may hang"
    if isinstance(error, asyncssh.KeyImportError | asyncssh.KeyEncryptionError):
        return f"a key for {tried.at} cannot be read: {visible(str(error))}", "add it to the agent: ssh-add"
    if isinstance(error, asyncssh.Error):
        return f"{tried.at} ended the connection: {visible(error.reason)}", ""
    return f"{tried.at} cannot be reached: {visible(str(error)) or type(error).__name__}", ""


def _host_key(error: asyncssh.HostKeyNotVerifiable, tried: Tried) -> tuple[str, str]:
    """Tell an unknown host key from a changed one, with the command that would accept exactly this one."""
    offered = tried.offered
    if offered is None:
        return f"{tried.at}: its host key is not accepted: {visible(str(error.reason))}", "ask its administrator"
    line = f"{tried.entry} {' '.join(offered.export_public_key().decode('ascii', 'replace').split()[:2])}"
    fingerprint = offered.get_fingerprint()
    file = next(iter(tried.files), "")
    known = _known_keys(tried)
    if not known:
        message = f"{tried.at}: its host key is not known; offered is {fingerprint}"
        accept = f"echo {shlex.quote(line)} >> {_path(file)}"
        return message, f"if its administrator confirms that fingerprint: {accept}" if file else _ASK
    message = f"{tried.at}: its host key has CHANGED: known is {', '.join(known)}, offered is {fingerprint}"
    message += "; somebody may be in between, or it was installed anew"
    forget = f"ssh-keygen -R {shlex.quote(tried.entry)} -f {_path(file)}"
    accept = f"{forget} && echo {shlex.quote(line)} >> {_path(file)}"
    return message, f"only if its administrator confirms the new fingerprint: {accept}" if file else _ASK


_ASK = "ask its administrator which key it has"
"""Where no file of known keys is read that could take the new one."""


def _known_keys(tried: Tried) -> tuple[str, ...]:
    address = tried.address if tried.address.replace(".", "").isdigit() else ""
    keys: list[asyncssh.SSHKey] = []
    with suppress(ValueError):
        keys += tried.known.match(tried.known_as, address, tried.port if tried.port != 22 else None)[0]
    return tuple(dict.fromkeys(key.get_fingerprint() for key in keys))


def _path(file: str) -> str:
    home = str(Path.home())
    return f"~{file[len(home) :]}" if file.startswith(f"{home}/.ssh/") else shlex.quote(file)


async def _refused(tried: Tried) -> tuple[str, str]:
    """Say with what we came, for the server does not say what it lacks."""
    who = f"{tried.at} refused {tried.user or 'the log-in'}"
    files, locked = await asyncio.to_thread(_files, tried.keys)
    ours = len(files) - len(locked)
    if not tried.agent and not files:
        return f"{who}: there is no agent and no key to offer", "start ssh-agent and ssh-add the key for this host"
    held = await _held(tried.agent) if tried.agent else None
    if tried.agent and held is None and not ours:
        return f"{who}: the agent at {tried.agent} does not answer", "start ssh-agent anew, then ssh-add"
    if locked and not ours and not held:
        return f"{who}: {locked[0]} has a passphrase and nobody is asked for it here", f"ssh-add {locked[0]}"
    if held == 0 and not ours:
        return f"{who}: the agent holds no key", "ssh-add the key for this host"
    offered = [f"{held} of the agent"] * bool(held) + [str(file) for file in files if file not in locked]
    return (
        f"{who}: it accepts none of the keys that were offered ({', '.join(offered) or 'none'})",
        f"have the public key added for {tried.user or 'you'} there, or name another user",
    )


def _files(keys: tuple[str, ...]) -> tuple[list[Path], list[Path]]:
    """Return the files of keys that there are, and those of them that have a passphrase."""
    files = [Path(key) for key in keys if Path(key).is_file()]
    return files, [file for file in files if _has_passphrase(file)]


def _has_passphrase(file: Path) -> bool:
    try:
        asyncssh.read_private_key(file)
    except asyncssh.KeyImportError:
        return True
    except (OSError, ValueError):
        return False
    return False


async def _held(path: str) -> int | None:
    """Return how many keys the agent holds, None where it does not answer."""
    try:
        async with asyncio.timeout(2):
            agent = await asyncssh.connect_agent(path)
            try:
                return len(await agent.get_keys())
            finally:
                agent.close()
                await agent.wait_closed()
    except (OSError, ValueError, TimeoutError, asyncssh.Error):
        return None
