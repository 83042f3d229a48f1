"""What changes something on a host: one command, on disk before it goes, its answer after, never sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deploydash.core.ports import Clock
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.ports import End, Finding, Found, ItemContext
from deploydash.core.run.records import Outcome
from deploydash.errors import FeedError, UserError
from deploydash.systems.ssh import argv as commands
from deploydash.systems.ssh import client
from deploydash.systems.ssh.answers import refused_by_sudo
from deploydash.systems.ssh.argv import Argv
from deploydash.systems.ssh.hosts import Host, Hosts
from deploydash.systems.ssh.memory import Memory
from deploydash.systems.ssh.ran import Ran
from deploydash.systems.ssh.requests import in_shell
from deploydash.systems.ssh.ticker import Count, Ticker
from deploydash.systems.ssh.where import Login

UNIT_S = 150.0
"""So long systemctl may take: a unit has 90 s to stop before it is killed."""

SCRIPT_S = 10_800.0
"""So long a script may take; what is sooner is the budget of its step."""

SETTLED_S = 60.0
"""So long after a command ended what it did may take to be seen on the host."""

LOST_S = 300.0
"""So long what goes on behind a lost connection is looked for."""


class NotSent(UserError):
    """A request was not let go, or nothing of it had been shown; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What all work on hosts needs.

    ``memory``: keeps who may do what, which changes rarely. ``poll_s``: how far apart a host is looked at that is
    waited for.
    """

    hosts: Hosts
    clock: Clock
    memory: Memory
    poll_s: float = 1.0

    async def unit_way(self, host: Host, verb: str, unit: str) -> str | None:
        """Return by which account a unit may be started or stopped (``client.unit_way``)."""
        key = (host.login, verb, unit)
        return await self.memory.ask(key, lambda: client.unit_way(host, verb, unit))

    async def why_not_runnable(self, host: Host, path: str, user: str) -> str:
        """Return why a program cannot be run as a user (``client.why_not_runnable``)."""
        return await self.memory.ask((host.login, path, user), lambda: client.why_not_runnable(host, path, user))


async def send(
    tools: Tools,
    host: Host,
    argv: Argv,
    context: ItemContext,
    *,
    typed: tuple[str, ...] = (),
    limit_s: float = SCRIPT_S,
    owes: Debt | None = None,
    name: str = "",
    count: Count | None = None,
) -> Ran:
    """Send one command and return what came of it; what it says is shown as it comes, its last line journaled.

    ``name``: what is done, where the command does not say it well. ``count``: how far its lines say that it has come.

    Raises:
        NotSent: it must not be sent now; says why.
    """
    line = in_shell(argv, typed)
    why = await context.intend(f"{host.login.host}: {line}", owes=owes)
    if why is not None:
        raise NotSent(why)
    context.output(f"{host.login.host}$ {line}")
    stdin = "".join(f"{one}\n" for one in (*typed, "exit")) if typed else ""
    host.sent()
    async with Ticker(tools.poll_s, context, name or line, count) as ticker:
        ran = await host.run(argv, stdin=stdin, limit_s=limit_s, output=ticker.show)
    await context.answered(None if ran.unknown else ran.ok, str(ran))
    return ran


def sudo_refused(host: Host, argv: Argv, ran: Ran) -> str:
    """Return that sudo let a command not go, and what to ask for; empty where it did."""
    refused = refused_by_sudo(ran.status, ran.err)
    if not refused:
        return ""
    wanted = commands.quoted([word for word in argv[1:] if word != "-n"])
    return f"{host.login.host}: {refused}: ask for the right to `sudo {wanted}` there without a password"


async def until(
    look: Callable[[], Awaitable[Finding]],
    tools: Tools,
    limit_s: float,
    context: ItemContext | None = None,
    *,
    idle_s: float | None = None,
) -> Finding:
    """Look until it is done or the limit has passed, and return what was seen last; a lost host is asked again.

    ``idle_s``: so long nothing may be at work there before it is not waited for any longer, None for ever.
    """
    began = tools.clock.monotonic()
    idle_since: float | None = None
    while True:
        try:
            finding = await look()
        except FeedError as error:
            finding = Finding(Found.CANNOT_TELL, str(error), tools.clock.utc())
        now = tools.clock.monotonic()
        idle_since = (now if idle_since is None else idle_since) if finding.found is Found.NOT_DONE else None
        idle = idle_s is not None and idle_since is not None and now - idle_since >= idle_s
        if finding.found is Found.DONE or idle or now - began >= limit_s:
            return finding
        if context is not None:
            await context.progress(finding.found.value, finding.sentence)
        await asyncio.sleep(tools.poll_s)


async def settled(
    look: Callable[[], Awaitable[Finding]], tools: Tools, ran: Ran | None, context: ItemContext
) -> Finding:
    """Return what a command did, by what is seen; behind a lost connection it is followed for as long as it goes on.

    Once the host answers again and nothing of it is at work there, it has ended, or never came: what it did is seen
    soon, and a lead need not wait for the rest of the limit.
    One that took longer than it may is looked at once: whether to wait further is the lead's to say.
    """
    if ran is None or ran.over:
        return await until(look, tools, 0)
    finding = await until(look, tools, LOST_S if ran.unknown else SETTLED_S, context, idle_s=SETTLED_S)
    if finding.found is Found.UNDER_WAY:
        finding = await followed(look, tools, context)
    if ran.unknown and finding.found is Found.DONE:
        # What is seen is its answer; without one nothing further of the item might be sent.
        await context.answered(True, f"no answer came, but it is seen: {finding.sentence}")
    return finding


def ended(finding: Finding, ran: Ran | None, *, value: str = "") -> End:
    """Return the end of an item by what was seen of it, whatever the command said of itself."""
    values = (("state", value),) if value else ()
    if finding.found is Found.DONE:
        odd = f"; the command itself: {ran}" if ran is not None and not ran.ok else ""
        return End(Outcome.REACHED, f"{finding.sentence}{odd}", values)
    said = f"; the command: {ran}" if ran is not None else ""
    lost = finding.found is Found.CANNOT_TELL or (ran is not None and ran.unknown)
    return End(Outcome.UNKNOWN if lost else Outcome.FAILED, f"{finding.sentence}{said}", values)


async def followed(look: Callable[[], Awaitable[Finding]], tools: Tools, context: ItemContext) -> Finding:
    """Return what came of something that goes on there, for as long as it does; a lost host is asked again."""
    finding, lost_at = await until(look, tools, 0), None
    while finding.found is Found.UNDER_WAY or (finding.found is Found.CANNOT_TELL and lost_at is not None):
        finding = await until(look, tools, 5 * tools.poll_s, context)
        if finding.found is not Found.CANNOT_TELL:
            lost_at = None
        elif lost_at is None:
            lost_at = tools.clock.monotonic()
        elif tools.clock.monotonic() - lost_at > LOST_S:
            break
    return finding


async def still_runs(host: Host, words: tuple[str, ...]) -> bool:
    """Say whether a script that was begun is still at work there."""
    ran = await host.run(commands.running(words))
    return ran.ok and bool(ran.out.strip())


async def look_at(tools: Tools, login: Login, look: Callable[[Host], Awaitable[tuple[Found, str]]]) -> Finding:
    """Return what a look at a host finds, with the time."""
    found, sentence = await tools.hosts.read(login, look)
    return Finding(found, sentence, tools.clock.utc())
