"""Steps of a runbook on an orchestrator: what their keys mean, their items and exact requests. Pure.

No item has an effect on a CSC: what an orchestrator deploys is judged by its own states.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId, StepId, numbered
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.run.composing import Composed, ItemOffer, OfferField
from deploydash.systems.orchestrator.settings import INTERNAL, ORCHESTRATOR, OrchestratorSettings
from deploydash.systems.orchestrator.specs import REPAIRS, Do, Spec, lines, made, read_spec, spec_text
from deploydash.systems.table import Entry, Wrong

STOP = "orchestrator-stop"
"""The emergency stop."""

RESUME = "orchestrator-resume"
AGENT = "orchestrator-agent"
DELETE = "orchestrator-delete"

_OF_SETTINGS = frozenset({Do.VERIFY, Do.SET})
_OF_VERSIONS = frozenset({Do.RESOURCES, Do.DRY_RUN, Do.COMPARE, Do.SAME, Do.DEPLOY, Do.DELETE})
_COMPARES = frozenset({Do.COMPARE, Do.SAME})
_WANTS = ("candidate", "still")
_VERSION = re.compile(r"<[a-z-]+>|[0-9]+")

WAY_BACK = "delete the new version: the way back"


class OrchestratorSteps:
    """What is known of steps on an orchestrator without asking it."""

    keys = frozenset({"do", "settings", "restores", "paid_by", "version", "dry_runs", "agents", "wants"})

    def problems(self, entry: Entry) -> Iterator[Wrong]:
        """Yield what is wrong with a step."""
        own = entry.own
        if not isinstance(entry.settings, OrchestratorSettings):
            yield Wrong((), "the site file has no section systems.orchestrator", "add it")
            return
        if own.get("do") not in set(Do):
            yield Wrong(("do",), f"do is {own.get('do')!r}", f"write one of {', '.join(Do)}")
            return
        do = Do(own["do"])
        allowed = _keys_of(do)
        for key in own:
            if key not in allowed:
                yield Wrong(
                    (key,), f"{do.value} has no {key}", f"it takes {', '.join(sorted(allowed - {'do'})) or 'no more'}"
                )
        for key in sorted(_needed(do) - set(own)):
            yield Wrong(("do",), f"{do.value} needs {key}", "add it")
        if do in _OF_SETTINGS and not (isinstance(own.get("settings", {}), dict) and own.get("settings", {"": 0})):
            yield Wrong(("settings",), "settings is no mapping", "write for example {auto_deploy: false}")
        if own.get("wants", "candidate") not in _WANTS:
            yield Wrong(("wants",), f"wants is {own['wants']!r}", f"write {' or '.join(_WANTS)}")
        yield from _wrong_texts(own)
        yield from _wrong_payers(own, entry)
        yield from _wrong_agents(own, entry.settings)

    def items(self, entry: Entry) -> tuple[Item, ...]:
        """Return an item for each setting or agent, else one."""
        assert isinstance(entry.settings, OrchestratorSettings)  # noqa: S101 - problems() was asked before
        return tuple(made(numbered(at), spec) for at, spec in enumerate(_specs(entry.own, entry.settings)))

    def fallbacks(self, entry: Entry) -> tuple[Fallback, ...]:
        """Return the way back where two dry runs are compared."""
        if entry.own.get("do") != Do.COMPARE:
            return ()
        return (Fallback(WAY_BACK, ORCHESTRATOR, spec_text(Spec(Do.DELETE, version=str(entry.own["version"])))),)

    def lines(self, item: Item) -> tuple[str, ...]:
        """Return the requests of an item, as far as they are known without asking."""
        return lines(read_spec(item.spec))

    def fallback(self, fallback: Fallback, items: Sequence[Item]) -> Item:
        """Return the item that deletes the version which these compared.

        Raises:
            ValueError: they compared none.
        """
        del fallback
        compared = read_spec(items[0].spec)
        if not compared.version.isdecimal():
            raise ValueError(f"{compared.version or 'the version'} is not known yet")
        return made(ItemId(""), Spec(Do.DELETE, version=compared.version))

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return the emergency stop, and what may be added: resuming, an agent's deploy, the delete of a version."""
        agent = OfferField("agent", "its name, such as internal")
        how = OfferField("how", "repair deploys all anew, deploy only what differs", "deploy")
        return (
            ItemOffer(STOP, ORCHESTRATOR, "Emergency stop of the orchestrator", ("It only stops.",), (), stops=True),
            ItemOffer(RESUME, ORCHESTRATOR, "Resume the environment", _RESUMING, (OfferField("resume", "yes"),)),
            ItemOffer(
                AGENT, ORCHESTRATOR, "Deploy on an agent", ("Deploys its part of the active version.",), (agent, how)
            ),
            ItemOffer(
                DELETE,
                ORCHESTRATOR,
                "Delete a version",
                ("The active one cannot be.",),
                (OfferField("version", "its number"),),
            ),
        )

    def compose(self, offer_id: str, texts: Sequence[str]) -> Composed:
        """Return the item that an offer makes of what was typed."""
        typed = [text.strip() for text in texts]
        if offer_id == STOP:
            return _composed(Spec(Do.HALT))
        if offer_id == RESUME:
            return _composed(Spec(Do.RESUME)) if typed == ["yes"] else Composed(None, ("type yes to resume it",))
        if offer_id == DELETE:
            wrong = "" if typed[0].isdecimal() else "name a version by its number"
            return Composed(None, (wrong,)) if wrong else _composed(Spec(Do.DELETE, version=typed[0]))
        how = {"repair": Do.REPAIR, "deploy": Do.INCREMENTAL}.get(typed[1] or "deploy")
        if not typed[0] or how is None:
            return Composed(None, ("name an agent, and write repair or deploy",))
        return _composed(Spec(how, agent=typed[0]))


_RESUMING = (
    "Agents come up again. Where the deploy interval is 0 nothing goes on by itself: deploy on the agents afterwards.",
)


def _composed(spec: Spec) -> Composed:
    item = made(ItemId(""), spec)
    return Composed(item, exact=lines(spec))


def _keys_of(do: Do) -> frozenset[str]:
    more: frozenset[str] = frozenset()
    if do in _OF_SETTINGS:
        more = frozenset({"settings"})
    if do in {Do.RECOMPILE, Do.UPDATE}:
        more = frozenset({"wants"})
    return more | _needed(do) | {"do"}


def _needed(do: Do) -> frozenset[str]:
    if do is Do.VERIFY:
        return frozenset({"settings"})
    if do is Do.SET:
        return frozenset({"settings", "paid_by"})
    if do is Do.RESTORE:
        return frozenset({"restores"})
    if do in REPAIRS:
        return frozenset({"agents"})
    if do in _COMPARES:
        return frozenset({"version", "dry_runs"})
    return frozenset({"version"}) if do in _OF_VERSIONS else frozenset()


def _wrong_texts(own: Any) -> Iterator[Wrong]:
    runs = own.get("dry_runs", ["", ""])
    if not isinstance(runs, list) or len(runs) != 2 or not all(isinstance(one, str) for one in runs):
        yield Wrong(("dry_runs",), f"dry_runs is {runs!r}", "write both, such as [<dryrun-before>, <dryrun>]")
    if "version" in own and not _VERSION.fullmatch(str(own["version"])):
        yield Wrong(
            ("version",), f"version is {own['version']!r}", "write a placeholder, such as <version>, or a number"
        )


def _wrong_payers(own: Any, entry: Entry) -> Iterator[Wrong]:
    for key in ("paid_by", "restores"):
        named = own.get(key, [])
        if not isinstance(named, list) or (key in own and not named):
            yield Wrong((key,), f"{key} is {named!r}", "write a list")
    paid_by = own.get("paid_by")
    for at, step in enumerate(paid_by if isinstance(paid_by, list) else ()):
        if StepId(str(step)) not in entry.later:
            yield Wrong(("paid_by", at), f"no later step is called {step!r}", "name the step that puts it back")


def _wrong_agents(own: Any, settings: OrchestratorSettings) -> Iterator[Wrong]:
    named = own.get("agents")
    if named is None or named in ("all", "rest", "internal"):
        return
    if not isinstance(named, list) or not named:
        yield Wrong(("agents",), f"agents is {named!r}", "write all, internal, rest, or a list")
        return
    for at, name in enumerate(named):
        if name not in settings.every_agent:
            known = ", ".join(settings.every_agent)
            yield Wrong(("agents", at), f"the site has no agent {name!r}", f"known are {known}")


def _specs(own: Any, settings: OrchestratorSettings) -> Iterator[Spec]:
    do, back = Do(own["do"]), tuple(own.get("paid_by", ()))
    if do in _OF_SETTINGS:
        for name, value in own["settings"].items():
            yield Spec(do, setting=name, value=json.dumps(value), back=back)
    elif do is Do.RESTORE:
        for name in own["restores"]:
            yield Spec(do, setting=str(name))
    elif do is Do.ENGAGE:
        value = json.dumps(dict.fromkeys(settings.every_agent, "local:"))
        yield Spec(do, setting="autostart_agent_map", value=value, back=back)
    elif do in REPAIRS:
        names = _agents(own["agents"], settings)
        for at, name in enumerate(names):
            yield Spec(do, agent=name, behind=tuple(names[:at]))
    else:
        before, after = own.get("dry_runs", ("", ""))
        version, wants = str(own.get("version", "")), own.get("wants", "candidate")
        yield Spec(do, version=version, before=before, after=after, wants=wants)


def _agents(named: Any, settings: OrchestratorSettings) -> Sequence[str]:
    if named == "all":
        return settings.every_agent
    if named == "rest":
        return settings.every_agent[1:]
    return (INTERNAL,) if named == "internal" else named
