"""Scripts in ScriptQueues: added once, followed to their end, looked for, stopped when told to.

The acknowledgement of ``add`` carries the index the script got and says nothing of what becomes of it: its queue and
the script itself tell that (ts_scriptqueue ``script_queue.py``). What is not told in time is unknown; a script that
nobody knows about is looked for, never added again by itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId
from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.transitions import command_text
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import ControlOffer, End, Finding, Found, ItemContext
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress, ItemStatus
from deploydash.errors import FeedError, UserError
from deploydash.systems.sal.commanding.acks import AckCode, Answer
from deploydash.systems.sal.commanding.csc_transition import Line
from deploydash.systems.sal.commanding.kafka_commands import key_of, number_in
from deploydash.systems.sal.commanding.kafka_write import MaybeWritten
from deploydash.systems.sal.commanding.specs import ScriptSpec
from deploydash.systems.sal.scripts.refusals import may_not_add, refuses
from deploydash.systems.sal.scripts.told import Followed, first_line
from deploydash.systems.sal.scripts.watch import Reader, Reading, Watch
from deploydash.systems.sal.steps import sal_lines

_LAST = 2
"""Location.LAST (ts_xml ``enums/ScriptQueue.py``)."""
_MOST_STOPPED = 400
_KNOWN_AS = "Script:"
_COMMANDS = {"pause": "pause", "resume": "resume", "stop": "stopScripts"}
"""The controls of a script and the commands by which its queue is told them."""
_NO_INDEX = "the queue has given it no index yet"
NO_TRACE = "no trace of it in its queue: it was not added, or is long over"


@dataclass(frozen=True, slots=True)
class ScriptTimeouts:
    """How long each thing is waited for, in seconds.

    ``command``: a final acknowledgement. ``listed``: the list of scripts after it was asked for. ``quiet``: the next
    word of a script, which beats every 5 s, or of its queue about it. ``gone``: the end of its process, by when a
    failed script has its queue paused.
    """

    command: float = 60.0
    listed: float = 10.0
    quiet: float = 60.0
    gone: float = 10.0


USUAL = ScriptTimeouts()


@dataclass(frozen=True, slots=True)
class _Sent:
    number: int
    answer: Answer


class Scripts:
    """Adds scripts to queues and follows them. Several may be under way, each with a reader of its own.

    ``descr``: who adds the scripts, as their queue shows it.
    """

    def __init__(
        self,
        line: Line,
        reading: Reading,
        clock: Clock,
        *,
        subname: str,
        descr: str,
        timeouts: ScriptTimeouts = USUAL,
    ) -> None:
        self._line = line
        self._reading = reading
        self._clock = clock
        self._subname = subname
        self._descr = descr
        self._timeouts = timeouts

    def planned(self, item: Item, script: ScriptSpec, view: CscView | None) -> ItemPlan:
        """Return what would be sent for a script now; ``view`` is of its queue."""
        if why := may_not_add(script, view, self._clock.monotonic()):
            return ItemPlan(item.id, (), why, blocked=True, approved=_approval(script))
        return ItemPlan(item.id, sal_lines(item, self._subname), "", approved=_approval(script))

    async def run(self, script: ScriptSpec, approved: str, context: ItemContext) -> End:
        """Add a script and follow it to its end."""
        if approved and approved != _approval(script):
            return End(Outcome.FAILED, f"{script.path}: another was approved; look at the card once more")
        watch = Watch()
        async with AsyncExitStack() as stack:
            try:
                reader = await stack.enter_async_context(self._reading(watch.take))
            except FeedError as error:
                return End(Outcome.FAILED, f"add was not sent: {error}")
            if not await self._caught_up(reader):
                return End(Outcome.FAILED, _UNREAD)
            async with context.slot():
                added = await self._add(script, context, watch)
            return added if isinstance(added, End) else await self._follow(script, added, context, watch)

    async def follow(self, script: ScriptSpec, history: ItemProgress, context: ItemContext) -> End:
        """Look for a script that may have been added, and follow it to its end."""
        watch = Watch()
        number = number_in(history.key)
        if not number:
            return End(Outcome.FAILED, "it was not added")
        async with self._reading(watch.take) as reader:
            if not await self._caught_up(reader):
                return End(Outcome.UNKNOWN, _UNREAD)
            seen = watch.follow(script.queue, number)
            if not seen.sal_index and reader.undecodable:
                return End(Outcome.UNKNOWN, f"not found among what could be read; {reader.example}")
            if not seen.sal_index:
                return End(Outcome.FAILED, f"{NO_TRACE}; retry adds it")
            return await self._follow(script, number, context, watch)

    async def probe(self, script: ScriptSpec, history: ItemProgress) -> Finding:
        """Look what became of a script that may have been added."""
        found, sentence = await self._found(script, number_in(history.key))
        return Finding(found, sentence, self._clock.utc())

    def controls(self, script: ScriptSpec, history: ItemProgress, view: CscView | None) -> tuple[ControlOffer, ...]:
        """Return what the queue of a script can be told, what stops something last; ``view`` is of that queue."""
        queue, now = script.queue, self._clock.monotonic()
        texts = {
            "pause": f"pause {queue}: what runs goes on, nothing further starts",
            "resume": f"resume {queue}: it goes on with what waits in it",
        }
        offers = [
            ControlOffer(name, text, refuses(queue, name, view, now), lines=(self._line_of(queue, name),))
            for name, text in texts.items()
        ]
        text = f"stop {script.path} ({history.known_as or 'no index yet'}) in {queue}"
        why = refuses(queue, "stopScripts", view, now) if _index(history) else _NO_INDEX
        if history.status is not ItemStatus.UNDER_WAY:
            why = "it is not under way"
        exact = f"{self._line_of(queue, 'stopScripts')} length=1 salIndices=[{_index(history)}] terminate=false"
        return (*offers, ControlOffer("stop", text, why, lines=(exact,)))

    def _line_of(self, queue: CscId, command: str) -> str:
        return command_text(queue, command, self._subname)

    async def control(self, script: ScriptSpec, name: str, history: ItemProgress, context: ItemContext) -> None:
        """Pause or resume the queue of a script, or stop the script.

        Raises:
            UserError: it was not done, or nobody knows; says why.
        """
        command, index = _COMMANDS.get(name), _index(history)
        if command is None:
            raise UserError(f"{script.queue} is not told to {name} here")
        if why := refuses(script.queue, command, context.view(script.queue), self._clock.monotonic()):
            raise UserError(why)
        values: dict[str, Any] = {}
        text = f"{name} {script.queue}"
        if name == "stop":
            if not index:
                raise UserError(_NO_INDEX)
            text = f"stop {history.known_as} in {script.queue}"
            values = {"length": 1, "salIndices": [index] + [0] * (_MOST_STOPPED - 1), "terminate": False}
        async with context.slot():
            sent = await self._command(script, context, command, values, text)
        if isinstance(sent, End):
            raise UserError(sent.why)
        if sent.answer.code != AckCode.COMPLETE:
            raise UserError(f"{text}: {sent.answer.words}")
        if (
            name == "resume" and history.paused
        ):  # nobody follows a script that has ended, and it stood as paused for ever
            known_as = history.known_as
            await context.progress(history.state, history.line, done=history.done, of=history.of, known_as=known_as)

    async def _found(self, script: ScriptSpec, number: int) -> tuple[Found, str]:
        if not number:
            return Found.NOT_DONE, "it was not added"
        watch = Watch()
        try:
            async with self._reading(watch.take) as reader:
                caught_up = await self._caught_up(reader)
                unread = reader.example if reader.undecodable else ""
        except FeedError as error:
            return Found.CANNOT_TELL, str(error)
        if not caught_up:
            return Found.CANNOT_TELL, _UNREAD
        seen = watch.follow(script.queue, number)
        if not seen.sal_index:
            told = f"not found among what could be read; {unread}"
            return (Found.CANNOT_TELL, told) if unread else (Found.NOT_DONE, NO_TRACE)
        known_as = f"{_KNOWN_AS}{seen.sal_index}"
        if seen.restarted:
            return Found.CANNOT_TELL, f"{script.queue} restarted while {known_as} was {seen.words}"
        if not seen.ended:
            return Found.UNDER_WAY, f"{known_as} is {seen.words}"
        return (Found.DONE if seen.done else Found.NOT_DONE), f"{known_as} is {seen.words}"

    async def _caught_up(self, reader: Reader) -> bool:
        try:
            async with asyncio.timeout(self._timeouts.quiet):
                await reader.caught_up.wait()
        except TimeoutError:
            return False
        return True

    async def _add(self, script: ScriptSpec, context: ItemContext, watch: Watch) -> int | End:
        """Add a script and return the number by which it is known, or how it ended."""
        refusal = may_not_add(script, context.view(script.queue), self._clock.monotonic())
        refusal = refusal or await self._unlisted(script, context, watch)
        if refusal:
            return End(Outcome.FAILED, refusal)
        values = {
            "isStandard": script.standard,
            "path": script.path,
            "config": script.config,
            "descr": self._descr,
            "location": _LAST,
        }
        text = f"add {script.words} to {script.queue}"
        sent = await self._command(script, context, "add", values, text, begins=True)
        if isinstance(sent, End):
            return sent
        if sent.answer.code == AckCode.COMPLETE:
            return sent.number
        if sent.answer.ok is None and watch.follow(script.queue, sent.number).sal_index:
            return sent.number
        return End(Outcome.UNKNOWN if sent.answer.ok is None else Outcome.FAILED, f"add: {sent.answer.words}")

    async def _unlisted(self, script: ScriptSpec, context: ItemContext, watch: Watch) -> str:
        """Return why the queue would not know the script, or nothing."""
        queue = script.queue
        if queue not in watch.listed:
            text = f"ask {queue} which scripts it has"
            sent = await self._command(script, context, "showAvailableScripts", {}, text, asks_only=True)
            if isinstance(sent, End):
                return sent.why
            await watch.until(lambda: queue in watch.listed, self._timeouts.listed)
        told = watch.listed.get(queue)
        if told is None:
            return f"{queue} does not tell which scripts it has"
        paths = told.standard if script.standard else told.external
        if script.path in paths:
            return ""
        near = get_close_matches(script.path, paths, 1)
        which = "standard" if script.standard else "external"
        return f"{queue} lists no {which} script {script.path}" + (f"; it has {near[0]}" if near else "")

    async def _command(
        self,
        script: ScriptSpec,
        context: ItemContext,
        command: str,
        values: Mapping[str, Any],
        text: str,
        *,
        begins: bool = False,
        asks_only: bool = False,
    ) -> _Sent | End:
        """Send one command to the queue of a script; an end says that it was not sent or that nobody knows."""
        try:
            order = await self._line.prepare(script.queue, command, values)
        except FeedError as error:
            return End(Outcome.FAILED, f"{command} was not sent: {error}")
        key = key_of(order, self._line.sender)
        refusal = await context.intend(text, key, begins=begins, asks_only=asks_only)
        if refusal is not None:
            return End(Outcome.FAILED, refusal)
        try:
            answer = await self._line.send(order, self._timeouts.command)
        except MaybeWritten as error:
            await context.answered(None, str(error))
            return End(Outcome.UNKNOWN, f"{command} {error}")
        except FeedError as error:
            await context.answered(False, f"not sent: {error}")
            return End(Outcome.FAILED, f"{command} was not sent: {error}")
        await context.answered(answer.ok, answer.result if answer.code == AckCode.COMPLETE else answer.words)
        return _Sent(order.seq_num, answer)

    async def _follow(self, script: ScriptSpec, number: int, context: ItemContext, watch: Watch) -> End:
        """Follow it until it ended, its queue restarted, or nobody tells of it any more."""
        quiet = self._timeouts.quiet
        told = _Telling(context)
        seen = watch.seen or watch.follow(script.queue, number)
        while not (seen.ended or seen.restarted):
            await told.tell(seen)
            if not await watch.until(partial(watch.is_not, seen), quiet):
                return End(Outcome.UNKNOWN, f"nothing heard of it for {quiet:g} s; it was {seen.words}")
            seen = watch.seen or seen
        await told.tell(seen)
        if seen.restarted:
            return End(Outcome.UNKNOWN, f"{seen.queue} restarted while it was {seen.words}")
        if seen.done:
            return End(Outcome.REACHED, "done")
        await watch.until(lambda: (watch.seen or seen).gone, self._timeouts.gone)
        seen = watch.seen or seen
        await told.tell(seen)
        return End(Outcome.FAILED, seen.words)


_UNREAD = "the topics of the ScriptQueues could not be read to their end"


class _Telling:
    """Tells of a script what has changed."""

    def __init__(self, context: ItemContext) -> None:
        self._context = context
        self._told: tuple[str, str, str, bool] | None = None

    async def tell(self, seen: Followed) -> None:
        checkpoint = f"checkpoint {seen.checkpoint}" if seen.checkpoint else ""
        line = " · ".join(part for part in (checkpoint, first_line(seen.log)) if part)
        now = (seen.stands, line, f"{_KNOWN_AS}{seen.sal_index}", seen.running is False)
        if seen.sal_index and now != self._told:
            self._told = now
            await self._context.progress(now[0], line, known_as=now[2], paused=now[3])


def _approval(script: ScriptSpec) -> str:
    told = {"queue": str(script.queue), "path": script.path, "standard": script.standard, "config": script.config}
    return json.dumps(told)


def _index(history: ItemProgress) -> int:
    text = history.known_as.removeprefix(_KNOWN_AS)
    return int(text) if text.isascii() and text.isdigit() else 0
