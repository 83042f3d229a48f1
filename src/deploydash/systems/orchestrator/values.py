"""Settings of the environment: verified, set and put back as they were read.

A change of an interval restarts the agents, and one in seconds begins with a run at once: putting the repair interval
back means a full repair within its splay time.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import End, Finding, Found, ItemContext
from deploydash.core.run.state import ItemProgress
from deploydash.systems.orchestrator.objects import SettingOf
from deploydash.systems.orchestrator.specs import Do, Spec, shown
from deploydash.systems.orchestrator.work import Tools, failed, reached, sent
from deploydash.systems.orchestrator.writes import set_value, unset

DEFAULT = "the default"
"""What was read of a setting that nobody had set."""

_SPLAY = {
    "autostart_agent_deploy_interval": ("autostart_agent_deploy_splay_time", "a deploy"),
    "autostart_agent_repair_interval": ("autostart_agent_repair_splay_time", "a full repair"),
}


def debt_of(name: str) -> str:
    """Return what the debt of a setting is called."""
    return f"orchestrator/{name}"


class Values:
    """Verifies, sets and restores settings."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, item: Item, spec: Spec) -> ItemPlan:
        """Return what would be set, from which value."""
        known = await self._tools.client.settings()
        now = known.get(spec.setting)
        if now is None:
            return ItemPlan(item.id, (), f"this server has no setting {spec.setting}", blocked=True)
        if spec.do is Do.RESTORE:
            return self._restoring(item, now, known)
        wanted = _wanted(spec, now)
        if same(now.value, wanted):
            return ItemPlan(item.id, (), f"is {shown(now.value)} already")
        if spec.do is Do.VERIFY:
            return ItemPlan(item.id, (), f"is {shown(now.value)}, wanted {shown(wanted)}", blocked=True)
        line = f"POST /api/v2/environment_settings/{now.name} {json.dumps(wanted)} (is {shown(now.value)})"
        approved = json.dumps({"was": now.value, "stored": now.stored})
        return ItemPlan(item.id, (line,), self._begins(now.name, wanted, known), approved=approved)

    def _restoring(self, item: Item, now: SettingOf, known: dict[str, SettingOf]) -> ItemPlan:
        owed = self._owed(now.name)
        if owed is None:
            return ItemPlan(item.id, (), f"is {shown(now.value)}; this run did not change it")
        if _is_back(now, owed):
            return ItemPlan(item.id, (), f"is {shown(now.value)} already, as it was read before")
        line = f"DELETE /api/v2/environment_settings/{now.name} (it was {owed}; is {shown(now.value)})"
        if owed != DEFAULT:
            line = f"POST /api/v2/environment_settings/{now.name} {owed} (as it was; is {shown(now.value)})"
        back = now.default if owed == DEFAULT else json.loads(owed)
        return ItemPlan(item.id, (line,), self._begins(now.name, back, known), approved=json.dumps({"back": owed}))

    @staticmethod
    def _begins(name: str, value: Any, known: dict[str, SettingOf]) -> str:
        splay, what = _SPLAY.get(name, ("", ""))
        if not splay or str(value) == "0" or not str(value).isdecimal():
            return ""
        within = known[splay].value if splay in known else "some"
        return f"the agents restart, and begin {what} by themselves within {within} s"

    def _owed(self, name: str) -> str | None:
        """Return the value to put back, None where this run owes none."""
        state = self._tools.state()
        found = state.incurred.get(debt_of(name))
        settled = debt_of(name) in state.debts_waived or debt_of(name) in state.paid
        return found[1].restore if found is not None and not settled else None

    async def run(self, spec: Spec, approved: str, context: ItemContext) -> End:
        """Verify, set or restore a setting."""
        now = await self._now(spec)
        if now is None:
            return failed(f"this server has no setting {spec.setting}")
        if spec.do is Do.RESTORE:
            return await self._restore(now, context)
        wanted = _wanted(spec, now)
        if same(now.value, wanted):
            return reached(f"{now.name} is {shown(now.value)}")
        if spec.do is Do.VERIFY:
            return failed(f"{now.name} is {shown(now.value)}, wanted {shown(wanted)}")
        agreed = json.loads(approved) if approved else {}
        if agreed.get("was") != now.value:
            return failed(f"{now.name} is {shown(now.value)} meanwhile; look at it and retry")
        owes = None
        if spec.back:
            what = f"{now.name} of the orchestrator, which was {shown(now.value)}"
            restore = json.dumps(now.value) if now.stored else DEFAULT
            owes = Debt(debt_of(now.name), what, tuple(StepId(step) for step in spec.back), restore)
        line = f"POST /api/v2/environment_settings/{now.name} {json.dumps(wanted)}"
        return await self._ask(spec, line, set_value(self._tools.client, now.name, wanted), wanted, context, owes)

    async def _restore(self, now: SettingOf, context: ItemContext) -> End:
        owed = self._owed(now.name)
        if owed is None or _is_back(now, owed):
            return reached(f"{now.name} is {shown(now.value)}, as it was before this run")
        spec = Spec(Do.RESTORE, setting=now.name)
        path = f"/api/v2/environment_settings/{now.name}"
        if owed == DEFAULT:
            return await self._ask(
                spec, f"DELETE {path}", unset(self._tools.client, now.name), now.default, context, None
            )
        value = json.loads(owed)
        request = set_value(self._tools.client, now.name, value)
        return await self._ask(spec, f"POST {path} {owed}", request, value, context, None)

    async def _ask(
        self, spec: Spec, line: str, request: Awaitable[None], wanted: Any, context: ItemContext, owes: Debt | None
    ) -> End:
        why = await context.intend(line, owes=owes)
        if why is not None:
            getattr(request, "close", lambda: None)()
            return failed(why)
        if (end := await sent(context, request)) is not None:
            return end
        now = await self._now(spec)
        if now is None or not same(now.value, wanted):
            told = "gone" if now is None else shown(now.value)
            return failed(f"{spec.setting} is {told} although the request was taken")
        return reached(f"{now.name} is {shown(now.value)}")

    async def _now(self, spec: Spec) -> SettingOf | None:
        return (await self._tools.client.settings()).get(spec.setting)

    async def follow(self, spec: Spec, history: ItemProgress, context: ItemContext) -> End:
        """Look once more: nothing goes on."""
        del context
        finding = await self.probe(spec, history)
        return reached(finding.sentence) if finding.found is Found.DONE else failed(finding.sentence)

    async def probe(self, spec: Spec, history: ItemProgress) -> Finding:
        """Look at the value."""
        del history
        now = await self._now(spec)
        if now is None:
            return self._tools.found(Found.NOT_DONE, f"this server has no setting {spec.setting}")
        words = f"{now.name} is {shown(now.value)}"
        if spec.do is Do.RESTORE:
            owed = self._owed(spec.setting)
            done = owed is None or _is_back(now, owed)
        else:
            done = same(now.value, _wanted(spec, now))
        return self._tools.found(Found.DONE if done else Found.NOT_DONE, words)


def same(value: Any, wanted: Any) -> bool:
    """Say whether two values of a setting are the same: intervals are kept as text, 137 and "137" alike."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    maps = isinstance(value, dict) or isinstance(wanted, dict)
    return bool(value == wanted) or (not maps and str(value) == str(wanted))


def _wanted(spec: Spec, now: SettingOf) -> Any:
    """Return the value that is wanted; agents are added to those in the map."""
    if spec.do is Do.ENGAGE and isinstance(now.value, dict):
        return {**spec.wanted, **now.value}
    return spec.wanted


def _is_back(now: SettingOf, owed: str) -> bool:
    return same(now.value, now.default if owed == DEFAULT else json.loads(owed))
