"""Calls of Argo CD that a deployment does not live from: accounts, projects, single resources, events, logs."""

from __future__ import annotations

from aiohttp import web

from deploydash.demo.fakes import argocd_status as say
from deploydash.demo.fakes.argocd_accounts import Token
from deploydash.demo.fakes.argocd_base import Base, body_of
from deploydash.demo.fakes.argocd_live import KINDS, plain_live, text
from deploydash.demo.fakes.argocd_status import Refusal, answer
from deploydash.demo.fakes.cluster_delete import Options, delete
from deploydash.demo.fakes.cluster_kinds import Object

_PROJECTS = ("infrastructure", "monitoring", "rsp", "telescope")


class MoreCalls(Base):
    """Answers each of these calls; methods ``_NAME``."""

    def _enforce(self, token: Token, resource: str, action: str, about: str) -> None:
        if not self._may(token, action, about, resource):
            raise say.denied(resource, action, about, token.account.name, self._accounts.issued(token))

    async def _create(self, request: web.Request) -> web.Response:
        token = self._who(request)
        manifest = await body_of(request)
        name, project = manifest["metadata"]["name"], manifest["spec"]["project"]
        self._enforce(token, "applications", "create", f"{project}/{name}")
        made = self._applications.add(manifest)
        self._host.used()
        empty = {"source": {"repoURL": ""}, "destination": {}}
        return answer({**made, "status": {**made["status"], "sync": {"status": "", "comparedTo": empty}}})

    # -- accounts, projects, clusters ---------------------------------------------------------------------------

    def _account_of(self, name: str) -> Object:
        account = self._accounts.accounts[name]
        able = ["apiKey", "login"] if account.password else ["apiKey"]
        told: Object = {"name": name, "enabled": True, "capabilities": able}
        tokens = [
            {"id": each.id, "issuedAt": int(each.issued), "expiresAt": int(each.expires)}
            for each in self._accounts.tokens.values()
            if each.account.name == name and each.id
        ]
        return {**told, **({"tokens": tokens} if tokens else {})}

    async def _accounts_(self, request: web.Request) -> web.Response:
        token = self._who(request)
        mine = [name for name in sorted(self._accounts.accounts) if name == token.account.name]
        return answer({"items": [self._account_of(name) for name in mine]})

    async def _account(self, request: web.Request, name: str) -> web.Response:
        token = self._who(request)
        if name != token.account.name:
            self._enforce(token, "accounts", "get", name)
        return answer(self._account_of(name))

    def _project_of(self, name: str) -> Object:
        return {
            "metadata": {
                "name": name,
                "namespace": "argocd",
                "uid": f"00000000-0000-0000-0000-{_PROJECTS.index(name):012}",
                "resourceVersion": "150",
                "generation": 1,
                "creationTimestamp": "2026-01-01T00:00:00Z",
            },
            "spec": {
                "sourceRepos": ["*"],
                "destinations": [{"server": "*", "namespace": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            },
            "status": {},
        }

    async def _projects_(self, request: web.Request) -> web.Response:
        token = self._who(request)
        found = [self._project_of(name) for name in _PROJECTS if self._may(token, "get", name, "projects")]
        return answer({"metadata": {"resourceVersion": str(self._store.version)}, "items": found or None})

    async def _project(self, request: web.Request, name: str) -> web.Response:
        token = self._who(request)
        self._enforce(token, "projects", "get", name)
        if name not in _PROJECTS:
            raise Refusal(5, f'appprojects.argoproj.io "{name}" not found')
        return answer(self._project_of(name))

    async def _clusters(self, request: web.Request) -> web.Response:
        token = self._who(request)
        server = "https://kubernetes.default.svc"
        items = [{"server": server, "name": "in-cluster"}] if self._may(token, "get", server, "clusters") else None
        return answer({"metadata": {}, "items": items})

    # -- single things ------------------------------------------------------------------------------------------

    async def _rollback(self, request: web.Request, name: str) -> web.Response:
        body = await body_of(request)
        item = self._application(self._who(request), name, [body["project"]] if body.get("project") else [], "sync")
        number = int(body.get("id", 0))
        if number not in {each["id"] for each in item["status"].get("history", ())}:
            raise Refusal(3, f"application argocd/{name} does not have deployment with id {number}")
        raise Refusal(9, "rollback cannot be initiated when auto-sync is enabled")

    def _one(self, request: web.Request, item: Object) -> Object:
        query = request.query
        kind, name, namespace = query.get("kind", ""), query.get("resourceName", ""), query.get("namespace", "")
        found = (query.get("group", ""), kind, namespace, name)
        living = self._applications.live(found) if kind in KINDS else None
        if living is None:
            told = f"{kind} {query.get('group', '')} {name} not found as part of application"
            raise Refusal(3, f"{told} {item['metadata']['name']}")
        return living

    async def _live(self, request: web.Request, name: str) -> web.Response:
        item = self._application(self._who(request), name, self._projects(request))
        return answer({"manifest": text(plain_live(self._one(request, item)))})

    async def _remove(self, request: web.Request, name: str) -> web.Response:
        item = self._application(self._who(request), name, self._projects(request), "delete")
        living = self._one(request, item)
        orphan, force = (request.query.get(word) == "true" for word in ("orphan", "force"))
        policy = "Orphan" if orphan else "Background" if force else "Foreground"
        kind = KINDS[request.query["kind"]]
        delete(self._store, self._controller, kind, living, Options(policy), self._clock())
        return answer({})

    async def _events(self, request: web.Request, name: str) -> web.Response:
        self._application(self._who(request), name, self._projects(request))
        return answer({"metadata": {"resourceVersion": str(self._store.version)}, "items": None})

    async def _logs(self, request: web.Request, name: str) -> web.Response:
        token = self._who(request)
        item = self._application(token, name, self._projects(request))
        try:
            self._enforce(token, "logs", "get", f"{item['spec']['project']}/{name}")
        except Refusal as refused:
            return answer(refused.streamed, refused.status, plain=True)
        return web.Response(status=200, content_type="application/json")
