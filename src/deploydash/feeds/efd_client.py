"""Asking InfluxDB's query API, and saying in an operator's words why it did not answer."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from typing import Any, Self

import httpx2

from deploydash.config.settings import EfdSettings
from deploydash.core.model import FeedName
from deploydash.errors import FeedError

TIMEOUT_S = 20.0
"""For the whole exchange; the sites' servers give a query 15 s (phalanx, applications/sasquatch/values.yaml)."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MOST_WORDS = 200


class EfdError(FeedError):
    """The EFD, or the service that has its credentials, did not answer; says why and what to do."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(FeedName.EFD.value, message, hint=hint)


class EfdClient:
    """One connection to the EFD, closed on leaving its context.

    ``address`` names it without credentials, ``where`` says also where the address came from.
    """

    def __init__(self, settings: EfdSettings, timeout: float = TIMEOUT_S) -> None:
        self.address = address_of(settings.url)
        self.where = f"{self.address} ({settings.source})"
        self.database = settings.database
        self._settings = settings
        self._timeout = timeout
        auth = httpx2.BasicAuth(settings.username, settings.password) if settings.username else None
        self._http = http_client(settings.url, auth)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def query(self, text: str) -> Any:
        """Return the JSON of a query's answer; times in it are UTC nanoseconds.

        The query and the credentials travel in the body and in a header, never in the URL, which is logged.

        Raises:
            EfdError: there was no such answer.
        """
        url = f"{self._settings.url.rstrip('/')}/query"
        form = {"db": self.database, "epoch": "ns", "q": text}
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._http.post(url, data=form, timeout=self._timeout)
        except (TimeoutError, httpx2.TimeoutException):
            raise EfdError(
                f"{self.address} did not answer within {self._timeout:g} s",
                hint="see whether InfluxDB is overloaded there",
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise EfdError(
                f"{self.address} cannot be reached: {cause(error)}",
                hint=f"see that InfluxDB runs there; the address is from the {self._settings.source}",
            ) from None
        body = json_or_none(answer)
        if answer.status_code != httpx2.codes.OK:
            raise self._refusal(answer.status_code, words(body))
        if body is None:
            raise self.no_influx("its answer is no JSON")
        return body

    def no_influx(self, why: str) -> EfdError:
        """Return the error of something that answers, but not as InfluxDB does."""
        return EfdError(
            f"{self.address} does not answer as InfluxDB does: {why}",
            hint=f"check the EFD's address from the {self._settings.source}, its path included",
        )

    def not_executed(self, trouble: str) -> EfdError:
        """Return the error of a statement that InfluxDB understood and did not execute."""
        if trouble.startswith("database not found"):
            return EfdError(
                f"{self.address} has no database {self.database!r}", hint="correct efd.database in the site file"
            )
        return EfdError(
            f"{self.address} did not execute the query: {trouble[:_MOST_WORDS]}",
            hint="it is asked again; if it stays so, show this to the EFD's keepers",
        )

    def _refusal(self, status: int, said: str) -> EfdError:
        user, database = self._settings.username, self.database
        if status == httpx2.codes.UNAUTHORIZED and not user:
            message, hint = "wants a user and a password", "export EFD_USERNAME and EFD_PASSWORD"
        elif status == httpx2.codes.UNAUTHORIZED:
            message = f"does not accept user {user!r} with this password"
            hint = "check EFD_USERNAME and EFD_PASSWORD"
        elif status == httpx2.codes.FORBIDDEN:
            message = f"does not let {f'user {user!r}' if user else 'us'} read database {database!r}{_because(said)}"
            hint = "have READ on it granted, or correct efd.database in the site file"
        elif status == httpx2.codes.BAD_REQUEST:
            message = f"does not understand the query{_because(said)}"
            hint = "is it InfluxDB 1.x? The EFD is asked in InfluxQL"
        elif status >= httpx2.codes.INTERNAL_SERVER_ERROR:
            message = f"is in trouble itself: HTTP {status}{_because(said)}"
            hint = "it is asked again; tell the EFD's keepers if it stays so"
        else:
            return self.no_influx(f"HTTP {status}")
        return EfdError(f"{self.address} {message}", hint=hint)


def _because(said: str) -> str:
    return f": {said}" if said else ""


def http_client(url: str, auth: httpx2.Auth | None = None) -> httpx2.AsyncClient:
    """Return a client for ``url``; no proxy of the shell comes between a rehearsal and its loopback."""
    try:
        loopback = httpx2.URL(url).host in _LOOPBACK
    except httpx2.InvalidURL:
        loopback = False
    return httpx2.AsyncClient(auth=auth, trust_env=not loopback)


def address_of(url: str) -> str:
    """Return the URL as it may be shown, without a user or password in it."""
    try:
        return str(httpx2.URL(url).copy_with(userinfo=b"")).rstrip("/")
    except httpx2.InvalidURL:
        return "the EFD's address"


def json_or_none(answer: httpx2.Response) -> Any:
    """Return the JSON of an answer, or None where there is none."""
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def words(body: Any) -> str:
    """Return InfluxDB's own reason from the body of a refusal, short and on one line, or nothing."""
    said = body.get("error") if isinstance(body, dict) else None
    return " ".join(said.split())[:_MOST_WORDS] if isinstance(said, str) else ""


def cause(error: BaseException) -> str:
    """Return why a connection failed in the operating system's words: httpx2 only says that all attempts failed."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {inner.verify_message}"
        if isinstance(inner, ssl.SSLError | socket.gaierror):
            return inner.strerror or str(inner)
        if isinstance(inner, OSError) and inner.errno is not None and inner.errno in errno.errorcode:
            return os.strerror(inner.errno)
        inner = inner.__cause__ or inner.__context__
    return str(error) or type(error).__name__
