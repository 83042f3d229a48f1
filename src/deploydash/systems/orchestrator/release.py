"""A release of a project in its checkout on this machine: checked, frozen, compared, committed and pushed.

``inmanta project freeze`` writes project.yml anew whenever it succeeds, and checks neither install_mode nor pip.pre. A
commit takes project.yml alone, and what is pushed is looked for at the remote.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import End, Finding, Found, ItemContext
from deploydash.core.run.state import ItemProgress
from deploydash.core.words import first_of
from deploydash.errors import UserError
from deploydash.systems.orchestrator.project import not_for_release, pinned, project_of, wrong_pins
from deploydash.systems.orchestrator.specs import Do, Spec
from deploydash.systems.orchestrator.work import Tools, failed, reached

FREEZE = ("-vv", "-X", "project", "freeze", "--recursive", "--operator", "==")
BUDGET_S = 300.0
FILE = "project.yml"


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command."""

    code: int
    out: str
    last: str


class Release:
    """Works in the checkout that the site file names."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    @property
    def _folder(self) -> Path:
        named = self._tools.settings.checkout
        if named is None:
            raise UserError("the site file names no checkout", hint="add systems.orchestrator.checkout")
        return Path(named).expanduser()

    async def plan(self, item: Item, spec: Spec) -> ItemPlan:
        """Return the command, or how the project stands."""
        match spec.do:
            case Do.CHECK_PROJECT:
                wrong = not_for_release(await self._project())
                words = "; ".join(wrong) or "install_mode is release, pip.pre is not set"
                return ItemPlan(item.id, (), words, blocked=bool(wrong))
            case Do.MODULES:
                wrong = wrong_pins(await self._project(), self._tools.settings.modules)
                words = first_of(wrong, 6) if wrong else f"frozen to {_pins(await self._project())}"
                return ItemPlan(item.id, (), words, blocked=bool(wrong))
            case Do.FREEZE:
                return ItemPlan(item.id, (self._line(self._freeze()),), f"in {self._folder}")
            case Do.COMMIT:
                changed = (await self._git("status", "--porcelain", "--", FILE)).out.strip()
                commands = (self._line(("git", *self._commit())),) if changed else ()
                return ItemPlan(item.id, commands, f"{FILE} alone" if changed else "nothing to commit")
            case _:
                head = (await self._git("rev-parse", "HEAD")).out.strip()
                if await self._remote() == head:
                    return ItemPlan(item.id, (), f"the remote is at {head[:8]} already")
                return ItemPlan(
                    item.id, (self._line(("git", *self._push())),), f"commit {head[:8]}", approved=f'"{head}"'
                )

    async def run(self, spec: Spec, approved: str, context: ItemContext) -> End:
        """Look at the project, or run one command in its checkout."""
        if spec.do is Do.CHECK_PROJECT:
            wrong = not_for_release(await self._project())
            return failed("; ".join(wrong)) if wrong else reached("install_mode is release, pip.pre is not set")
        if spec.do is Do.MODULES:
            wrong = wrong_pins(await self._project(), self._tools.settings.modules)
            return failed(first_of(wrong, 6)) if wrong else reached(f"frozen to {_pins(await self._project())}")
        if spec.do is Do.FREEZE:
            return await self._done(self._freeze(), context, "frozen")
        if spec.do is Do.COMMIT:
            if not (await self._git("status", "--porcelain", "--", FILE)).out.strip():
                return reached(f"{FILE} is committed as it stands")
            return await self._done(("git", *self._commit()), context, "committed")
        head = (await self._git("rev-parse", "HEAD")).out.strip()
        if approved and approved != f'"{head}"':
            return failed(f"the checkout is at {head[:8]} meanwhile; look at it and retry")
        end = await self._done(("git", *self._push()), context, "pushed")
        there = await self._remote()
        return (
            end if there == head else failed(f"the remote is at {there[:8] or 'nothing'}, not at {head[:8]}; {end.why}")
        )

    async def follow(self, spec: Spec, history: ItemProgress, context: ItemContext) -> End:
        """Do it once more: each looks first what is left to do."""
        return await self.run(spec, history.approved, context)

    async def probe(self, spec: Spec, history: ItemProgress) -> Finding:
        """Look what of it is done."""
        del history
        done, words = False, "it is looked at anew"
        if spec.do is Do.COMMIT:
            done = not (await self._git("status", "--porcelain", "--", FILE)).out.strip()
            words = f"{FILE} is {'committed' if done else 'changed and not committed'}"
        elif spec.do is Do.PUSH:
            head = (await self._git("rev-parse", "HEAD")).out.strip()
            done = await self._remote() == head
            words = f"the remote is {'' if done else 'not '}at {head[:8]}"
        return self._tools.found(Found.DONE if done else Found.NOT_DONE, words)

    async def _done(self, command: tuple[str, ...], context: ItemContext, words: str) -> End:
        if why := await context.intend(self._line(command)):
            return failed(why)
        ran = await self._ran(command)
        context.output(ran.out)
        await context.answered(ran.code == 0, ran.last or words)
        return (
            reached(f"{words}: {ran.last}" if ran.last else words)
            if ran.code == 0
            else failed(ran.last or f"exit {ran.code}")
        )

    async def _project(self) -> Mapping[str, Any]:
        path = self._folder / FILE
        try:
            return project_of(await asyncio.to_thread(path.read_text, "utf-8"))
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}") from error

    async def _remote(self) -> str:
        branch = self._tools.settings.branch
        ran = await self._git("ls-remote", "--heads", "origin", f"refs/heads/{branch}")
        return ran.out.split()[0] if ran.code == 0 and ran.out.split() else ""

    async def _git(self, *words: str) -> Ran:
        ran = await self._ran(("git", *words))
        if ran.code and words[0] != "ls-remote":
            raise UserError(f"git {words[0]} in {self._folder}: {ran.last}")
        return ran

    def _freeze(self) -> tuple[str, ...]:
        return (*shlex.split(self._tools.settings.inmanta), *FREEZE)

    @staticmethod
    def _commit() -> tuple[str, ...]:
        return ("commit", "-m", "Freeze all modules for the release", "--", FILE)

    def _push(self) -> tuple[str, ...]:
        return ("push", "origin", f"HEAD:refs/heads/{self._tools.settings.branch}")

    @staticmethod
    def _line(command: tuple[str, ...]) -> str:
        return shlex.join(command)

    async def _ran(self, command: tuple[str, ...]) -> Ran:
        """Run a command in the checkout, without a terminal and without a question.

        Raises:
            UserError: it cannot be started, or does not end.
        """
        env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=self._folder,
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except OSError as error:
            raise UserError(f"{command[0]} cannot be started in {self._folder}: {error.strerror}") from error
        try:
            async with asyncio.timeout(BUDGET_S):
                out, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise UserError(f"{self._line(command)} did not end within {BUDGET_S:.0f} s") from None
        text = out.decode("utf-8", "replace")
        return Ran(
            process.returncode or 0,
            text,
            next((line.strip() for line in reversed(text.splitlines()) if line.strip()), ""),
        )


def _pins(project: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in pinned(project).items()) or "nothing"
