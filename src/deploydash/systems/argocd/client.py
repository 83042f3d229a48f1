"""Argo CD's REST API, read only; every refusal becomes a sentence of ours (argo-cd server, v3).

Each request carries the token in a header of its own and no cookie is kept, so that nothing but the login that was read
counts. On 401 the login is read again in place, and the question is asked once more where that made a difference: a
request that was answered with 401 did nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import quote, urlencode

from deploydash.errors import FeedError
from deploydash.stored import parse_json
from deploydash.systems.argocd.login import ARGOCD, Endpoint, Login, read_login
from deploydash.systems.argocd.objects import Application, application, fields, rows, short, text
from deploydash.systems.http import Answer, HttpClient, HttpError

BUDGET_S = 8.0
"""Every question but a refresh."""

REFRESH_S = 30.0
"""A refresh lasts until the application controller has compared; where that does not run it would never end."""

SILENT_S = 35.0
"""A stream has a sign of life every 15 s, and nothing at all before the first: two of them, and a little more."""

MOST_BYTES = 64_000_000
CONNECTIONS = 16
IN_PROGRESS = "another operation is already in progress"
_HINT = "see whether Argo CD answers in a browser, and whether the network lets you there"

_UNAUTHENTICATED, _NOT_FOUND, _DENIED = 16, 5, 7
_OK, _UNAUTHORIZED, _FORBIDDEN, _MISSING, _SERVER = 200, 401, 403, 404, 500

LIST_FIELDS = ",".join(
    f"items.{path}"
    for path in (
        "metadata.name",
        "metadata.labels",
        "metadata.resourceVersion",
        "spec.project",
        "spec.source",
        "spec.sources",
        "spec.syncPolicy",
        "status.sync.status",
        "status.sync.revision",
        "status.health",
        "status.summary",
    )
)
"""What a list of children is asked for: lists cannot be asked for conditions, and have no health of single objects."""


class ArgoError(FeedError):
    """Argo CD refused a question. ``status``: of HTTP; ``code``: of gRPC, 0 where it said none; ``message``: its own.

    ``unsure``: nobody knows whether the question was taken.
    """

    def __init__(self, sentence: str, hint: str, *, status: int = 0, code: int = 0, message: str = "") -> None:
        super().__init__(ARGOCD, sentence, hint=hint)
        self.status = status
        self.code = code
        self.message_told = message

    @property
    def unsure(self) -> bool:
        """Whether a request that was answered so may have been taken: only what stands in between says this."""
        return self.status >= _SERVER


class ArgoClient:
    """The connection to one site's Argo CD. ``login`` is the one that is used, read at the first question."""

    def __init__(self, endpoint: Endpoint, environ: Mapping[str, str] | None = None) -> None:
        self.endpoint = endpoint
        self._environ = os.environ if environ is None else environ
        self._login: Login | None = None
        self._http: HttpClient | None = None
        self._opening = asyncio.Lock()

    @property
    def login_in_use(self) -> Login | None:
        """The login as it was read last; None before the first question."""
        return self._login

    async def login(self) -> Login:
        """Return the login in use.

        Raises:
            LoginError: there is none that could be used.
        """
        if self._login is None:
            self._login = await asyncio.to_thread(read_login, self.endpoint, self._environ)
        return self._login

    async def renewed(self, used: str) -> bool:
        """Read the login anew, if nobody did since this token was used; say whether it is another one now.

        Raises:
            LoginError: there is none that could be used.
        """
        if (await self.login()).token == used:
            now = await asyncio.to_thread(read_login, self.endpoint, self._environ)
            if self._login is not None and now.authority != self._login.authority:
                await self.aclose()
            self._login = now
        return (await self.login()).token != used

    async def version(self) -> str:
        """Return the server's version."""
        return text(await self.ask("/api/version"), "Version")

    async def user(self) -> str:
        """Return who we are for the server; empty where it does not know us."""
        told = await self.ask("/api/v1/session/userinfo")
        return text(told, "username") if isinstance(told, dict) and told.get("loggedIn") is True else ""

    async def may(self, verb: str, project: str, name: str) -> bool:
        """Say whether this login may do something with an application: ``get``, ``sync``."""
        told = await self.ask(f"/api/v1/account/can-i/applications/{verb}/{_part(project)}/{_part(name)}")
        return text(told, "value") == "yes"

    async def applications(
        self, projects: Sequence[str] = (), *, instance: str = "", only: str = ""
    ) -> tuple[tuple[Application, ...], str]:
        """Return the applications that we may see, and the version of the list. ``instance``: children of that one."""
        query = [("projects", project) for project in projects]
        query += [("selector", f"argocd.argoproj.io/instance={instance}")] if instance else []
        query += [("fields", f"{only},metadata.resourceVersion")] if only else []
        told = await self.ask(f"/api/v1/applications?{urlencode(query)}")
        found = tuple(application(row) for row in rows(told, "items"))
        return found, text(fields(told, "metadata"), "resourceVersion")

    async def application(self, name: str, project: str, *, refresh: str = "") -> Application:
        """Return one application; ``refresh`` (``normal``, ``hard``) has it compared before."""
        query = [("project", project)] + ([("refresh", refresh)] if refresh else [])
        path = f"/api/v1/applications/{_part(name)}?{urlencode(query)}"
        try:
            return application(await self.ask(path, budget=REFRESH_S if refresh else None))
        except HttpError as error:
            if refresh and error.timed_out:
                why = f"{name} was not compared within {REFRESH_S:g} s"
                raise ArgoError(why, "is the application controller of Argo CD running?") from None
            raise

    async def managed(self, name: str, project: str) -> list[dict[str, Any]]:
        """Return every object of an application as it is and as it should be, from the last comparison."""
        told = await self.ask(f"/api/v1/applications/{_part(name)}/managed-resources?{urlencode({'project': project})}")
        return rows(told, "items")

    async def tree(self, name: str, project: str) -> list[dict[str, Any]]:
        """Return every object below an application, pods too, each with its parents."""
        told = await self.ask(f"/api/v1/applications/{_part(name)}/resource-tree?{urlencode({'project': project})}")
        return rows(told, "nodes")

    async def watch(
        self, projects: Sequence[str], version: str
    ) -> AsyncGenerator[tuple[str, Application] | None, None]:
        """Yield what changes after a list: ``ADDED``, ``MODIFIED`` or ``DELETED``; None for a sign of life.

        Raises:
            HttpError, ArgoError: it could not be opened, broke off, or was silent; or the server stopped it.
        """
        query = [("projects", project) for project in projects] + [("resourceVersion", version)]
        http, headers = await self._connection()
        path = f"/api/v1/stream/applications?{urlencode(query)}"
        async with aclosing(http.listen(path, silence=SILENT_S, headers=headers)) as stream:
            async for one in stream:
                if isinstance(one, Answer):
                    if one.body or one.status != _OK:
                        raise self._refused(one)
                    yield None
                    continue
                yield _event(one)

    async def ask(
        self, path: str, *, method: str = "", document: object = None, budget: float | None = None
    ) -> dict[str, Any]:
        """Return the JSON object of an answer.

        Raises:
            HttpError: nothing that can be used came.
            ArgoError: it was refused, in words.
            LoginError: there is no login.
        """
        used = (await self.login()).token
        answer = await self._asked(path, method, document, budget)
        if answer.status == _UNAUTHORIZED and await self.renewed(used):
            answer = await self._asked(path, method, document, budget)
        if answer.status != _OK:
            raise self._refused(answer)
        told = await asyncio.to_thread(answer.json) if len(answer.body) > MOST_BYTES // 64 else answer.json()
        if not isinstance(told, dict):
            raise ArgoError(
                f"{self.endpoint.url} answers {answer.what}, and no JSON object", _HINT, status=answer.status
            )
        return told

    async def _asked(self, path: str, method: str, document: object, budget: float | None) -> Answer:
        http, headers = await self._connection()
        # Whatever is no GET must say that it is JSON, also where it has no body; else the server answers 415.
        kind = {"Content-Type": "application/json"} if method else {}
        return await http.ask(path, method=method, document=document, headers={**headers, **kind}, budget=budget)

    async def _connection(self) -> tuple[HttpClient, dict[str, str]]:
        login = await self.login()
        async with self._opening:
            if self._http is None:
                self._http = HttpClient(
                    ARGOCD,
                    self.endpoint.url,
                    budget=BUDGET_S,
                    most_bytes=MOST_BYTES,
                    hint=_HINT,
                    authority=login.authority,
                    connections=CONNECTIONS,
                )
        return self._http, {"Authorization": f"Bearer {login.token}"}

    async def aclose(self) -> None:
        """Close the connections; a later question opens new ones."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    def _refused(self, answer: Answer) -> ArgoError:
        return refused(self.endpoint.url, self._login, answer)


def refused(url: str, login: Login | None, answer: Answer) -> ArgoError:
    """Return a refusal in an operator's words."""
    told = answer.json()
    told = fields(told, "error") or told
    code = next((told[name] for name in ("code", "grpc_code") if isinstance(told.get(name), int)), 0) if told else 0
    message = short(text(told, "message") or text(told, "error"))
    if not message and answer.content_type == "text/plain":
        message = short(answer.body.decode("utf-8", "replace"))
    make = _how(answer, code)
    sentence, hint = make(url, login, message or answer.what)
    return ArgoError(sentence, hint, status=answer.status, code=code, message=message)


Words = Callable[[str, Login | None, str], tuple[str, str]]


def _how(answer: Answer, code: int) -> Words:
    if code == _UNAUTHENTICATED or answer.status == _UNAUTHORIZED:
        return _unauthenticated
    if code == _DENIED or answer.status == _FORBIDDEN:
        return _denied
    if code == _NOT_FOUND:
        return lambda _, __, message: (f"Argo CD knows nothing of it: {message}", "does the site file name it right?")
    if answer.status >= _SERVER:
        return lambda url, _, message: (f"{url} is out of order (HTTP {answer.status}): {message}", _HINT)
    if code:
        return lambda _, __, message: (f"Argo CD refused: {message}", "")
    if answer.status == _MISSING or answer.content_type.endswith("html"):
        root = "is systems.argocd.root_path of the site file right?"
        return lambda url, _, __: (f"{url} answers {answer.what}", root)
    return lambda url, _, message: (f"{url} answers HTTP {answer.status}: {message}", _HINT)


def _unauthenticated(url: str, login: Login | None, message: str) -> tuple[str, str]:
    del url
    where = f" of {login.source}" if login is not None else ""
    again = login.again if login is not None else "log in with the argocd CLI"
    return f"Argo CD does not accept the token{where}: {message}", again


def _denied(url: str, login: Login | None, message: str) -> tuple[str, str]:
    del url
    who = login.user if login is not None and login.user else "this login"
    return f"Argo CD does not let {who} do that: {message}", "an application that does not exist is refused so, too"


def _event(data: str) -> tuple[str, Application] | None:
    if not data:
        return None
    try:
        told = parse_json(data)
    except ValueError:
        raise ArgoError("the stream of Argo CD sends what is no JSON", _HINT) from None
    if error := fields(told, "error"):
        raise ArgoError(f"Argo CD ended the stream: {short(text(error, 'message'))}", "", status=_SERVER)
    result = fields(told, "result")
    return text(result, "type"), application(fields(result, "application"))


def _part(name: str) -> str:
    return quote(name, safe="")
