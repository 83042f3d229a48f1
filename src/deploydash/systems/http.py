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
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
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
_OK = 200
_WEB_PAGES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status: who asked knows which ones mean something. ``headers``: in small letters."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

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
    """A question had no answer. ``trouble`` is why, as the rest of a sentence about ``address``.

    ``unsent``: no connection was made, so that nothing of the question can have arrived.
    """

    def __init__(
        self, system: str, address: str, trouble: str, *, hint: str, timed_out: bool = False, unsent: bool = False
    ) -> None:
        super().__init__(system, f"{address} {trouble}", hint=hint)
        self.address = address
        self.trouble = trouble
        self.timed_out = timed_out
        self.unsent = unsent


class HttpClient:
    """The connections to one system. ``address`` is its URL as it may be shown.

    ``budget`` bounds a whole question, in seconds; ``most_bytes`` an unpacked answer; ``hint`` says what to do when
    there is none. User and password, where not given, are those of the URL; they go into a header alone.
    ``authority``: certificates in PEM that are trusted besides those of this machine; ``connections``: how many at
    once.
    No cookie is ever kept: an answer must not log us in as somebody. Nothing is opened before the first question.
    """

    def __init__(
        self,
        system: str,
        url: str,
        *,
        budget: float,
        most_bytes: int,
        hint: str,
        user: str = "",
        password: str = "",
        authority: str = "",
        connections: int = CONNECTIONS,
    ) -> None:
        self.address = shown(url)
        self._system = system
        self._url = url.rstrip("/")
        self._budget = budget
        self._most_bytes = most_bytes
        self._hint = hint
        self._account = (user, password)
        self._authority = authority
        self._connections = connections
        self._opened: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def ask(
        self,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        document: object = None,
        method: str = "",
        headers: Mapping[str, str] | None = None,
        budget: float | None = None,
    ) -> Answer:
        """Return what is at ``path``, or what is answered to a ``form`` or a JSON ``document`` (POST).

        Raises:
            HttpError: nothing that can be used came within the budget.
        """
        seconds = budget or self._budget
        body: dict[str, Any] = {} if form is None else {"data": form}
        if document is not None:
            body = {"json": document}
        try:
            async with asyncio.timeout(seconds), self._asked(path, method, headers, body) as answer:
                return await self._whole(answer)
        except TimeoutError:
            raise self._error(f"did not answer within {seconds:g} s", timed_out=True) from None
        except Exception as error:  # noqa: BLE001 - a wrong address fails in many ways that no library has names for
            raise self._told(error) from None

    async def listen(
        self, path: str, *, silence: float, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Answer | str, None]:
        """Yield the head of the answer (without its body), then the data of each server-sent event, until it ends.

        An empty text is a sign of life without data. What is no such stream is yielded whole as the only answer.

        Raises:
            HttpError: it could not be opened, broke off, or was silent for ``silence`` seconds.
        """
        try:
            async with asyncio.timeout(silence) as limit:
                wanted = {"Accept": "text/event-stream", **(headers or {})}
                async with self._asked(path, "", wanted, {}) as answer:
                    kind = _content_type(answer)
                    streams = kind == "text/event-stream" and answer.status_code == _OK
                    head = Answer(answer.status_code, kind, b"") if streams else await self._whole(answer)
                    limit.reschedule(None)  # who takes it may take as long as it likes
                    yield head
                    if not streams:
                        return
                    limit.reschedule(asyncio.get_running_loop().time() + silence)
                    async with aclosing(_events(answer, self._most_bytes)) as events:
                        async for data in events:
                            limit.reschedule(None)
                            yield data
                            limit.reschedule(asyncio.get_running_loop().time() + silence)
        except TimeoutError:
            raise self._error(f"was silent for {silence:g} s", timed_out=True) from None
        except Exception as error:  # noqa: BLE001 - as above
            raise self._told(error) from None

    async def aclose(self) -> None:
        """Close the connections; a later question would open new ones."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.aclose()

    @asynccontextmanager
    async def _asked(
        self, path: str, method: str, headers: Mapping[str, str] | None, body: dict[str, Any]
    ) -> AsyncIterator[httpx2.Response]:
        async with self._opening:
            if self._opened is None:
                # Modules, certificates, the shell's proxies: under load a second in which the loop would stand still.
                self._opened = await asyncio.to_thread(self._open)
            opened = self._opened
        verb = method or ("POST" if body else "GET")
        async with opened.stream(verb, self._url + path, headers=dict(headers or {}), **body) as answer:
            if answer.has_redirect_location:
                target = shown(str(answer.url.join(answer.headers["location"])))
                raise _Unusable(f"sends us to {target} (HTTP {answer.status_code}), where nothing is asked")
            yield answer

    async def _whole(self, answer: httpx2.Response) -> Answer:
        told = bytearray()
        async for piece in answer.aiter_bytes():
            told += piece
            if len(told) > self._most_bytes:
                raise _Unusable(f"answers with more than {self._most_bytes / 1e6:g} MB")
        return Answer(answer.status_code, _content_type(answer), bytes(told), dict(answer.headers))

    def _open(self) -> httpx2.AsyncClient:
        from http.cookiejar import CookieJar, DefaultCookiePolicy  # noqa: PLC0415 - loads the next
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
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            limits=httpx2.Limits(max_connections=self._connections),
            timeout=None,
            trust_env=not here,
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else _trusted(self._authority),
        )

    def _told(self, error: Exception) -> HttpError:
        if isinstance(error, HttpError):
            return error
        if isinstance(error, _Unusable):
            return self._error(str(error))
        return self._error(_trouble(error), unsent=_unsent(error))

    def _error(self, trouble: str, *, timed_out: bool = False, unsent: bool = False) -> HttpError:
        return HttpError(self._system, self.address, trouble, hint=self._hint, timed_out=timed_out, unsent=unsent)


class _Unusable(Exception):
    """What came cannot be used; the message is the trouble."""


@functools.cache
def _authorities() -> ssl.SSLContext:
    """Return what certificates are held against; reading them takes a tenth of a second."""
    import httpx2  # noqa: PLC0415 - see above

    return httpx2.create_ssl_context()


def _trusted(authority: str) -> ssl.SSLContext:
    if not authority:
        return _authorities()
    import httpx2  # noqa: PLC0415 - see above

    context = httpx2.create_ssl_context()
    context.load_verify_locations(cadata=authority)
    return context


def _content_type(answer: httpx2.Response) -> str:
    return str(answer.headers.get("content-type", "")).partition(";")[0].strip().lower()


async def _events(answer: httpx2.Response, most_bytes: int) -> AsyncGenerator[str, None]:
    """Yield the data of each event; an empty text for anything else that comes, such as a comment.

    The library's own reader drops comments, and they alone tell a quiet stream from one that nobody writes any more.
    """
    data: list[str] = []
    size = 0
    rest = ""
    async for text in answer.aiter_text():
        *lines, rest = (rest + text.replace("\r", "")).split("\n")
        size += len(text)
        if size > most_bytes:
            raise _Unusable(f"sends an event of more than {most_bytes / 1e6:g} MB")
        for line in lines:
            if line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line and data:
                yield "\n".join(data)
                data, size = [], len(rest)
        if not data:
            yield ""


def _unsent(error: Exception) -> bool:
    """Say whether an error came before there was a connection."""
    import httpx2  # noqa: PLC0415 - see above

    return isinstance(error, httpx2.ConnectError | httpx2.InvalidURL | httpx2.UnsupportedProtocol | ValueError)


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
