"""The director: opens the world as a scenario says and plays its time line.

What people do between the steps of a runbook, the director does by the clock: it cannot see that somebody signed off a
step, for that stands in the run's journal, and the demo observatory shares nothing with the rest but protocols. All of
this is the step ``redeploy``. It starts only CSCs that no fake starts (`World.claim`), so that each fake that can takes
work from the clock; what it gives back (`World.release`), the clock starts again. What is to follow a request to a fake
says so: ``once: {system: …, asked: …}``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from deploydash.demo.csc import Process
from deploydash.demo.fake import Fake
from deploydash.demo.goal import Goal
from deploydash.demo.scenario import Once, Opening, Scenario, Step, SystemFault, chosen
from deploydash.demo.site import Csc, parse_name
from deploydash.demo.states import State
from deploydash.demo.wire import Emit, Raw
from deploydash.demo.world import World

_LOOK_S = 0.25
"""How often it is looked whether processes have ended, in real seconds."""
_COME_BACK_S = 1.0
"""How often people look again at what a fake deploys, in real seconds."""


def _beat(csc: Csc, beats: float | str | None) -> float | None:
    """Real seconds between beats; ``slow`` lies between the CSC's limits late and silent; None if not said."""
    return (csc.late + csc.silent) / 2 if beats == "slow" else None if beats is None else float(beats)


class Director:
    """Plays one scenario in one world. ``opened`` is UTC unix seconds."""

    def __init__(self, world: World, scenario: Scenario, fakes: Mapping[str, Fake], opened: float) -> None:
        self._world = world
        self._scenario = scenario
        self._fakes = fakes
        self._opened = opened
        self._cscs = list(world.site.cscs)

    # -- opening ------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Write the past of every CSC and bring the living to life."""
        self._world.now = self._opened
        special: dict[str, Opening] = {}
        for opening in self._scenario.openings:
            members = chosen(self._cscs, opening.csc, opening.exempt)
            if not members:
                sys.stderr.write(f"demo: {', '.join(opening.csc)}: not at this site, left out\n")
            special.update({csc.name: opening for csc in members})
        past: list[Emit] = []
        for csc in self._cscs:
            past += self._open_one(csc, special.get(csc.name, Opening(csc=(csc.name,))))
        self._world.write(sorted(past, key=lambda emit: emit.at))
        for step in self._scenario.timeline:
            if step.once is None:
                self._plan(step, self._opened + step.at / self._world.pace, 1)
            else:
                self._await(step, self._condition(step.once), self._opened)

    def _condition(self, once: Once) -> Callable[[], bool]:
        if once.gone:
            return lambda: self._gone(chosen(self._cscs, once.gone, ()))
        asked = self._fakes[once.system].asked
        before = asked[once.asked]
        return lambda: asked[once.asked] > before

    def _gone(self, cscs: list[Csc]) -> bool:
        return bool(cscs) and all(map(self._world.ended, cscs))

    def _await(self, step: Step, holds: Callable[[], bool], now: float) -> None:
        """Plan a step once what it waits for is so."""

        def look(now: float) -> None:
            if holds():
                self._plan(step, now + step.at / self._world.pace, 1)
            else:
                self._await(step, holds, now)

        self._world.at(now + _LOOK_S, look)

    def _open_one(self, csc: Csc, opening: Opening) -> list[Emit]:
        state, substate = (opening.state or self._scenario.fleet).of(csc)
        gone = state is State.OFFLINE and not csc.camera
        life = opening.life or ("dead" if gone else "running")
        began = self._opened - self._world.rng.uniform(6, 60) * 3600
        since = opening.since if opening.since is not None else self._world.rng.uniform(600, 20_000)
        self._behave(csc, opening)
        if life == "never":
            return []
        if life == "booting":
            self._world.start(csc, Goal(state, substate))
            return []
        process = self._world.process(csc)
        died = opening.died if opening.died is not None else (0.0 if life == "running" else since)
        now = self._opened - died
        emits = self._past(process, began - died, now, opening, state, substate, since)
        if life == "running":
            self._world.wake(process)
            if opening.twice:
                emits += self._second(csc, process, now)
            return emits
        process.kill()
        if life == "efd":
            self._world.forget(emits)
            return []
        return emits

    def _past(
        self,
        process: Process,
        began: float,
        now: float,
        opening: Opening,
        state: State,
        substate: int | None,
        since: float,
    ) -> list[Emit]:
        silent_end = state is State.OFFLINE and not process.camera
        emits = process.resume(
            began,
            now,
            state=State.STANDBY if silent_end else state,
            substate=substate,
            since=max(since - (self._opened - now), 0.0),
            history=self._world.history,
            code=opening.code,
            report=opening.report,
        )
        if silent_end:
            emits += process.event("logevent_summaryState", now, summaryState=int(State.OFFLINE))
        return emits

    def _second(self, csc: Csc, first: Process, now: float) -> list[Emit]:
        """A second process that beats as the same CSC."""
        second = self._world.process(csc)
        emits = second.resume(
            now - 30,
            now,
            state=first.state or State.STANDBY,
            substate=first.substate,
            since=20,
            history=10,
        )
        self._world.wake(second)
        return emits

    def _behave(self, csc: Csc, said: Opening | Step) -> None:
        self._world.behave(csc, _beat(csc, said.beats), said.reacts or {}, said.scripts or {})

    # -- time line ----------------------------------------------------------------------------------------------

    def _plan(self, step: Step, due: float, turn: int) -> None:
        def happen(now: float) -> None:
            if step.every and (not step.times or turn < step.times):
                self._plan(step, due + step.every / self._world.pace, turn + 1)
            self._perform(step, now, turn)

        self._world.at(due, happen)

    def _perform(self, step: Step, now: float, turn: int) -> None:
        if step.fault is not None:
            self._fail(step.fault, step.lasts, now)
        elif step.do == "merge":
            self._world.merge(step.tag)
        elif step.do == "script":
            self._script(step, now)
        elif step.do == "unexpected":
            for name in step.csc:
                self._unexpected(name, step)
        else:
            self._on_each(step, now, turn)

    def _fail(self, fault: SystemFault, lasts: float | None, now: float) -> None:
        """Let a system fail, for so many world seconds or for good."""
        faults = self._fakes[fault.system].faults
        faults.switch_on(fault.name, fault.values)
        if lasts is not None:
            self._world.at(now + lasts / self._world.pace, lambda _: faults.switch_off(fault.name))

    def _on_each(self, step: Step, now: float, turn: int) -> None:
        members = chosen(self._cscs, step.csc, step.exempt)
        if step.spread:
            self._world.rng.shuffle(members)
        act: Callable[[Csc, Step, float, int], None] = getattr(self, f"_do_{step.do}")
        for n, csc in enumerate(members):
            if not step.spread:
                act(csc, step, now, turn)
                continue
            delay = step.spread * n / len(members) / self._world.pace
            self._world.at(now + delay, lambda t, csc=csc: act(csc, step, t, turn))  # type: ignore[misc]

    def _each(self, csc: Csc, act: Callable[[Process], list[Emit] | None]) -> None:
        for process in self._world.running(csc):
            self._world.write(act(process) or [])
            self._world.wake(process)

    def _do_move(self, csc: Csc, step: Step, now: float, _: int) -> None:
        state, substate = (step.state or Goal(target="startup")).of(csc)

        def move(process: Process) -> list[Emit]:
            emits = process.move(state, now, step.pace)
            if substate is not None:
                emits += process.set_substate(substate, now)
            return emits

        self._each(csc, move)

    def _do_substate(self, csc: Csc, step: Step, now: float, _: int) -> None:
        substate = step.state.substate if step.state else None
        self._each(csc, lambda process: process.set_substate(substate or 1, now) if process.camera else None)

    def _do_fault(self, csc: Csc, step: Step, now: float, _: int) -> None:
        self._each(
            csc,
            lambda process: process.fault(step.code, step.report, now) if process.state is not None else None,
        )

    def _do_kill(self, csc: Csc, _: Step, __: float, ___: int) -> None:
        self._world.stop(csc)

    def _do_hang(self, csc: Csc, _: Step, __: float, ___: int) -> None:
        self._world.stop(csc, "hang")

    def _do_deafen(self, csc: Csc, _: Step, __: float, ___: int) -> None:
        self._world.stop(csc, "deafen")

    def _do_start(self, csc: Csc, step: Step, _: float, __: int) -> None:
        self._world.start(csc, step.state)

    def _do_restart(self, csc: Csc, step: Step, now: float, _: int) -> None:
        before = self._world.stop(csc)
        origin = before if step.origin == "same" else None
        due = now + step.after / self._world.pace
        self._world.at(due, lambda _: self._world.start(csc, step.state, origin=origin))

    def _do_redeploy(self, csc: Csc, step: Step, now: float, turn: int) -> None:
        """People deploy what is not deployed, but for what a fake deploys: they come back as long as one does."""
        if self._world.claimed(csc):
            self._world.at(now + _COME_BACK_S, lambda t: self._do_redeploy(csc, step, t, turn))
        else:
            self._world.start(csc)

    def _do_duplicate(self, csc: Csc, _: Step, now: float, __: int) -> None:
        for process in self._world.running(csc)[:1]:
            self._world.write(self._second(csc, process, now))

    def _do_flap(self, csc: Csc, step: Step, now: float, turn: int) -> None:
        goals = step.between or (Goal(State.DISABLED), Goal(State.ENABLED))
        state, _ = goals[turn % 2].of(csc)
        self._each(csc, lambda process: process.move(state, now, 0.0))

    def _do_log(self, csc: Csc, step: Step, now: float, _: int) -> None:
        self._each(csc, lambda process: process.log(step.message, now, step.level))

    def _do_behave(self, csc: Csc, step: Step, _: float, __: int) -> None:
        self._behave(csc, step)

    def _do_malformed(self, csc: Csc, step: Step, now: float, _: int) -> None:
        """Bytes that no reader can make sense of, each broken in another way, among the good records."""
        broken = (b"", b"\x00\x00", b"\x01\x00\x00\x00\x01x", b"\x00\x7f\xff\xff\xffgarbage", b"{}", None)
        sal_name = f"logevent_{step.event}"
        records = []
        for n in range(step.count):
            topic = self._world.codec.topic(csc.component, sal_name)
            framing = b"\x00" + self._world.codec.schema(csc.component, sal_name).schema_id.to_bytes(4, "big")
            value = (*broken, framing + b"\xff\xff\xff")[n % 7]
            records.append(Raw(topic, b"demo", value, now))
        self._world.write(records)

    def _unexpected(self, name: str, step: Step) -> None:
        """A CSC that no roster has."""
        component, index = parse_name(name)
        targets = {"startup": "STANDBY", "end": "STANDBY", "shutdown": "OFFLINE"}
        csc = Csc(name, component, index, "", targets, 5.0, 10.0)
        self._world.announce([component])
        self._cscs.append(csc)
        self._world.start(csc, step.state)

    def _script(self, step: Step, now: float) -> None:
        """Somebody lets a script run in the first queue that is enabled."""
        for csc in chosen(self._cscs, ("ScriptQueue:*",), ()):
            for process in self._world.running(csc)[:1]:
                if process.state is State.ENABLED:
                    self._world.write(self._world.queue(process).add_own("maintel/track_target.py", step.seconds, now))
                    return
