"""Whether the parts of a runbook refer to what exists: names, kinds, questions, debts, words, loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from deploydash.config.runbook_draft import Draft
from deploydash.config.runbook_file import PLAIN_SYSTEMS, ChoiceEntry, StepEntry
from deploydash.config.runbook_names import UnknownNameError, select
from deploydash.config.runbook_resolve import rows
from deploydash.config.runbook_words import BLANKS, UnknownWordError, fill, row_name
from deploydash.config.yaml_lines import Path
from deploydash.core.model import FeedName
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ADDED, DIRECT, SAL, WHOLE, ItemId
from deploydash.core.procedure.runbook import StepKind
from deploydash.core.words import and_list
from deploydash.errors import Problem

_NEEDED: dict[StepKind, tuple[str, ...]] = {
    StepKind.WAIT: ("targets", "target", "limit"),
    StepKind.DECIDE: ("settles",),
    StepKind.MANUAL: ("commands",),
}
_OWN: dict[StepKind, tuple[str, ...]] = {
    StepKind.ACTION: ("targets", "target", "last", "one_by_one", "budget", "scripts", "suite", "records", "fills"),
    StepKind.WAIT: ("targets", "target", "limit"),
    StepKind.DECIDE: ("settles", "fallback"),
    StepKind.MANUAL: ("commands", "for_each", "item", "shows", "records", "record_of", "fills", "effect", "one_each"),
    StepKind.CLOSE: ("commands",),
}
ANY = "any"
"""What a runbook writes for its sites that is for each one with a section for every system that it acts on."""

_MOVES = ("targets", "target", "last", "one_by_one")
_SCRIPTS = ("scripts", "suite")


def reference_errors(draft: Draft) -> Iterator[Problem]:
    """Yield everything that refers to nothing, or does not fit its kind."""
    yield from _sites(draft)
    yield from _ids(draft)
    earlier: dict[str, StepEntry] = {}
    every = {step.id: path for path, step in draft.all_steps()}
    for path, step in draft.all_steps():
        yield from _kind(draft, path, step)
        yield from _steps_named(draft, path, step, earlier, every)
        yield from _debt(draft, path, step, earlier, every)
        earlier[step.id] = step
    yield from _choices(draft)
    feeds = {*FeedName, *draft.fed}
    for path, step in draft.steps():
        for at, feed in enumerate(step.feeds):
            if feed not in feeds:
                yield draft.problem((*path, "feeds", at), f"no feed is called {feed!r} here", near(feed, feeds))
        yield from _names(draft, path, step)
        yield from _loop(draft, path, step)


def near(text: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint: the nearest known name, or what else to do."""
    names = sorted(known)
    found = get_close_matches(text, names, 1, 0.5)
    return f"did you mean {found[0]}?" if found else otherwise or f"known are {', '.join(names)}"


def _sites(draft: Draft) -> Iterator[Problem]:
    known = draft.runbook.sites
    if ANY in known:
        named = {reading.name for reading in draft.table.values() if reading.settings is not None}
        acts = {step.system for _, step in draft.all_steps() if step.acts} & named
        lacking = sorted(acts - set(draft.site.sections))
        if lacking:
            message = f"needs systems.{lacking[0]}, which {draft.site.roster.site} does not have"
            yield draft.problem(("sites",), message, "it is for every site with such a section")
    elif draft.site.roster.site not in known:
        message = f"is not written for {draft.site.roster.site}"
        yield draft.problem(("sites",), message, f"it is for {', '.join(known)}")
    limited: list[tuple[Path, tuple[str, ...]]] = [(path, step.sites) for path, step in draft.all_steps()]
    limited += [(("choices", at), choice.sites) for at, choice in enumerate(draft.runbook.choices)]
    for path, sites in limited:
        for site in sites:
            if site not in known:
                yield draft.problem((*path, "sites"), f"unknown site {site!r}", near(site, known))


def _ids(draft: Draft) -> Iterator[Problem]:
    first: dict[str, Path] = {}
    places: list[tuple[str, Path]] = [(step.id, (*path, "id")) for path, step in draft.all_steps()]
    places += [(phase.phase, ("phases", at, "phase")) for at, phase in enumerate(draft.runbook.phases)]
    places += [(choice.choice, ("choices", at, "choice")) for at, choice in enumerate(draft.runbook.choices)]
    for name, path in places:
        if path[-1] == "id" and name == DIRECT:
            message = f"{name!r} stands for what is commanded outside every step"
            yield draft.problem(path, message, "give the step another id")
        key = (path[-1], name)
        if str(key) in first:
            line = draft.document.line(first[str(key)])
            yield draft.problem(path, f"{path[-1]} {name!r} stands twice; the first is in line {line}", "rename one")
        first.setdefault(str(key), path)


def _kind(draft: Draft, path: Path, step: StepEntry) -> Iterator[Problem]:
    for key in _NEEDED.get(step.kind, ()):
        if not getattr(step, key):
            yield draft.problem(path, f"a step of kind {step.kind} needs {key!r}", "add it, or change the kind")
    yield from _system(draft, path, step)
    for key in dict.fromkeys(key for keys in _OWN.values() for key in keys):
        if getattr(step, key) and key not in _OWN[step.kind]:
            kinds = [kind for kind, keys in _OWN.items() if key in keys]
            message = f"a step of kind {step.kind} has no {key!r}"
            yield draft.problem((*path, key), message, f"only {and_list(kinds)} have it")
    if step.fallback and step.fallback.manual:
        yield draft.problem((*path, "fallback", "manual"), "a fallback is a script", "write script: and queue:")
    if step.fills and step.fills not in BLANKS:
        yield draft.problem((*path, "fills"), f"no text has the placeholder <{step.fills}>", near(step.fills, BLANKS))
    elif step.fills and not step.records and step.manual:
        yield draft.problem(
            (*path, "fills"), "a step that sets a placeholder needs 'records'", "say what is written down"
        )
    if step.record_of and not step.records:
        yield draft.problem(
            (*path, "record_of"), "a step whose record is somebody needs 'records'", "say what is written down"
        )
    if step.suite and step.suite not in draft.suites:
        yield draft.problem((*path, "suite"), f"unknown suite {step.suite!r}", near(step.suite, draft.suites))


def _system(draft: Draft, path: Path, step: StepEntry) -> Iterator[Problem]:
    """Check whether the system of a step is known, and of an action what says its work."""
    known = {*PLAIN_SYSTEMS, *draft.table}
    if step.system not in known:
        yield draft.problem((*path, "system"), f"{step.system!r} is not known here", near(step.system, known))
        return
    if not step.acts:
        return
    if step.system == SAL:
        yield from _work(draft, path, step)
        return
    for key in (*_MOVES, *_SCRIPTS):
        if getattr(step, key):
            yield draft.problem((*path, key), f"an action of {step.system} has no {key!r}", f"only {SAL} has it")
    steps = draft.steps_of(step)
    if steps is None:
        acting = [SAL, *(name for name, reading in draft.table.items() if reading.steps and name != SAL)]
        hint = f"make it a step of kind manual; only {and_list(acting)} can do so"
        yield draft.problem((*path, "system"), f"{step.system} carries no steps out", hint)
    elif not draft.here(step.sites):
        return
    elif draft.table[step.system].settings is not None and step.system not in draft.site.sections:
        message = f"{draft.roster.site} says nothing of {step.system}"
        yield draft.problem((*path, "system"), message, f"add {step.system}: below systems: in {draft.site.path.name}")
    else:
        wrong = list(steps.problems(draft.entry(step, steps)))
        yield from (draft.problem((*path, *one.path), one.message, one.hint) for one in wrong)
        if not wrong:
            items = steps.items(draft.entry(step, steps))
            yield from _item_names(draft, path, [item.id for item in items])
            yield from _item_texts(draft, path, items)


def _item_texts(draft: Draft, path: Path, items: Iterable[Item]) -> Iterator[Problem]:
    """Refuse a text to people with a placeholder that nothing sets."""
    for item in items:
        try:
            fill(item.text, {})
        except UnknownWordError as error:
            yield draft.problem((*path, "text"), str(error), error.hint)


def _item_names(draft: Draft, path: Path, names: list[ItemId]) -> Iterator[Problem]:
    """Refuse items that could not be told apart, or from those that the lead adds."""
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield draft.problem(path, f"two items of it are called {name!r}", "name each item once")
        if name == WHOLE or name.startswith(ADDED):
            yield draft.problem(path, f"an item of it is called {name!r}", "name it otherwise: this name has a meaning")


def _work(draft: Draft, path: Path, step: StepEntry) -> Iterator[Problem]:
    """Check that an action on CSCs either commands them to targets or runs scripts."""
    moves = [key for key in _MOVES if getattr(step, key)]
    scripts = [key for key in _SCRIPTS if getattr(step, key)]
    if not moves and not scripts:
        hint = "say which CSCs go to which target, or which scripts run"
        yield draft.problem(path, "a step of kind action needs 'targets', 'scripts' or 'suite'", hint)
    elif scripts:
        for key in moves:
            message = f"a step with {scripts[0]!r} has no {key!r}"
            yield draft.problem((*path, key), message, "command CSCs in a step of their own")
    else:
        for key in ("targets", "target"):
            if key not in moves:
                yield draft.problem(path, f"a step with {moves[0]!r} needs {key!r}", "add it, or leave the other away")


def _steps_named(
    draft: Draft, path: Path, step: StepEntry, earlier: dict[str, StepEntry], every: dict[str, Path]
) -> Iterator[Problem]:
    named = [("after", name) for name in step.after] + ([("settles", step.settles)] if step.settles else [])
    named += [("passes_on", name) for name in (step.passes_on.debts_of if step.passes_on else ())]
    for key, name in named:
        if name not in every:
            yield draft.problem((*path, key), f"there is no step {name!r}", near(name, every))
        elif name not in earlier:
            message = f"{name!r} comes later, so this step could never go"
            yield draft.problem(
                (*path, key), message, f"move one of them; {name} is in line {_line(draft, every[name])}"
            )
        elif key == "settles" and (not earlier[name].acts or earlier[name].runs_scripts):
            yield draft.problem((*path, key), f"{name!r} commands no CSC", "name a step of kind action with targets")


def _debt(
    draft: Draft, path: Path, step: StepEntry, earlier: dict[str, StepEntry], every: dict[str, Path]
) -> Iterator[Problem]:
    if step.debt is None:
        return
    entries = {entry.id: entry for _, entry in draft.all_steps()}
    place = (*path, "debt", "paid_by")
    for name in step.debt.paid_by:
        if name not in every:
            yield draft.problem(place, f"there is no step {name!r} to pay this debt", near(name, every))
        elif name in earlier or name == step.id:
            yield draft.problem(place, f"{name!r} comes before the debt is made", "name a later step")
    for site in draft.runbook.sites:
        if step.sites and site not in step.sites:
            continue
        payers = [entries[name] for name in step.debt.paid_by if name in entries]
        if payers and not any(not payer.sites or site in payer.sites for payer in payers):
            message = f"no step pays this debt at {site}"
            yield draft.problem(place, message, "let a step that this site has pay it")


def _choices(draft: Draft) -> Iterator[Problem]:
    known = {choice.choice: choice for choice in draft.runbook.choices}
    asked: dict[str, StepEntry] = {}
    for path, step in draft.all_steps():
        for name in step.asks:
            if name not in known:
                yield draft.problem((*path, "asks"), f"there is no question {name!r}", near(name, known))
            elif name in asked:
                yield draft.problem((*path, "asks"), f"{asked[name].id!r} asks {name!r} already", "ask it once")
            asked.setdefault(name, step)
        for at, row in enumerate(step.when):
            place = (*path, "when", at, "choice")
            if row.choice not in known:
                yield draft.problem(place, f"there is no question {row.choice!r}", near(row.choice, known))
                continue
            if row.choice not in asked:
                message = f"the question {row.choice!r} is not asked before this step"
                yield draft.problem(place, message, "let this step or an earlier one ask it")
            answers = {option.answer for option in known[row.choice].options}
            for answer in row.answers:
                if answer not in answers:
                    message = f"{answer!r} is no answer to {row.choice!r}"
                    yield draft.problem((*path, "when", at, "answers"), message, near(answer, answers))
    for at, choice in enumerate(draft.runbook.choices):
        yield from _question(draft, at, choice, asked.get(choice.choice))


def _question(draft: Draft, at: int, choice: ChoiceEntry, asked_by: StepEntry | None) -> Iterator[Problem]:
    if asked_by is None:
        yield draft.problem(("choices", at), f"no step asks {choice.choice!r}", "add it to the asks of a step")
    else:
        for site in choice.sites or draft.runbook.sites:
            if asked_by.sites and site not in asked_by.sites:
                message = f"no step asks {choice.choice!r} at {site}"
                yield draft.problem(
                    ("choices", at), message, f"{asked_by.id!r} asks, which {site} does not have: add sites:"
                )
                break
    phases = {phase.phase for phase in draft.runbook.phases}
    for number, option in enumerate(choice.options):
        if option.phase and option.phase not in phases:
            place = ("choices", at, "options", number, "phase")
            yield draft.problem(place, f"there is no phase {option.phase!r}", near(option.phase, phases))
    answers = [option.answer for option in choice.options]
    for answer in dict.fromkeys(answers):
        if answers.count(answer) > 1:
            yield draft.problem(("choices", at, "options"), f"the answer {answer!r} stands twice", "rename one")


def _names(draft: Draft, path: Path, step: StepEntry) -> Iterator[Problem]:
    for key in ("targets", "last"):
        for at, text in enumerate(getattr(step, key)):
            try:
                select(text, draft.site.roster, draft.concern)
            except UnknownNameError as error:
                yield draft.problem((*path, key, at), str(error), error.hint)
    single = [((*path, "needs", at, "csc"), need.csc) for at, need in enumerate(step.needs)]
    single += [((*path, "shows", "csc"), step.shows.csc)] if step.shows else []
    for place, csc in single:
        try:
            select(str(csc), draft.site.roster, draft.concern)
        except UnknownNameError as error:
            yield draft.problem(place, str(error), error.hint)


def _loop(draft: Draft, path: Path, step: StepEntry) -> Iterator[Problem]:
    """Check the words of every text, with each row of the step's loop, and the loop itself."""
    every: list[dict[str, Any]] = [{}]
    if step.for_each:
        if step.for_each not in draft.loops:
            place = (*path, "for_each")
            yield draft.problem(
                place, f"nothing to repeat for is called {step.for_each!r}", near(step.for_each, draft.loops)
            )
            return
        known = [row_name(row) for row in draft.loops[step.for_each]]
        for at, name in enumerate(step.named):
            if name not in known:
                message = f"{step.for_each} has no {name!r} at {draft.site.roster.site}"
                yield draft.problem((*path, "named", at), message, near(name, known))
        every = rows(draft, step)
        if not every and not step.named:
            message = f"{draft.site.roster.site} has no {step.for_each}"
            yield draft.problem((*path, "for_each"), message, "leave this site out with sites:")
    texts: list[tuple[Path, str]] = [((*path, "commands", at), text) for at, text in enumerate(step.commands)]
    texts += [((*path, "item"), step.item)] if step.item else []
    texts += [((*path, "debt", "what"), step.debt.what)] if step.debt else []
    for place, text in texts:
        for row in every:
            try:
                fill(text, {**draft.words, **row})
            except UnknownWordError as error:
                yield draft.problem(place, str(error), error.hint)
                break
    try:
        fill(step.link, draft.words)
    except UnknownWordError as error:
        yield draft.problem((*path, "link"), str(error), error.hint)


def _line(draft: Draft, path: Path) -> int:
    return draft.document.line(path)
