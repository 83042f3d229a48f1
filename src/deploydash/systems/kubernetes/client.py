"""The site's API server: asked and watched, always through the context that the site file names.

Built on kubernetes-asyncio: its kubeconfig, its credentials, its connections. Answers are taken as JSON, not as its
models: those of 2,000 pods would hold up the loop for seconds, its type of a delete's answer is wrong for three of
four, and its text of an error holds every header.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from deploydash.errors import FeedError
from deploydash.loading import loaded
from deploydash.systems.address import is_loopback
from deploydash.systems.kubernetes.errors import SYSTEM, KubernetesError, no_answer, refusal, short
from deploydash.systems.kubernetes.kubeconfig import Context, read_context, refuse_foreign
from deploydash.systems.kubernetes.settings import KubernetesSettings

LOGIN_S = 30.0
"""So long a credential plugin may take."""

BUDGET_S = 8.0
"""So long one question may take, its repetitions and the wait for a connection with it."""

PAGE = 500
"""So many objects are asked for at once."""

MOST_BYTES = 64_000_000
IN_THREAD_BYTES = 100_000
"""A longer answer is parsed beside the loop."""

QUIET_S = 90.0
"""A watch in which nothing comes for so long is given up: a bookmark comes once a minute."""

OPENED = "OPENED"

Query = Mapping[str, str]
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered: its JSON, and its clock (UTC unix seconds, None where it told none)."""

    body: Object
    server_utc: float | None


class Cluster:
    """One site's API server. Nothing is read, loaded or opened before the first question.

    ``address``: as it may be shown, once known.
    """

    def __init__(self, settings: KubernetesSettings, *, rehearsal: bool) -> None:
        self._settings = settings
        self._rehearsal = rehearsal
        self._logging_in = asyncio.Lock()
        self._api: Any = None
        self._configuration: Any = None
        self._logins = 0
        self.address = f"context {settings.context}"

    def context(self) -> Context:
        """Return which API server this is.

        Raises:
            FeedError: the kubeconfig is no use, or names a server that is none of the site's.
        """
        found = read_context(self._settings.kubeconfig, self._settings.context)
        self._refuse_foreign(found)
        self.address = f"{found.name} at {found.server}"
        return found

    def _refuse_foreign(self, context: Context) -> None:
        refuse_foreign(context, self._settings.domain or "", self._settings.servers, rehearsal=self._rehearsal)

    async def get(self, path: str, query: Query | None = None) -> Answer:
        """Return what is at a path.

        Raises:
            FeedError: no answer, or a refusal; says why.
        """
        return await self.send("GET", path, query=query)

    async def every(self, path: str, query: Query | None = None) -> tuple[list[Object], str]:
        """Return all objects of a list, asked for page by page, and the version that they are of.

        Raises:
            FeedError: no answer, or a refusal; says why.
        """
        found: list[Object] = []
        more: Query = {}
        while True:
            body = (await self.get(path, {**(query or {}), "limit": str(PAGE), **more})).body
            items, metadata = body.get("items"), body.get("metadata")
            if not isinstance(items, list) or not isinstance(metadata, dict):
                raise KubernetesError(f"{self.address} answers {path} with something that is no list")
            found += [item for item in items if isinstance(item, dict)]
            token = metadata.get("continue")
            if not token:
                return found, str(metadata.get("resourceVersion") or "")
            more = {"continue": str(token)}

    async def may(self, verb: str, group: str, resource: str, namespace: str = "") -> bool:
        """Ask whether this account may do something; asks only.

        Raises:
            FeedError: no answer, or a refusal; says why.
        """
        attributes = {"verb": verb, "group": group, "resource": resource}
        attributes |= {"namespace": namespace} if namespace else {}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        status = (await self.send("POST", path, body=body)).body.get("status")
        return isinstance(status, dict) and status.get("allowed") is True

    async def send(self, method: str, path: str, *, query: Query | None = None, body: Object | None = None) -> Answer:
        """Send one request and return its answer. What changes something is sent by ``writes`` alone.

        A request that the server did not take up, because it has too many (429) or because our credentials had ended
        (401), is sent once more; all others are sent once.

        Raises:
            FeedError: no answer, or a refusal; says why.
        """
        try:
            async with asyncio.timeout(BUDGET_S + (0 if self._api is not None else LOGIN_S)):
                return await self._sent(method, path, query, body)
        except TimeoutError:
            why = f"{self.address} did not answer within {BUDGET_S:g} s"
            raise KubernetesError(why, hint="is the VPN up, and the API server?") from None

    async def _sent(self, method: str, path: str, query: Query | None, body: Object | None) -> Answer:
        tries = 0
        while True:
            logins = await self._logged_in()
            tries += 1
            try:
                async with self._response(method, path, query or {}, body, (BUDGET_S, BUDGET_S)) as response:
                    return Answer(await self._json(response), _clock(response))
            except KubernetesError as error:
                if error.status == 401 and tries == 1:
                    await self._logged_in(instead_of=logins)
                elif error.status == 429 and tries < 4:
                    await self._pause(error.again_s)
                else:
                    raise

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def watch(self, path: str, query: Query, version: str, *, lasting_s: int) -> AsyncGenerator[Object, None]:
        """Yield each event of a watch from a version on, bookmarks too, until the server ends it.

        The first is one of ours, ``OPENED``: the server took the watch.

        Raises:
            KubernetesError: it broke off, the server refused it, or keeps that version no more (status 410).
            FeedError: nothing can be asked at all.
        """
        await self._logged_in()
        wanted = {
            **query,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(lasting_s),
        }
        async with self._response("GET", path, wanted, None, (BUDGET_S, QUIET_S)) as response:
            yield {"type": OPENED, "object": {}}
            while line := await self._line(response):
                event = _json_of(line)
                kind, what = event.get("type"), event.get("object")
                if not isinstance(kind, str) or not isinstance(what, dict):
                    raise KubernetesError(f"{self.address} sends something that is no event: {short(str(event))}")
                if kind == "ERROR":
                    code = what.get("code")
                    raise refusal(self.address, code if isinstance(code, int) else 500, what)
                yield event

    async def _line(self, response: Any) -> bytes:
        try:
            line: bytes = await response.content.readline()
        except Exception as error:  # noqa: BLE001 - the library's errors have no common name that we may import
            raise no_answer(self.address, error) from None
        return line

    @asynccontextmanager
    async def _response(
        self, method: str, path: str, query: Query, body: Object | None, limits: tuple[float, float]
    ) -> AsyncIterator[Any]:
        """Send a request; the response is open and good. ``limits``: seconds to connect, and between two pieces."""
        try:
            response = await self._api.call_api(
                path,
                method,
                query_params=list(query.items()),
                header_params={"Accept": "application/json"},
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _request_timeout=limits,
            )
        except FeedError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            raise no_answer(self.address, error) from None
        try:
            if not 200 <= response.status <= 299:
                text = await self._read(response, 1_000_000)
                said = _json_of(text) or text.decode("utf-8", "replace")
                raise refusal(self.address, response.status, said, response.headers.get("Retry-After", ""))
            yield response
        finally:
            response.close()

    async def _json(self, response: Any) -> Object:
        data = await self._read(response, MOST_BYTES)
        body = await asyncio.to_thread(_json_of, data) if len(data) > IN_THREAD_BYTES else _json_of(data)
        if not body:
            raise KubernetesError(f"{self.address} answers with something that is no JSON object")
        return body

    async def _read(self, response: Any, most: int) -> bytes:
        data = bytearray()
        try:
            async for piece in response.content.iter_any():
                data += piece
                if len(data) > most:
                    break
        except Exception as error:  # noqa: BLE001 - as above
            raise no_answer(self.address, error) from None
        if len(data) > most:
            raise KubernetesError(f"{self.address} answers with more than {most / 1e6:g} MB")
        return bytes(data)

    async def _logged_in(self, instead_of: int = 0) -> int:
        """See that there are credentials, newer than those of the login with this number; return the login's number."""
        async with self._logging_in:
            if self._logins == instead_of:
                await self._log_in()
                self._logins += 1
            return self._logins

    async def _log_in(self) -> None:
        context = self.context()
        if self._configuration is None:
            for module in ("kubernetes_asyncio.client", "kubernetes_asyncio.config"):
                await asyncio.to_thread(loaded, module)
            self._configuration = sys.modules["kubernetes_asyncio.client"].Configuration()
        config = sys.modules["kubernetes_asyncio.config"]
        try:
            async with asyncio.timeout(LOGIN_S):
                loader = await config.load_kube_config(
                    str(context.file),
                    context=context.name,
                    client_configuration=self._configuration,
                    persist_config=False,  # True, its default, may write the kubeconfig
                )
        except TimeoutError:
            why = f"the credentials of context {context.name} did not come within {LOGIN_S:g} s"
            raise KubernetesError(why, hint="run kubectl once with it: does its plugin ask for something?") from None
        except Exception as error:  # noqa: BLE001 - a kubeconfig fails in many ways
            raise _no_credentials(context, error) from None
        self._refuse_foreign(Context(context.file, context.name, str(self._configuration.host)))
        self._configuration.refresh_api_key_hook = _renewal(loader)
        if self._api is None:
            self._api = sys.modules["kubernetes_asyncio.client"].ApiClient(self._configuration)
            self._api.user_agent = "deploydash"
            if is_loopback(context.host):  # no proxy of the shell comes between a rehearsal and this machine
                self._api.rest_client.pool_manager._trust_env = False  # noqa: SLF001 - the library always sets it

    async def aclose(self) -> None:
        """Close every connection; a later question would open new ones."""
        api, self._api, self._logins, self._configuration = self._api, None, 0, None
        if api is not None:
            await api.close()


@asynccontextmanager
async def connected(settings: KubernetesSettings, *, rehearsal: bool) -> AsyncIterator[Cluster]:
    """Open a site's API server for as long as the block lasts."""
    cluster = Cluster(settings, rehearsal=rehearsal)
    try:
        yield cluster
    finally:
        await cluster.aclose()


def _renewal(loader: Any) -> Any:
    """Return what renews the credentials of a plugin before each request, once they end; the library never does."""
    if getattr(loader, "exec_plugin_expiry", None) is None:
        return None  # they have no end that is known: a refusal renews them

    one_at_a_time = asyncio.Lock()

    async def renew(configuration: Any) -> None:
        try:
            async with asyncio.timeout(LOGIN_S), one_at_a_time:
                await loader.load_from_exec_plugin()  # runs it only if they end within five minutes
        except Exception as error:  # noqa: BLE001 - as with the first one
            why = short(str(error)) or type(error).__name__
            raise KubernetesError(f"the credentials cannot be renewed: {why}", hint="log in again") from None
        configuration.api_key["BearerToken"] = loader.token

    return renew


def _no_credentials(context: Context, error: Exception) -> FeedError:
    where = f"context {context.name} of {context.file}"
    if isinstance(error, FileNotFoundError):
        return FeedError(SYSTEM, f"{where}: its credential plugin {error.filename} is not there", hint="install it")
    why = short(str(error).removeprefix("exec: ")) or type(error).__name__
    return FeedError(SYSTEM, f"{where}: {why}", hint="does kubectl work with it?")


def _json_of(data: bytes) -> Object:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _clock(response: Any) -> float | None:
    try:
        return parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None
