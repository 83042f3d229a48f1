"""A working copy of a configuration repository: its edits shown, the lead asked, saved, and brought to a branch."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.runbook import Tier
from deploydash.core.run.ports import End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import AnswerOffered, Outcome
from deploydash.systems.ssh import client
from deploydash.systems.ssh.answers import Edit, without_secrets
from deploydash.systems.ssh.argv import quoted
from deploydash.systems.ssh.hosts import Host
from deploydash.systems.ssh.planned import Planned, Read
from deploydash.systems.ssh.requests import updates
from deploydash.systems.ssh.specs import Checkout, Controller
from deploydash.systems.ssh.writes import (
    NotSent,
    Tools,
    ended,
    followed,
    look_at,
    send,
    settled,
    still_runs,
    sudo_refused,
)

SCRIPT = ("./update_repo",)

BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}")
"""What a branch that is sent to a host may be called; a login shell that sudo opens expands a dollar sign."""

SHOWN = 40
"""So many lines of local edits are shown on the card."""

LEAVE_OR_RESET = (
    AnswerOffered("leave", "leave it as it is"),
    AnswerOffered("reset", "save them to a patch and reset", Tier.SEVERE),
)


@dataclass(frozen=True, slots=True)
class Copy:
    """A working copy as it was read. ``wanted``: the commit of the branch at its remote, empty where it has none."""

    branch: str
    head: str
    wanted: str
    edits: tuple[Edit, ...]
    diff: str

    def at(self, branch: str) -> bool:
        """Whether it is on the branch and as far as its remote."""
        return bool(self.wanted) and (self.branch, self.head) == (branch, self.wanted)

    @property
    def changed(self) -> tuple[Edit, ...]:
        """The edits that a reset would take away."""
        return tuple(edit for edit in self.edits if not edit.untracked)

    @property
    def read(self) -> dict[str, object]:
        """What was read, so that anything else at firing is a change."""
        edits = [str(edit) for edit in self.changed]
        sha = hashlib.sha256(self.diff.encode("utf-8", "surrogateescape")).hexdigest() if self.changed else ""
        return {"head": self.head, "wanted": self.wanted, "edits": edits, "diff": sha}

    @property
    def sentence(self) -> str:
        """Where it is."""
        return f"{self.branch or 'no branch'} at {self.head[:10]}, origin has {self.wanted[:10] or 'no such branch'}"


@dataclass
class Checkouts:
    """Brings working copies to branches."""

    tools: Tools

    async def read(self, host: Host, spec: Checkout | Controller) -> Copy:
        """Return a working copy; its remote is asked at most every so often."""
        branch, head, edits = await client.repository(host, spec.user, spec.directory)
        tracked = any(not edit.untracked for edit in edits)
        diff = await client.diff(host, spec.user, spec.directory) if tracked else ""
        key = (spec.host, spec.user, spec.directory, spec.branch)
        wanted = await self.tools.memory.ask(
            key, lambda: client.wanted_commit(host, spec.user, spec.directory, spec.branch)
        )
        return Copy(branch, head, wanted, edits, diff)

    async def plan(self, host: Host, spec: Checkout, look: Look) -> Planned:
        """Return what would be sent, with every local edit that it would take away."""
        del look
        if why := unsendable(spec.branch):
            return Planned(why=why, blocked=True)
        if why := await self.tools.why_not_runnable(host, SCRIPT[0], spec.user):
            return Planned(why=why, blocked=True)
        copy = await self.read(host, spec)
        if not copy.wanted:
            return Planned(why=f"origin has no branch {spec.branch}: push it first", blocked=True)
        if copy.at(spec.branch):
            kept = f"; edits stay: {_names(copy.edits)}" if copy.edits else ""
            return Planned(why=f"nothing to do: {copy.sentence}{kept}")
        lines = tuple(quoted(argv) for argv in updates(spec))
        return Planned((*lines, *shown_edits(copy)), why_of(copy, spec), json.dumps(copy.read))

    async def look(self, host: Host, spec: Checkout, read: Read, look: Look) -> tuple[Found, str]:
        """Return where a working copy is."""
        del read, look
        copy = await self.read(host, spec)
        if copy.at(spec.branch):
            return Found.DONE, copy.sentence
        if await still_runs(host, (*SCRIPT, spec.directory)):
            return Found.UNDER_WAY, f"update_repo is at work; {copy.sentence}"
        return Found.NOT_DONE, copy.sentence

    async def run(self, spec: Checkout, item: Item, approved: Read, context: ItemContext) -> End:
        """Bring a working copy to its branch as it was approved."""
        del item
        if (end := await self.asked(spec, approved, context)) is not None:
            return end
        async with context.slot(), self.tools.hosts.host(spec.host) as host:
            return await self.update(host, spec, await self.read(host, spec), context)

    async def follow(self, spec: Checkout, item: Item, read: Read, context: ItemContext) -> End:
        """Wait for an update that goes on there already; nothing is sent."""
        del item

        async def look() -> Finding:
            return await look_at(self.tools, spec.host, lambda host: self.look(host, spec, read, context.view))

        return ended(await followed(look, self.tools, context), None)

    async def asked(self, spec: Checkout | Controller, may: Read, context: ItemContext) -> End | None:
        """See that all is as it was approved, and ask the lead where edits would go; return why it ends here."""
        copy = await self.tools.hosts.read(spec.host, lambda host: self.read(host, spec))
        if copy.at(spec.branch):
            return None
        if copy.read != {key: may.get(key) for key in copy.read}:
            raise NotSent(f"{copy.sentence}, which was not so when this was approved: retry shows what is there")
        if not copy.changed:
            return None
        question = f"{spec.directory} on {spec.host.host} has local edits ({_names(copy.changed)})."
        question += " update_repo saves them to a patch and resets the repository." + _lost(copy)
        if await context.ask(question, LEAVE_OR_RESET) == "leave":
            return End(Outcome.FAILED, f"left as it is for its local edits: {_names(copy.changed)}")
        now = await self.tools.hosts.read(spec.host, lambda host: self.read(host, spec))
        if now.read != copy.read:
            raise NotSent("its local edits changed meanwhile: retry shows what is there")
        return None

    async def update(self, host: Host, spec: Checkout | Controller, copy: Copy, context: ItemContext) -> End:
        """Send what brings a working copy to its branch, and prove it by its commits; ``copy``: as it stands now."""
        if copy.at(spec.branch):
            return _reached(copy, spec, "already", "")
        before = await client.saved_patches(host, spec.user, spec.directory)
        ran = None
        for argv in updates(spec):
            ran = await send(self.tools, host, argv, context)
            if why := sudo_refused(host, argv, ran):
                return End(Outcome.FAILED, why)
            finding = await settled(lambda: self._standing(spec), self.tools, ran if ran.unknown else None, context)
            if finding.found is Found.DONE or ran.unknown:
                break
        now, patch = await self.tools.hosts.read(spec.host, lambda host: self._after(host, spec, before))
        if not now.at(spec.branch):
            said = f": {ran}" if ran is not None else ""
            outcome = Outcome.UNKNOWN if ran is not None and ran.unknown else Outcome.FAILED
            return End(outcome, f"{now.sentence} after update_repo{said}")
        if any(edit.unstaged for edit in copy.changed) and not patch:
            what = (
                f"{now.sentence}, but no patch with the edits ({_names(copy.changed)}) appeared in {spec.user}'s home"
            )
            return End(Outcome.FAILED, what)
        return _reached(now, spec, "", patch)

    async def _standing(self, spec: Checkout | Controller) -> Finding:
        async def look(host: Host) -> tuple[Found, str]:
            copy = await self.read(host, spec)
            if copy.at(spec.branch):
                return Found.DONE, copy.sentence
            runs = await still_runs(host, (*SCRIPT, spec.directory))
            return (Found.UNDER_WAY if runs else Found.NOT_DONE), copy.sentence

        return await look_at(self.tools, spec.host, look)

    async def _after(self, host: Host, spec: Checkout | Controller, before: frozenset[str]) -> tuple[Copy, str]:
        new = await client.saved_patches(host, spec.user, spec.directory) - before
        return await self.read(host, spec), next(iter(sorted(new)), "")


def unsendable(branch: str) -> str:
    """Return why a branch of this name is not sent to a host, empty where it may be."""
    if (
        BRANCH.fullmatch(branch)
        and ".." not in branch
        and "//" not in branch
        and not branch.endswith(("/", ".", ".lock"))
    ):
        return ""
    return f"{branch!r} is not sent to a host as a branch: letters, digits and . _ / + - only"


def why_of(copy: Copy, spec: Checkout | Controller) -> str:
    """Return what else is to be known of an update."""
    text = copy.sentence
    if copy.changed:
        text += (
            f"; local edits are saved to a patch in {spec.user}'s home and reset: {_names(copy.changed)}{_lost(copy)}"
        )
    return text


def shown_edits(copy: Copy) -> tuple[str, ...]:
    """Return the local edits as comments, as many as a card has room for."""
    lines = [f"# {without_secrets(line)}" for line in copy.diff.splitlines()]
    more = (f"# and {len(lines) - SHOWN} lines more",) if len(lines) > SHOWN else ()
    return (*lines[:SHOWN], *more)


def _reached(copy: Copy, spec: Checkout | Controller, when: str, patch: str) -> End:
    left = f"local edits of {spec.host.host} are in ~{spec.user}/{patch}" if patch else ""
    why = f"{copy.sentence} {when}".strip() + (f"; {left}" if left else "")
    return End(Outcome.REACHED, why, (("commit", copy.head),), left)


def _names(edits: tuple[Edit, ...]) -> str:
    shown = ", ".join(str(edit) for edit in edits[:4])
    return f"{shown} and {len(edits) - 4} more" if len(edits) > 4 else shown


def _lost(copy: Copy) -> str:
    staged = tuple(edit for edit in copy.changed if edit.staged)
    return f" STAGED edits are in no patch and are LOST: {_names(staged)}." if staged else ""
