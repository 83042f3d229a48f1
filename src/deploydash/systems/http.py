"""The one way in which this program asks anything over HTTP, and in an operator's words why there was no answer.

One budget bounds the whole question: the wait for a free connection, the connection, what is sent, what comes. Nothing
is ever followed to another address, so no password goes there; an answer has a limit, also after unpacking, so that
neither memory nor the loop is lost to it. Proxies of the shell are honoured as elsewhere, but for this machine's own
addresses: none must come between a rehearsal and its loopback.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import json
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from deploydash.core.outside_text import visible
from deploydash.errors import FeedError
from deploydash.loading import loaded
from deploydash.systems.address import is_loopback, shown

if TYPE_CHECKING:
    import httpx2

CONNECTIONS = 8
"""At once to one system; further questions wait for one of them, within their budget."""
MOST_WORDS = 200
_WEB_PAGES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status: who asked knows which ones mean something."""

    status: int
    content_type: str
    body: bytes

    @property
    def what(self) -> str:
        """What this is, for a sentence: ``HTTP 200``, and that it is a web page where it claims to be one."""
        page = ", a web page: is there a proxy or a login in between?" if self.content_type in _WEB_PAGES else ""
        return f"HTTP {self.status}{page}"

    def json(self) -> Any:
        """Return the JSON of it, or None where there is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def fields(self) -> dict[str, Any]:
        """Return the JSON object of it, empty where it is none."""
        body = self.json()
        return body if isinstance(body, dict) else {}


class HttpError(FeedError):
    """A question had no answer. ``trouble`` is why, as the rest of a sentence about ``address``."""

    def __init__(self, system: str, address: str, trouble: str, *, hint: str, timed_out: bool = False) -> None:
        super().__init__(system, f"{address} {trouble}", hint=hint)
        self.address = address
        self.trouble = trouble
        self.timed_out = timed_out


class HttpClient:
    """The connections to one system. ``address`` is its URL as it may be shown.

    ``budget`` bounds a whole question, in seconds; ``most_bytes`` an unpacked answer; ``hint`` says what to do when
    there is none. User and password, where not given, are those of the URL; they go into a header alone. Nothing is
    opened before the first question.
    """

    def __init__(
        self, system: str, url: str, *, budget: float, most_bytes: int, hint: str, user: str = "", password: str = ""
    ) -> None:
        self.address = shown(url)
        self._system = system
        self._url = url.rstrip("/")
        self._budget = budget
        self._most_bytes = most_bytes
        self._hint = hint
        self._account = (user, password)
        self._opened: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def ask(self, path: str, *, form: Mapping[str, str] | None = None, budget: float | None = None) -> Answer:
        """Return what is at ``path``, or with a ``form`` what is answered to it (POST).

        Raises:
            HttpError: nothing that can be used came within the budget.
        """
        seconds = budget or self._budget
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(path, form)
        except TimeoutError:
            raise self._error(f"did not answer within {seconds:g} s", timed_out=True) from None
        except _Unusable as error:
            raise self._error(str(error)) from None
        except Exception as error:  # noqa: BLE001 - a wrong address fails in many ways that no library has names for
            raise self._error(_trouble(error)) from None

    async def aclose(self) -> None:
        """Close the connections; a later question would open new ones."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.aclose()

    async def _exchange(self, path: str, form: Mapping[str, str] | None) -> Answer:
        async with self._opening:
            if self._opened is None:
                # Modules, certificates, the shell's proxies: under load a second in which the loop would stand still.
                self._opened = await asyncio.to_thread(self._open)
            opened = self._opened
        method = "GET" if form is None else "POST"
        body = bytearray()
        async with opened.stream(method, self._url + path, data=form) as answer:
            if answer.has_redirect_location:
                target = shown(str(answer.url.join(answer.headers["location"])))
                raise _Unusable(f"sends us to {target} (HTTP {answer.status_code}), where nothing is asked")
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > self._most_bytes:
                    raise _Unusable(f"answers with more than {self._most_bytes / 1e6:g} MB")
        content_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(answer.status_code, content_type, bytes(body))

    def _open(self) -> httpx2.AsyncClient:
        from urllib.request import getproxies  # noqa: PLC0415 - a fifth of a second that no first frame waits for

        import httpx2  # noqa: PLC0415 - as above

        loaded("anyio._backends._asyncio")  # what the library would load with the first question

        parts = urlsplit(self._url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
            raise ValueError("no address")
        user, password = self._account
        if not user and parts.username:
            user, password = unquote(parts.username), unquote(parts.password or "")
        if "@" in parts.netloc:
            self._url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        here = is_loopback(parts.hostname)
        plain = parts.scheme == "http" and (here or not getproxies())
        return httpx2.AsyncClient(
            auth=httpx2.BasicAuth(user, password) if user else None,
            headers={"User-Agent": "deploydash"},
            limits=httpx2.Limits(max_connections=CONNECTIONS),
            timeout=None,
            trust_env=not here,
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else _authorities(),
        )

    def _error(self, trouble: str, *, timed_out: bool = False) -> HttpError:
        return HttpError(self._system, self.address, trouble, hint=self._hint, timed_out=timed_out)


class _Unusable(Exception):
    """What came cannot be used; the message is the trouble."""


@functools.cache
def _authorities() -> ssl.SSLContext:
    """Return what certificates are held against; reading them takes a tenth of a second."""
    import httpx2  # noqa: PLC0415 - see above

    return httpx2.create_ssl_context()


def _trouble(error: Exception) -> str:
    """Return why a question failed, in the operating system's words: the library says that all attempts failed."""
    import httpx2  # noqa: PLC0415 - see above

    if isinstance(error, httpx2.DecodingError):
        return "answers with a body that cannot be unpacked"
    if isinstance(error, httpx2.RemoteProtocolError):
        return f"breaks off, or does not speak HTTP: {_words(error)}"
    if isinstance(error, httpx2.ReadError | httpx2.WriteError):
        return f"breaks off: {_cause(error)}"
    if isinstance(error, httpx2.ProxyError):
        return f"cannot be reached through the proxy that the environment names: {_words(error)}"
    if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol | ValueError):
        # What the library says of an address may quote a part of its password.
        return "cannot be reached: it is no address of HTTP (http://host:port/path; a port is a number up to 65535)"
    return f"cannot be reached: {_cause(error)}"


def _cause(error: BaseException) -> str:
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, BaseExceptionGroup):
            inner = inner.exceptions[0]
        if isinstance(inner, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {inner.verify_message or _words(inner)}"
        if isinstance(inner, ssl.SSLError | socket.gaierror):
            return inner.strerror or _words(inner)
        if isinstance(inner, OSError) and inner.errno is not None and inner.errno in errno.errorcode:
            return os.strerror(inner.errno)
        inner = inner.__cause__ or inner.__context__
    return _words(error)


def _words(error: BaseException) -> str:
    return visible(" ".join(str(error).split()))[:MOST_WORDS] or type(error).__name__
