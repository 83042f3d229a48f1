"""GitHub's REST API and the little of GraphQL that it lacks (gidgethub); every refusal becomes a sentence of ours.

One question at a time, each with its budget, and what did not change since costs nothing (ETag). Nothing is asked while
GitHub wants us to wait. On 401 the login is read again in place, and the question is asked once more where that made a
difference: a request that was answered with 401 did nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from deploydash.systems.github.errors import GithubError, limited_until, no_json, refused, refused_graphql, waits
from deploydash.systems.github.login import GITHUB, Endpoint, Login, read_login
from deploydash.systems.http import Answer, HttpClient, HttpError

if TYPE_CHECKING:
    import gidgethub.abc

BUDGET_S = 8.0
MOST_BYTES = 16_000_000
KEPT = 256
"""So many answers are kept to be asked for again by their ETag."""

VERSION = "2022-11-28"
"""The newest version of the API whose pull requests name their merge commit."""

_HINT = "see whether GitHub answers in a browser, and whether the network lets you there; https://www.githubstatus.com"
_UNAUTHORIZED, _SERVER = 401, 500


class GithubClient:
    """The connection to GitHub. ``login_in_use`` is the one that was read last."""

    def __init__(
        self,
        endpoint: Endpoint,
        environ: Mapping[str, str] | None = None,
        *,
        now: Callable[[], float] = time.time,
        budget: float = BUDGET_S,
    ) -> None:
        self.endpoint = endpoint
        self.login_in_use: Login | None = None
        self.scopes: str | None = None
        """What a classic token may, as the last answer named it; None where GitHub does not say."""
        self.left: int | None = None
        """How many questions the rate limit leaves."""
        self.wait_until = 0.0
        """Nothing is asked before this moment (UTC unix seconds)."""
        self._environ = os.environ if environ is None else environ
        self._now = now
        self._http = HttpClient(GITHUB, endpoint.url, budget=budget, most_bytes=MOST_BYTES, hint=_HINT, connections=1)
        self._api: gidgethub.abc.GitHubAPI | None = None
        self._turn = asyncio.Lock()

    async def login(self) -> Login:
        """Return the login in use.

        Raises:
            LoginError: there is none that could be used.
        """
        if self.login_in_use is None:
            self.login_in_use = await asyncio.to_thread(read_login, self.endpoint, self._environ)
        return self.login_in_use

    async def get(self, path: str) -> Any:
        """Return the JSON at a path below the API's address.

        Raises:
            HttpError: nothing that can be used came.
            GithubError: it was refused, in words.
            LoginError: there is no login.
        """
        return await self._asked(path, lambda api: api.getitem(path, None))

    async def pages(self, path: str, key: str = "") -> list[Any]:
        """Return every row of a list that may have several pages; ``key``: where it stands in an answer."""

        async def every(api: gidgethub.abc.GitHubAPI) -> list[Any]:
            return [row async for row in api.getiter(path, None, iterable_key=key)]

        found: list[Any] = await self._asked(path, every)
        return found

    async def send(self, method: str, path: str, document: Mapping[str, Any]) -> Any:
        """Send something that changes GitHub, once: after a 401 alone it is sent again. Errors as of ``get``."""

        async def sent(api: gidgethub.abc.GitHubAPI) -> Any:
            if method == "PUT":
                return await api.put(path, None, data=dict(document))
            return await api.post(path, None, data=dict(document))

        return await self._asked(path, sent)

    async def graphql(self, query: str, **variables: Any) -> Any:
        """Return the data of a GraphQL question or change; errors as of ``get``."""
        endpoint = f"{self.endpoint.url}/graphql"
        return await self._asked("/graphql", lambda api: api.graphql(query, endpoint=endpoint, **variables))

    async def aclose(self) -> None:
        """Close the connections; a later question opens new ones."""
        await self._http.aclose()

    async def _asked(self, path: str, ask: Callable[[gidgethub.abc.GitHubAPI], Awaitable[Any]]) -> Any:
        async with self._turn:
            if self._now() < self.wait_until:
                raise waits(self.wait_until)
            used = await self.login()
            try:
                return await self._once(path, used, ask)
            except GithubError as error:
                if error.status != _UNAUTHORIZED:
                    raise
                self.login_in_use = await asyncio.to_thread(read_login, self.endpoint, self._environ)
                if self.login_in_use.token == used.token:
                    raise
                return await self._once(path, self.login_in_use, ask)

    async def _once(self, path: str, login: Login, ask: Callable[[gidgethub.abc.GitHubAPI], Awaitable[Any]]) -> Any:
        import gidgethub  # noqa: PLC0415 - a tenth of a second that no first frame waits for

        if self._api is None:
            self._api = await asyncio.to_thread(_made, self._http, self.endpoint.url, self._seen)
        self._api.oauth_token = login.token
        try:
            told = await ask(self._api)
        except gidgethub.QueryError as error:
            raise refused_graphql(error.response, login) from None
        except gidgethub.GraphQLException as error:
            raise refused_graphql(error.response, login) from None
        except gidgethub.HTTPException as error:
            headers = error.headers or {}
            self.wait_until = max(self.wait_until, limited_until(int(error.status_code), headers, self._now()))
            raise refused(self.endpoint.url, path, login, error, self._now()) from None
        except (ValueError, LookupError, TypeError, RecursionError):
            raise no_json(self.endpoint.url) from None
        if isinstance(told, str):
            raise no_json(self.endpoint.url)
        return told

    def _seen(self, answer: Answer) -> None:
        self.scopes = answer.headers.get("x-oauth-scopes", self.scopes)
        left = answer.headers.get("x-ratelimit-remaining", "")
        self.left = int(left) if left.isdecimal() else self.left


def _made(http: HttpClient, url: str, seen: Callable[[Answer], None]) -> gidgethub.abc.GitHubAPI:
    """Return gidgethub's client over ours: the library is loaded with the first question."""
    import gidgethub.abc  # noqa: PLC0415 - see above

    class Api(gidgethub.abc.GitHubAPI):
        async def _request(
            self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
        ) -> tuple[int, Mapping[str, str], bytes]:
            base = self.base_url.rstrip("/")
            if not url.startswith(f"{base}/"):
                raise HttpError(GITHUB, base, "names an address elsewhere, where nothing is asked", hint=_HINT)
            ours = {name: value for name, value in headers.items() if name not in {"content-length", "content-type"}}
            document = json.loads(body) if body else None
            told = {**ours, "x-github-api-version": VERSION}
            answer = await http.ask(url.removeprefix(base), method=method, document=document, headers=told)
            seen(answer)
            return answer.status, answer.headers, answer.body

        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(seconds)

    return Api("deploydash", cache=_Kept(), base_url=url)


class _Kept(OrderedDict[str, Any]):
    """The answers that were asked for last."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > KEPT:
            self.popitem(last=False)
