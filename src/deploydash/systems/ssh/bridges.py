"""A camera's bridge: its unit stopped or started, its camera made available."""

from __future__ import annotations

import json

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CameraSubstate, CscId, Liveness
from deploydash.core.procedure.items import Item
from deploydash.core.run.ports import End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import AnswerOffered, Outcome
from deploydash.systems.ssh import argv as commands
from deploydash.systems.ssh import client
from deploydash.systems.ssh.answers import CcsState, read_ccs
from deploydash.systems.ssh.client import CCS_S
from deploydash.systems.ssh.effects import is_silent
from deploydash.systems.ssh.hosts import Host
from deploydash.systems.ssh.planned import Planned, Read
from deploydash.systems.ssh.requests import AVAILABLE, CLEAR, ccs_typed, in_shell
from deploydash.systems.ssh.specs import Bridge, debt_of
from deploydash.systems.ssh.writes import (
    UNIT_S,
    NotSent,
    Tools,
    ended,
    followed,
    look_at,
    send,
    settled,
    sudo_refused,
    until,
)

SILENT_S = 60.0
"""So long after its bridge was stopped a camera's heartbeats may still come."""

BEATS_S = 180.0
"""So long after its bridge was started a camera may take to send heartbeats."""

AVAILABLE_S = 60.0
"""So long after it was made available a camera may take to report so."""

LOCKED = (
    AnswerOffered("leave", "leave the camera as it is"),
    AnswerOffered("try", "try nevertheless; it fails while another holds the lock"),
)


def _beats(view: CscView) -> bool:
    return view.liveness in {Liveness.BEATING, Liveness.LATE}


def _available(view: CscView) -> bool:
    return _beats(view) and view.substate is CameraSubstate.AVAILABLE


class Bridges:
    """Stops and starts bridges."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, host: Host, spec: Bridge, look: Look) -> Planned:
        """Return what would be sent; which account may do it is looked at first."""
        unit = await client.unit(host, spec.unit)
        if unit.absent:
            there = ", ".join(await client.units_like(host, "*ocs-bridge.service")) or "none"
            return Planned(why=f"there is no unit {spec.unit}; bridges there are: {there}", blocked=True)
        lines: list[str] = []
        approved: dict[str, str] = {}
        if (spec.do == "stop" and not unit.down) or (spec.do == "start" and not unit.up):
            via = await self._tools.unit_way(host, spec.do, spec.unit)
            if via is None:
                right = commands.quoted(("systemctl", spec.do, spec.unit))
                return Planned(
                    why=f"neither you nor {commands.CCS} may `sudo {right}` without a password", blocked=True
                )
            lines.append(commands.quoted(commands.unit_command(spec.do, spec.unit, via)))
            approved["via"] = via
        if spec.do == "start" and not ((view := look(CscId.parse(spec.csc))) is not None and _available(view)):
            shell = commands.ccs_shell(spec.as_user)
            lines += [in_shell(shell, ccs_typed(spec, one)) for one in (CLEAR, AVAILABLE)]
            approved["make"] = "available"
        return Planned(tuple(lines), f"it is {unit} now", json.dumps(approved) if lines else "")

    async def look(self, host: Host, spec: Bridge, read: Read, look: Look) -> tuple[Found, str]:
        """Return how a bridge stands, and its camera with it."""
        del read
        unit, view = await client.unit(host, spec.unit), look(CscId.parse(spec.csc))
        if unit.absent:
            return Found.CANNOT_TELL, f"there is no unit {spec.unit}"
        sentence = f"{spec.unit} is {unit}"
        if spec.do == "stop":
            if not unit.down:
                return (Found.UNDER_WAY if unit.active == "deactivating" else Found.NOT_DONE), sentence
            if view is not None and is_silent(view):
                return Found.DONE, f"{sentence}, and {spec.csc} sends no heartbeat"
            return Found.UNDER_WAY, f"{sentence}; {spec.csc} is not silent yet"
        if not unit.up:
            starting = unit.active == "activating" and unit.sub != "auto-restart"
            return (Found.UNDER_WAY if starting else Found.NOT_DONE), sentence
        if view is not None and _available(view):
            return Found.DONE, f"{sentence}, and {spec.csc} is OFFLINE/AVAILABLE"
        return Found.NOT_DONE, f"{sentence}, but {spec.csc} is not available"

    async def run(self, spec: Bridge, item: Item, approved: Read, context: ItemContext) -> End:
        """Stop or start a bridge as it was approved."""
        del item
        async with context.slot(), self._tools.hosts.host(spec.host) as host:
            end = await self._unit(host, spec, approved, context)
        if end.outcome is not Outcome.REACHED:
            return end
        if spec.do == "stop":
            return await self._silence(spec, end, context)
        return await self._make(spec, approved, end, context)

    async def follow(self, spec: Bridge, item: Item, read: Read, context: ItemContext) -> End:
        """Wait for what goes on there already; nothing is sent."""
        del item

        async def standing() -> Finding:
            return await look_at(self._tools, spec.host, lambda host: self.look(host, spec, read, context.view))

        if spec.do == "stop":  # silence has a limit, a start that needs more than waiting is told at once
            end = ended(await until(standing, self._tools, UNIT_S, context), None)
        else:
            end = ended(await followed(standing, self._tools, context), None)
        if end.outcome is Outcome.REACHED and spec.do == "start":
            await context.paid(spec.debt, f"{spec.csc} is available")
        return end

    async def _unit(self, host: Host, spec: Bridge, may: Read, context: ItemContext) -> End:
        """Bring the unit where it should be, by what systemd says and not by an exit status."""

        async def look(host: Host) -> tuple[Found, str]:
            unit = await client.unit(host, spec.unit)
            there = unit.down if spec.do == "stop" else unit.up
            moving = unit.active == ("deactivating" if spec.do == "stop" else "activating")
            found = Found.DONE if there else Found.UNDER_WAY if moving else Found.NOT_DONE
            return found, f"{spec.unit} is {unit}"

        async def standing() -> Finding:
            return await look_at(self._tools, spec.host, look)

        if (now := await standing()).found is Found.DONE:
            return End(Outcome.REACHED, f"{now.sentence} already")
        if "via" not in may:
            raise NotSent(f"{now.sentence}, which was not so when this was approved: retry shows what would be sent")
        argv = commands.unit_command(spec.do, spec.unit, str(may["via"]))
        owes = debt_of(spec, f"the bridge of {spec.csc} ({spec.unit} on {spec.host.host}) to start and make available")
        ran = await send(self._tools, host, argv, context, limit_s=UNIT_S, owes=owes if spec.do == "stop" else None)
        if why := sudo_refused(host, argv, ran):
            if spec.do == "stop" and (await standing()).found is Found.NOT_DONE:
                await context.paid(spec.debt, "sudo refused, nothing was stopped")
            return End(Outcome.FAILED, why)
        return ended(await settled(standing, self._tools, ran, context), ran)

    async def _silence(self, spec: Bridge, end: End, context: ItemContext) -> End:
        await context.progress("unit is down", f"waiting until {spec.csc} sends no heartbeat")
        if await context.seen(CscId.parse(spec.csc), is_silent, SILENT_S):
            return End(Outcome.REACHED, f"{end.why}, and {spec.csc} sends no heartbeat")
        return End(Outcome.FAILED, f"{end.why}, but heartbeats of {spec.csc} still come: does another bridge run?")

    async def _make(self, spec: Bridge, may: Read, end: End, context: ItemContext) -> End:
        csc = CscId.parse(spec.csc)
        await context.progress("unit is up", f"waiting for heartbeats of {spec.csc}")
        if not await context.seen(csc, _beats, BEATS_S):
            return End(Outcome.FAILED, f"{end.why}, but {spec.csc} sends no heartbeat")
        view = context.view(csc)
        if view is None or not _available(view):
            if "make" not in may:
                raise NotSent(f"{spec.csc} is not available, as it was when this was approved: retry makes it so")
            if (refused := await self._by_shell(spec, context)) is not None:
                return refused
        if not await context.seen(csc, _available, AVAILABLE_S):
            return End(Outcome.FAILED, f"{end.why}, but {spec.csc} does not report OFFLINE/AVAILABLE")
        if spec.debt:
            await context.paid(spec.debt, f"{spec.csc} is available")
        return End(Outcome.REACHED, f"{end.why}, and {spec.csc} is OFFLINE/AVAILABLE")

    async def _by_shell(self, spec: Bridge, context: ItemContext) -> End | None:
        """Make a camera available in its own shell, whose exit status means nothing; None where that may have gone."""
        state = await self._tools.hosts.read(spec.host, lambda host: client.ccs(host, spec.as_user, spec.target))
        await context.progress("ccs-shell", f"{spec.target}: {state}")
        if state.locks:
            question = f"{spec.target} is locked: {'; '.join(state.locks[:3])}. Make the camera available?"
            if await context.ask(question, LOCKED) == "leave":
                return End(
                    Outcome.FAILED, f"{spec.target} is locked and was left as it is: {'; '.join(state.locks[:3])}"
                )
        async with context.slot(), self._tools.hosts.host(spec.host) as host:
            if state.fault:
                state = await self._type(host, spec, CLEAR, context)
            if not state.available:
                state = await self._type(host, spec, AVAILABLE, context)
        await context.progress("ccs-shell", f"{spec.target}: {state}")
        return None

    async def _type(self, host: Host, spec: Bridge, command: str, context: ItemContext) -> CcsState:
        argv, typed = commands.ccs_shell(spec.as_user), ccs_typed(spec, command)
        ran = await send(self._tools, host, argv, context, typed=typed, limit_s=CCS_S)
        if not ran.unknown:
            return read_ccs(ran.out, spec.target)
        state = await self._tools.hosts.read(spec.host, lambda host: client.ccs(host, spec.as_user, spec.target))
        await context.answered(True, f"no answer came, but it is seen: {spec.target}: {state}")
        return state
