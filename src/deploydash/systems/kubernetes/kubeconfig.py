"""Which API server a context of a kubeconfig names, and whether it may be one of the site's, before anything is asked.

The file alone is looked at: no plugin runs, no library is loaded, nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from deploydash.errors import FeedError
from deploydash.stored import read_small
from deploydash.systems.address import is_loopback, same_host, shown

SYSTEM = "kubernetes"
MOST_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Context:
    """What a kubeconfig says of one context. ``server``: the API server's URL, as it may be shown."""

    file: Path
    name: str
    server: str

    @property
    def host(self) -> str:
        """The API server's host."""
        return urlsplit(self.server).hostname or ""


class NoKubeconfigError(FeedError):
    """There is no kubeconfig where the site file says."""


def read_context(kubeconfig: str, name: str) -> Context:
    """Return what a kubeconfig says of a context.

    Raises:
        FeedError: the file cannot be read, or lacks the context or what it refers to.
    """
    file = Path(kubeconfig).expanduser()
    try:
        content = yaml.load(read_small(file, MOST_BYTES), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except FileNotFoundError:
        raise NoKubeconfigError(SYSTEM, f"there is no {file}", hint="fetch the cluster's kubeconfig") from None
    except OSError as error:
        raise FeedError(SYSTEM, f"{file} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise FeedError(SYSTEM, f"{file} is no YAML", hint="fetch the cluster's kubeconfig again") from None
    context = _named(content, "contexts", "context", name, file)
    for key in ("cluster", "user"):
        if not isinstance(context.get(key), str):
            raise _wrong(file, f"context {name} names no {key}")
    cluster = _named(content, "clusters", "cluster", context["cluster"], file)
    _named(content, "users", "user", context["user"], file)
    server = cluster.get("server")
    if not isinstance(server, str) or not _is_url(server):
        raise _wrong(file, f"cluster {context['cluster']} has no server that is a URL")
    return Context(file, name, shown(server))


def refuse_foreign(context: Context, domain: str, servers: tuple[str, ...], *, rehearsal: bool) -> None:
    """Refuse an API server that is none of the site's: one outside of its domain that it does not name either.

    A rehearsal reaches this machine alone. The loopback of a tunnel is no address of a site unless the site names it.

    Raises:
        ForeignServerError: it is none of the site's.
    """
    host = context.host
    if rehearsal:
        own = is_loopback(host)
        hint = "a rehearsal reaches this machine alone"
    else:
        inside = bool(domain) and (same_host(host, domain) or host.lower().rstrip(".").endswith(f".{domain.lower()}"))
        own = inside or any(same_host(host, server) for server in servers)
        hint = f"the site's end in .{domain}, or stand in servers: of its section kubernetes"
        hint = hint if domain else "name it in servers: of the site's section kubernetes"
    if not own:
        where = f"context {context.name} of {context.file}"
        raise ForeignServerError(SYSTEM, f"{context.server} ({where}) is none of the site's API servers", hint=hint)


class ForeignServerError(FeedError):
    """An API server that is none of the site's: nothing is asked of it."""


def no_cluster(kubeconfig: str, name: str) -> str:
    """Return why a rehearsal has no cluster of its own, which is no fault of it, or nothing where it has one.

    Raises:
        FeedError: its kubeconfig is no use.
    """
    try:
        refuse_foreign(read_context(kubeconfig, name), "", (), rehearsal=True)
    except (NoKubeconfigError, ForeignServerError) as error:
        return f"this rehearsal has no cluster: {error}"
    return ""


def _named(content: Any, section: str, key: str, name: str, file: Path) -> dict[str, Any]:
    rows = content.get(section) if isinstance(content, dict) else None
    found = [row for row in rows if isinstance(row, dict) and row.get("name") == name] if isinstance(rows, list) else []
    if len(found) != 1 or not isinstance(found[0].get(key), dict):
        raise _wrong(file, f"it has no {key} {name}" if not found else f"its {key} {name} is no use")
    inner: dict[str, Any] = found[0][key]
    return inner


def _wrong(file: Path, why: str) -> FeedError:
    return FeedError(SYSTEM, f"{file}: {why}", hint="look at kubectl config view, or fetch it again")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
