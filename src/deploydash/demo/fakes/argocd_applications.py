"""The applications of the demo observatory's Argo CD: what git says, what lives, and how both compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from deploydash.demo.fakes import argocd_live as live_things
from deploydash.demo.fakes.argocd_git import HOOK, Commit, NoRevisionError, RenderError, Repository, parameters
from deploydash.demo.fakes.argocd_live import APPLICATIONS, INSTANCE, KINDS, Key, health, images, key, text
from deploydash.demo.fakes.cluster_kinds import CONFIG_MAPS, DEPLOYMENTS, JOBS, PODS, Object
from deploydash.demo.fakes.cluster_store import Store, stamp

_TRACKED = (CONFIG_MAPS, DEPLOYMENTS, JOBS)


class Applications:
    """The Application objects, which stand in the cluster's store, and the comparison of each with git."""

    def __init__(self, store: Store, repository: Repository, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self.repository = repository
        self._good: dict[str, Commit] = {}
        """The commit of the last comparison that could be made, by application."""
        self._health: dict[str, dict[Key, Object | None]] = {}
        """The health of each thing as of the last comparison, by application."""
        self.warnings: dict[str, list[Object]] = {}
        """Conditions that stand on an application whatever the comparison says."""

    # -- objects ------------------------------------------------------------------------------------------------

    def get(self, name: str) -> Object | None:
        """An application, or None."""
        return self._store.get(APPLICATIONS, "argocd", name)

    def items(self) -> list[Object]:
        """All of them, by name."""
        return self._store.items(APPLICATIONS, "argocd")

    def change(self, name: str, edit: Callable[[Object], None]) -> Object:
        """Change an application; what stands then. Raises KeyError when there is none."""
        found = self.get(name)
        if found is None:
            raise KeyError(name)

        def counted(item: Object) -> None:
            edit(item)
            item["metadata"]["generation"] += item != found

        return self._store.change(APPLICATIONS, found, counted)

    def add(self, manifest: Object) -> Object:
        """Take up an application that was not compared yet."""
        about = manifest["metadata"]
        annotations = {live_things.LAST_APPLIED: text(manifest)} if INSTANCE in about.get("labels", {}) else {}
        source = {"source": manifest["spec"]["source"], "destination": manifest["spec"]["destination"]}
        return self._store.add(
            APPLICATIONS,
            {
                "metadata": {**about, **({"annotations": annotations} if annotations else {})},
                "spec": manifest["spec"],
                "status": {
                    "sync": {"status": "", "comparedTo": source},
                    "health": {},
                    "summary": {},
                    "sourceHydrator": {},
                },
            },
        )

    # -- both sides ---------------------------------------------------------------------------------------------

    def commit(self, item: Object) -> Commit:
        """The commit that an application was last compared with, the head if none or with none that is known."""
        try:
            return self.repository.resolve(item["status"]["sync"].get("revision", ""))
        except NoRevisionError:
            return self.repository.head

    def targets(self, item: Object, commit: Commit, *, hooks: bool = False) -> dict[Key, Object]:
        """What a commit says that an application is to consist of, or its ``hooks``. Raises RenderError."""
        found = self.repository.render(item["metadata"]["name"], commit, parameters(item))
        chosen = [each for each in found if (HOOK in each["metadata"].get("annotations", {})) is hooks]
        return dict(sorted((key(each), each) for each in chosen))

    def live(self, found: Key) -> Object | None:
        """A live thing by its key, or None."""
        _, kind, namespace, name = found
        item = self._store.get(KINDS[kind], namespace, name)
        if item is None or kind != "Application":
            return item
        plain = {word: value for word, value in item.items() if word != "operation"}
        return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **plain}

    def tracked(self, item: Object) -> Iterator[Key]:
        """What lives and says that it belongs to an application."""
        name, namespace = item["metadata"]["name"], item["spec"]["destination"]["namespace"]
        for resource in _TRACKED:
            for each in self._store.items(resource, namespace):
                about = each["metadata"]
                if about.get("labels", {}).get(INSTANCE) == name and HOOK not in about.get("annotations", {}):
                    yield resource.group, resource.kind, namespace, about["name"]
        if name == "science-platform":
            for child in self.items():
                if child["metadata"].get("labels", {}).get(INSTANCE) == name:
                    yield "argoproj.io", "Application", "argocd", child["metadata"]["name"]

    def pods(self, item: Object) -> list[Object]:
        """The pods of an application's Jobs."""
        namespace = item["spec"]["destination"]["namespace"]
        uids = {each["metadata"]["uid"] for found in self.tracked(item) if (each := self.live(found)) is not None}

        def of_it(pod: Object) -> bool:
            return any(owner["uid"] in uids for owner in pod["metadata"].get("ownerReferences", ()))

        return self._store.items(PODS, namespace, of_it)

    # -- comparing ----------------------------------------------------------------------------------------------

    def compare(self, name: str, *, latest: bool) -> Object | None:
        """Compare an application with git: with the newest commit, or with that of the last time."""
        item = self.get(name)
        if item is None:
            return None
        commit = self.repository.head if latest else self.commit(item)
        try:
            targets = self.targets(item, commit)
        except RenderError as error:
            return self._unknown(item, str(error))
        self._good[name] = commit
        resources = []
        for found in sorted({*targets, *self.tracked(item)}):
            target, living = targets.get(found), self.live(found)
            same = target is not None and living is not None and not live_things.differs(living, target)
            told = {**live_things.reference(found), "status": "Synced" if same else "OutOfSync"}
            if target is None:
                told["requiresPruning"] = True
            elif live_things.wave(target):
                told["syncWave"] = live_things.wave(target)
            resources.append(told)
        out = any(each["status"] == "OutOfSync" for each in resources)
        return self._told(item, "OutOfSync" if out else "Synced", commit.sha, resources, [])

    def _unknown(self, item: Object, why: str) -> Object:
        resources = [
            {**live_things.reference(found), "status": "Unknown", "requiresPruning": True}
            for found in sorted(self.tracked(item))
        ]
        condition = {"type": "ComparisonError", "message": why, "lastTransitionTime": stamp(self._clock())}
        return self._told(item, "Unknown", item["spec"]["source"]["targetRevision"], resources, [condition])

    def _told(
        self, item: Object, sync: str, revision: str, resources: list[Object], conditions: list[Object]
    ) -> Object:
        name = item["metadata"]["name"]
        found = {_key(each): health(each["kind"], self.live(_key(each))) for each in resources}
        self._health[name] = found
        state = live_things.worst([*found.values()])
        conditions = [*conditions, *self.warnings.get(name, ())]
        shown = sorted({image for pod in self.pods(item) for image in images(pod)})
        source = {"source": item["spec"]["source"], "destination": item["spec"]["destination"]}

        def edit(each: Object) -> None:
            status = each["status"]
            if status["health"].get("status") != state:
                status["health"] = {"status": state, "lastTransitionTime": stamp(self._clock())}
            status |= {
                "resources": resources,
                "sync": {"status": sync, "comparedTo": source, "revision": revision},
                "reconciledAt": stamp(self._clock()),
                "sourceType": "Helm" if "helm" in source["source"] else "Directory",
                "summary": {**({"images": shown} if shown else {})},
                "resourceHealthSource": "appTree",
                "controllerNamespace": "argocd",
            }
            if name == "science-platform":
                status["summary"]["isAppOfApps"] = True
            status.pop("conditions", None)
            if conditions:
                status["conditions"] = conditions

        return self.change(name, edit)

    def shown(self, item: Object) -> Object:
        """An application as it is shown alone and in streams: with the health of each of its things."""
        resources = []
        for each in item["status"].get("resources", ()):
            state = self._health.get(item["metadata"]["name"], {}).get(_key(each))
            filled = {**each, **({"health": state} if state else {})}
            if "requiresPruning" in filled:
                filled["requiresPruning"] = filled.pop("requiresPruning")
            resources.append(filled)
        return {**item, "status": {**item["status"], **({"resources": resources} if resources else {})}}

    # -- what will change ---------------------------------------------------------------------------------------

    def managed(self, item: Object) -> list[Object]:
        """Every thing of an application in its states, of the last comparison that could be made."""
        name = item["metadata"]["name"]
        commit = self._good.get(name)
        if commit is None:
            return []
        targets = self.targets(item, commit)
        return [self._states(found, targets.get(found)) for found in sorted({*targets, *self.tracked(item)})]

    def _states(self, found: Key, target: Object | None) -> Object:
        group, kind, namespace, name = found
        living = self.live(found)
        normal = None if living is None else live_things.normalized(living)
        then = target if target is None or living is None else live_things.predicted(living, target)
        told = {"group": group, "kind": kind, "namespace": namespace, "name": name}
        made: Object = {
            **{word: value for word, value in told.items() if value},
            "targetState": text(target),
            "liveState": text(None if living is None else live_things.plain_live(living)),
            "normalizedLiveState": text(normal),
            "predictedLiveState": text(then),
        }
        if living is not None:
            made["resourceVersion"] = living["metadata"]["resourceVersion"]
        if target is not None and then != normal:
            made["modified"] = True
        return made


def _key(resource: Object) -> Key:
    """The key of one of ``status.resources``."""
    return (resource.get("group", ""), resource["kind"], resource.get("namespace", ""), resource["name"])
