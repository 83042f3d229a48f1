"""Where an operation of ours stands, what it has come to, and whether its end is what was wanted. Pure.

An operation is known as ours by an info that was sent with it. Its phase alone proves little: ``Succeeded`` is said,
too, of a selective sync whose object does not exist, of what was not pruned, and of another revision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from deploydash.core.words import counted
from deploydash.systems.argocd.objects import (
    Application,
    Key,
    Operation,
    Result,
    jobs_named,
    key,
    rows,
    short,
    text,
)

IMMUTABLE = "field is immutable"


class Stands(Enum):
    """Where the operation that we asked for is."""

    NOT_BEGUN = "requested, not begun yet"
    UNDER_WAY = "under way"
    OVER = "over"
    ANOTHER = "another is under way"
    NOWHERE = "not there"


def stands(app: Application, ours: str) -> Stands:
    """Return where the operation of this key is."""
    if app.operation is not None:
        if app.last is not None and not app.last.over:
            return Stands.UNDER_WAY if app.last.key == ours else Stands.ANOTHER
        return Stands.NOT_BEGUN if app.operation.key == ours else Stands.ANOTHER
    return Stands.OVER if app.last is not None and app.last.key == ours and app.last.over else Stands.NOWHERE


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether an operation that is over did what was wanted, why, and what it left."""

    good: bool
    why: str
    left: str = ""


def judged(last: Operation, revision: str, wanted: Sequence[Key] = ()) -> Judged:
    """Judge an operation that is over. ``wanted``: objects that must be in its result, those of a selective sync."""
    failed = [one for one in last.results if one.failed]
    missing = [one for one in wanted if one not in {result.key for result in last.results}]
    skipped = [one.key for one in last.results if one.status == "PruneSkipped"]
    left = f"not pruned: {jobs_named(skipped)}" if skipped else ""
    if last.phase != "Succeeded" or failed:
        return Judged(False, _failure(last, failed), _applied(last))
    if last.dry:
        return Judged(False, "the operation that ended was a dry run")
    if revision and last.revision and last.revision != revision:
        return Judged(False, f"it synced revision {last.revision[:8]}, not {revision[:8]}", left)
    if missing:
        return Judged(False, f"Succeeded without {jobs_named(missing)}: the application does not have it", left)
    return Judged(True, f"Succeeded at {last.revision[:8] or 'an unknown revision'}", left)


def _failure(last: Operation, failed: Sequence[Result]) -> str:
    if not failed:
        return f"{last.phase}: {short(last.message)}"
    undeleted = [one.key for one in failed if IMMUTABLE in one.message]
    if len(undeleted) == len(failed):
        names = jobs_named(undeleted)
        return f"{last.phase}: {names} not deleted before; delete it with its pod, then retry"
    words = "; ".join(f"{one.key}: {short(one.message, 120)}" for one in failed[:3])
    return f"{last.phase}: {counted(len(failed), 'object')} failed: {words}"


def _applied(last: Operation) -> str:
    done = [one.key for one in last.results if one.status == "Synced" and not one.failed]
    return f"applied and left as it is: {jobs_named(done)}" if done else ""


def done_of(last: Operation) -> tuple[int, int]:
    """Return of how many objects the result is known, and how many are known of."""
    return sum(bool(one.status) or one.phase in {"Succeeded", "Failed", "Error"} for one in last.results), len(
        last.results
    )


def told(last: Operation | None) -> tuple[str, str]:
    """Return an operation's state and message for a line."""
    if last is None or not last.phase:
        return Stands.NOT_BEGUN.value, ""
    again = f", attempt {last.retries + 1}" if last.retries else ""
    return f"{last.phase}{again}", short(last.message)


def news(before: Mapping[Key, str], results: Iterable[Result]) -> tuple[dict[Key, str], list[str]]:
    """Return the lines of all objects by their keys, and those that are new or have changed."""
    now = dict(before)
    changed = []
    for one in results:
        hook = f"{one.hook} hook " if one.hook and one.hook != "Skip" else ""
        line = f"{one.key} {hook}{one.status or one.phase or 'pending'} {short(one.message, 160)}".rstrip()
        if now.get(one.key) != line:
            now[one.key] = line
            changed.append(line)
    return now, changed


def without_pod(nodes: Sequence[Mapping[str, Any]], wanted: Iterable[Key]) -> list[Key]:
    """Return the Jobs that have no pod in a resource tree."""
    owners = {key(parent) for node in nodes if text(node, "kind") == "Pod" for parent in rows(node, "parentRefs")}
    return [one for one in wanted if one not in owners]


def of_children(children: Sequence[Application], tag: str) -> Judged:
    """Judge whether the children of an application of applications have taken over a tag.

    Those that carry one must show it, and be OutOfSync or run it already: only then has Argo CD compared them with it.
    """
    carrying = [one for one in children if one.tag]
    other = [one for one in carrying if one.tag != tag]
    if not carrying:
        return Judged(False, "none of its children carries a tag")
    if other:
        words = ", ".join(f"{one.name} {one.tag}" for one in other[:4])
        return Judged(False, f"{len(other)} of {len(carrying)} children do not show {tag}: {words}")
    waiting = [one.name for one in carrying if one.sync != "OutOfSync" and not _runs(one, tag)]
    if waiting:
        return Judged(False, f"not compared with {tag} yet: {', '.join(waiting[:6])}")
    differ = sum(one.sync == "OutOfSync" for one in carrying)
    return Judged(True, f"{counted(len(carrying), 'child', 'children')} show {tag}, {differ} of them OutOfSync")


def _runs(child: Application, tag: str) -> bool:
    tagged = [image.rpartition(":")[2] for image in child.images]
    return any(one == tag or one.startswith(f"{tag}.") for one in tagged) or not child.images
