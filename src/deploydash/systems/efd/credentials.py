"""The credential service of the EFD's clients: an alias such as ``summit_efd`` to an address, user and password.

``GET <service>/creds/<alias>`` answers host, port, path, username and password; the EFD client always goes
there by https (lsst-efd-client ``auth_helper.py`` and ``efd_helper.py``).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from deploydash.core.model import FeedName
from deploydash.systems.address import host_name
from deploydash.systems.efd.client import EfdError
from deploydash.systems.http import HttpClient, HttpError
from deploydash.systems.settings import EfdSettings

MOST_BYTES = 100_000


async def from_service(service: str, alias: str, database: str = "efd", *, timeout: float = 10.0) -> EfdSettings:
    """Return how to reach the EFD called ``alias``, as the service at ``service`` knows it.

    Args:
        service: the service's address, without ``creds/``.
        alias: the EFD's name there, such as ``tucson_teststand_efd``.
        database: the database to ask; the service does not know it.
        timeout: seconds for the whole exchange.

    Raises:
        EfdError: the service did not answer, does not know the alias, or its answer lacks something.
    """
    otherwise = "export EFD_USERNAME and EFD_PASSWORD instead"
    http = HttpClient(FeedName.EFD.value, service, budget=timeout, most_bytes=MOST_BYTES, hint=otherwise)
    name = f"the EFD credential service {http.address}"
    try:
        answer = await http.ask(f"/creds/{quote(alias, safe='')}")
    except HttpError as error:
        raise EfdError(f"{name} {error.trouble}", hint=otherwise) from None
    finally:
        await http.aclose()
    if answer.status == 404:
        raise EfdError(f"{name} knows no EFD {alias!r}", hint=f"correct efd.alias in the site file, or {otherwise}")
    if answer.status != 200:
        raise EfdError(f"{name} refuses: {answer.what}", hint=otherwise)
    try:
        return _settings(answer.fields(), alias, database)
    except (LookupError, TypeError, ValueError):
        # The answer holds a password, so nothing of it is shown.
        raise EfdError(f"{name} answers without host, username or password", hint=otherwise) from None


def _settings(body: Any, alias: str, database: str) -> EfdSettings:
    host, username, password = (_text(body[key]) for key in ("host", "username", "password"))
    port = int(body.get("port") or 443)
    path = str(body.get("path") or "").strip("/")
    place = f"[{host}]" if ":" in host else host_name(host)
    url = f"https://{place}" + f":{port}" * (port != 443) + f"/{quote(path)}"
    return EfdSettings(url.rstrip("/"), database, f"credential service, alias {alias}", username, password)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    return value
