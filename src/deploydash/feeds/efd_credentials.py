"""The credential service of the EFD's clients: an alias such as ``summit_efd`` to an address, user and password.

``GET <service>/creds/<alias>`` answers host, port, path, username and password; the EFD client always goes
there by https (lsst-efd-client ``auth_helper.py`` and ``efd_helper.py``).
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import httpx2

from deploydash.config.settings import EfdSettings
from deploydash.feeds.efd_client import EfdError, address_of, cause, http_client, json_or_none


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
    shown = f"the EFD credential service {address_of(service)}"
    otherwise = "export EFD_USERNAME and EFD_PASSWORD instead"
    async with http_client(service) as http:
        try:
            async with asyncio.timeout(timeout):
                answer = await http.get(f"{service.rstrip('/')}/creds/{quote(alias, safe='')}", timeout=timeout)
        except (TimeoutError, httpx2.TimeoutException):
            raise EfdError(f"{shown} did not answer within {timeout:g} s", hint=otherwise) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise EfdError(f"{shown} cannot be reached: {cause(error)}", hint=otherwise) from None
    if answer.status_code == httpx2.codes.NOT_FOUND:
        raise EfdError(f"{shown} knows no EFD {alias!r}", hint=f"correct efd.alias in the site file, or {otherwise}")
    if answer.status_code != httpx2.codes.OK:
        raise EfdError(f"{shown} refuses: HTTP {answer.status_code}", hint=otherwise)
    try:
        return _settings(json_or_none(answer), alias, database)
    except (LookupError, TypeError, ValueError):
        # The answer holds a password, so nothing of it is shown.
        raise EfdError(f"{shown} answers without host, username or password", hint=otherwise) from None


def _settings(body: Any, alias: str, database: str) -> EfdSettings:
    host, username, password = (_text(body[key]) for key in ("host", "username", "password"))
    port = int(body.get("port") or 443)
    path = str(body.get("path") or "").strip("/")
    url = httpx2.URL(scheme="https", host=host, port=port, path=f"/{path}")
    return EfdSettings(str(url).rstrip("/"), database, f"credential service, alias {alias}", username, password)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    return value
