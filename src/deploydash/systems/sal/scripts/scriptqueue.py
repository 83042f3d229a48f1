"""Scripts in ScriptQueues (``core.run.ports.ScriptAction``): added once, followed to their end, stopped when told to.

The acknowledgement of ``add`` carries the index the script got and says nothing of what becomes of it: its queue and
the script itself tell that (ts_scriptqueue ``script_queue.py``). What is not told in time is unknown; a script that
nobody knows about is looked for, never added again by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, Protocol

import yaml

from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import CscItem, csc_item
from deploydash.core.run.decide import is_at
from deploydash.core.run.ports import ItemContext, ScriptJob
from deploydash.core.run.records import (
    ControlOrdered,
    ItemEnded,
    ItemProgressed,
    Outcome,
    RequestAnswered,
    RequestIntended,
)
from deploydash.core.run.scripts import Followed, ScriptFact, ScriptsListed, first_line, follow
from deploydash.errors import FeedError, UserError
from deploydash.systems.sal.commanding.acks import AckCode, Answer
from deploydash.systems.sal.commanding.csc_transition import Line
from deploydash.systems.sal.commanding.kafka_write import MaybeWritten

_LAST = 2
"""Location.LAST (ts_xml ``enums/ScriptQueue.py``)."""
_MOST_STOPPED = 400
_LOG_EVERY_S = 2.0
"""A script may log in bursts; not every line of it goes to the journal."""
_SET_STATE = "set_summary_state.py"


@dataclass(frozen=True, slots=True)
class ScriptTimeouts:
    """How long each thing is waited for, in seconds.

    ``command``: a final acknowledgement. ``listed``: the list of scripts after it was asked for. ``quiet``: the next
    word of a script, which beats every 5 s, or of its queue about it. ``gone``: the end of its process, by when a
    failed script has its queue paused. ``seen``: the CSCs of another route at their targets, after its script.
    """

    command: float = 60.0
    listed: float = 10.0
    quiet: float = 60.0
    gone: float = 10.0
    seen: float = 30.0


class Reader(Protocol):
    """What is used of a ScriptReader."""

    caught_up: asyncio.Event
    undecodable: int
    example: str


Reading = Callable[[Callable[[ScriptFact], None]], AbstractAsyncContextManager[Reader]]
"""Opens a reader that hands over facts until its block ends."""


@dataclass(frozen=True, slots=True)
class _End:
    outcome: Outcome
    why: str


@dataclass(frozen=True, slots=True)
class _Sent:
    seq_num: int
    answer: Answer


class ScriptQueueAction:
    """Adds scripts to queues and follows them. Several may be under way, each with a reader of its own."""

    def __init__(self, line: Line, reading: Reading, *, descr: str, timeouts: ScriptTimeouts | None = None) -> None:
        self._line = line
        self._reading = reading
        self._descr = descr
        self._timeouts = timeouts or ScriptTimeouts()

    async def run(self, job: ScriptJob, context: ItemContext) -> None:
        """Add a script, or look for one that was added, and follow it to its end (core.run.ports.ScriptAction)."""
        watch = _Watch()
        async with self._reading(watch.take) as reader:
            end = await _Work(self, job, context, watch, reader).end()
        await self._look_at_cscs(job, end, context)
        await context.tell(ItemEnded(job.step, job.item, end.outcome, end.why))

    async def order(self, order: ControlOrdered, job: ScriptJob, context: ItemContext) -> None:
        """Pause or resume the queue of a script, or stop the script (core.run.ports.ScriptAction).

        Raises:
            UserError: it was not done, or nobody knows; says why.
        """
        values: dict[str, Any] = {}
        if order.name == "stopScripts":
            indices = [job.known.sal_index] + [0] * (_MOST_STOPPED - 1)
            values = {"length": 1, "salIndices": indices, "terminate": False}
        sent = await self.command(job, context, order.name, values)
        if isinstance(sent, _End):
            raise UserError(sent.why)
        if sent.answer.code != AckCode.COMPLETE:
            raise UserError(f"{order.name} of {job.script.queue}: {sent.answer.words}")

    async def command(
        self, job: ScriptJob, context: ItemContext, command: str, values: Mapping[str, Any]
    ) -> _Sent | _End:
        """Send one command to the queue of a script; an end says that it was not sent or that nobody knows."""
        queue = job.script.queue
        try:
            order = await self._line.prepare(queue, command, values)
        except FeedError as error:
            return _End(Outcome.FAILED, f"{command} was not sent: {error}")
        sender = self._line.sender
        intent = RequestIntended(
            job.step, job.item, queue, command, order.seq_num, sender.identity, sender.origin, begins=command == "add"
        )
        refusal = await context.intend(intent)
        if refusal is not None:
            return _End(Outcome.FAILED, refusal)
        try:
            answer = await self._line.send(order, self._timeouts.command)
            end = None
        except MaybeWritten as error:
            answer, end = Answer(0, 0, str(error)), _End(Outcome.UNKNOWN, f"{command} {error}")
        except FeedError as error:
            answer = Answer(0, 0, f"not sent: {error}")
            end = _End(Outcome.FAILED, f"{command} was not sent: {error}")
        said = answer.result if answer.code == AckCode.COMPLETE else answer.words
        await context.tell(RequestAnswered(job.step, job.item, command, order.seq_num, answer.code, said))
        return end or _Sent(order.seq_num, answer)

    async def _look_at_cscs(self, job: ScriptJob, end: _End, context: ItemContext) -> None:
        """The script's word is not enough: the CSCs are looked at, and each ends by what is seen."""
        limit = self._timeouts.seen if end.outcome is Outcome.REACHED else 1.0

        async def look(item: CscItem) -> None:
            there = await context.seen(item.csc, lambda view: is_at(view, item.target), limit)
            otherwise = Outcome.FAILED if end.outcome is Outcome.REACHED else end.outcome
            outcome = Outcome.REACHED if there else otherwise
            why = f"seen {item.target}" if there else f"not seen {item.target}"
            await context.tell(ItemEnded(job.step, csc_item(item.csc), outcome, f"{why}; {job.script.path}: {end.why}"))

        async with asyncio.TaskGroup() as group:
            for item in job.cscs:
                group.create_task(look(item))

    @property
    def timeouts(self) -> ScriptTimeouts:
        """How long each thing is waited for."""
        return self._timeouts

    @property
    def descr(self) -> str:
        """Who adds the scripts, as their queue shows it."""
        return self._descr


class _Watch:
    """Every fact so far, so that a script is followed from its first word although its number is learnt later."""

    def __init__(self) -> None:
        self._facts: list[ScriptFact] = []
        self._news = asyncio.Event()
        self.listed: dict[CscId, ScriptsListed] = {}
        self.seen: Followed | None = None

    def take(self, fact: ScriptFact) -> None:
        if isinstance(fact, ScriptsListed):
            self.listed[fact.queue] = fact
        if self.seen is None:
            self._facts.append(fact)
        else:
            self.seen = follow(self.seen, fact)
        self._news.set()

    def follow(self, queue: CscId, seq_num: int) -> Followed:
        """Follow the script that this command added, from the first fact on."""
        seen = Followed(queue, seq_num)
        for fact in self._facts:
            seen = follow(seen, fact)
        self._facts.clear()
        self.seen = seen
        return seen

    def is_not(self, before: Followed) -> bool:
        """Say whether anything was told since."""
        return self.seen != before

    async def until(self, when: Callable[[], bool], limit_s: float) -> bool:
        """Wait until something is so; False after ``limit_s``."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        while not when():
            self._news.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._news.wait()
            except TimeoutError:
                return when()
        return True


class _Work:
    """One script, from the first look to its end."""

    def __init__(
        self, action: ScriptQueueAction, job: ScriptJob, context: ItemContext, watch: _Watch, reader: Reader
    ) -> None:
        self._action = action
        self._job = job
        self._context = context
        self._watch = watch
        self._reader = reader
        self._told: tuple[int, str, str, bool] = (0, "", "", False)
        self._told_log = ""
        self._told_at = 0.0

    async def end(self) -> _End:
        timeouts = self._action.timeouts
        try:
            async with asyncio.timeout(timeouts.quiet):
                await self._reader.caught_up.wait()
        except TimeoutError:
            return self._unseen("the topics of the ScriptQueues could not be read to their end")
        if self._job.known.seq_num:
            return await self._look_for_it(self._job.known.seq_num)
        added = await self._add()
        return added if isinstance(added, _End) else await self._follow(added)

    def _unseen(self, why: str) -> _End:
        return _End(Outcome.UNKNOWN if self._job.known.seq_num else Outcome.FAILED, why)

    async def _look_for_it(self, seq_num: int) -> _End:
        """It may have been added by an earlier attempt of which nobody knows what came."""
        seen = self._watch.follow(self._job.script.queue, seq_num)
        if not seen.sal_index and self._reader.undecodable:
            return _End(Outcome.UNKNOWN, f"not found among what could be read; {self._reader.example}")
        if not seen.sal_index:
            return _End(Outcome.FAILED, "no trace of it in its queue: it was not added, or is long over; retry adds it")
        return await self._follow(seq_num)

    async def _add(self) -> int | _End:
        script = self._job.script
        refusal = await self._listed() or itself(self._job)
        if refusal:
            return _End(Outcome.FAILED, refusal)
        values = {
            "isStandard": script.standard,
            "path": script.path,
            "config": script.config,
            "descr": self._action.descr,
            "location": _LAST,
        }
        sent = await self._action.command(self._job, self._context, "add", values)
        if isinstance(sent, _End):
            return sent
        if sent.answer.code == AckCode.COMPLETE:
            return sent.seq_num
        if sent.answer.code in {0, AckCode.NOACK, AckCode.TIMEOUT}:
            seen = self._watch.follow(script.queue, sent.seq_num)
            return sent.seq_num if seen.sal_index else _End(Outcome.UNKNOWN, f"add: {sent.answer.words}")
        return _End(Outcome.FAILED, f"add: {sent.answer.words}")

    async def _listed(self) -> str:
        """Return why the queue would not know the script, or nothing."""
        script, queue = self._job.script, self._job.script.queue
        if queue not in self._watch.listed:
            sent = await self._action.command(self._job, self._context, "showAvailableScripts", {})
            if isinstance(sent, _End):
                return sent.why
            await self._watch.until(lambda: queue in self._watch.listed, self._action.timeouts.listed)
        told = self._watch.listed.get(queue)
        if told is None:
            return f"{queue} does not tell which scripts it has"
        paths = told.standard if script.standard else told.external
        if script.path in paths:
            return ""
        near = get_close_matches(script.path, paths, 1)
        which = "standard" if script.standard else "external"
        return f"{queue} lists no {which} script {script.path}" + (f"; it has {near[0]}" if near else "")

    async def _follow(self, seq_num: int) -> _End:
        """Follow it until it ended, its queue restarted, or nobody tells of it any more."""
        timeouts, watch = self._action.timeouts, self._watch
        seen = watch.seen or watch.follow(self._job.script.queue, seq_num)
        while not (seen.ended or seen.restarted):
            await self._tell(seen)
            if not await watch.until(partial(watch.is_not, seen), timeouts.quiet):
                return _End(Outcome.UNKNOWN, f"nothing heard of it for {timeouts.quiet:g} s; it was {seen.words}")
            seen = watch.seen or seen
        await self._tell(seen)
        if seen.restarted:
            return _End(Outcome.UNKNOWN, f"{seen.queue} restarted while it was {seen.words}")
        if seen.done:
            return _End(Outcome.REACHED, "done")
        await watch.until(lambda: (watch.seen or seen).gone, timeouts.gone)
        seen = watch.seen or seen
        await self._tell(seen)
        return _End(Outcome.FAILED, seen.words)

    async def _tell(self, seen: Followed) -> None:
        """Journal its states and checkpoints as they come, and its log lines every so often."""
        state = (seen.sal_index, seen.state.name, seen.checkpoint, seen.running is False)
        log = first_line(seen.log)
        now = asyncio.get_running_loop().time()
        due = log != self._told_log and (seen.ended or now >= self._told_at + _LOG_EVERY_S)
        if seen.sal_index and (state != self._told or due):
            self._told, self._told_log, self._told_at = state, log, now
            await self._context.tell(ItemProgressed(self._job.step, self._job.item, *state[:3], log, state[3]))


def itself(job: ScriptJob) -> str:
    """Return why a queue must not run this script: it would take itself out of service; or nothing."""
    if job.script.path != _SET_STATE:
        return ""
    try:
        data = (yaml.safe_load(job.script.config) or {}).get("data") or []
        rows = [(str(row[0]).lower(), str(row[1]).upper()) for row in data]
    except (yaml.YAMLError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return f"the configuration of {_SET_STATE} is no list of CSCs and states"
    own = {str(job.script.queue).lower(), f"{job.script.queue.name}:*".lower()}
    if any(name in own and state != "ENABLED" for name, state in rows):
        return f"{job.script.queue} cannot run the script that takes itself down"
    return ""
