"""What a pull request changes of a site, read as CSCs: of the files as they are before and after. Pure.

In Phalanx an application of CSCs is a chart whose dependencies named ``csc`` are its Jobs, by their alias; a Job that
has a condition exists where ``<alias>.enabled`` is true for the environment (phalanx charts/csc, helm). The cycle's tag
stands in the environment's values, and a Job's own ``image.tag`` or ``image.revision`` goes before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from deploydash.core.words import counted, first_of

NUBLADO = "nublado"
Files = Mapping[str, str]
"""The text of each file by its path; a file that is not there is not in it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The paths of an environment's files."""

    environment: str

    @property
    def cycle(self) -> str:
        """The file with the cycle's tag."""
        return f"environments/values-{self.environment}.yaml"

    @property
    def nublado(self) -> str:
        """The file with Nublado's recommended image."""
        return self.values(NUBLADO)

    def values(self, application: str) -> str:
        """Return the file of an application for this environment."""
        return f"applications/{application}/values-{self.environment}.yaml"

    def chart(self, application: str) -> str:
        """Return the file with an application's Jobs."""
        return f"applications/{application}/Chart.yaml"


@dataclass(frozen=True, slots=True)
class Job:
    """What of a Job of a chart is compared: its image without the cycle's tag, and its RUN_ARG."""

    repository: str = ""
    tag: str = ""
    revision: str = ""
    run_arg: str = ""

    @property
    def image(self) -> str:
        """The image as it differs from the cycle's."""
        own = ", ".join(f"{name} {value}" for name, value in (("tag", self.tag), ("revision", self.revision)) if value)
        return f"{self.repository or 'its image'} {own or 'of the cycle'}"


@dataclass(frozen=True, slots=True)
class Changes:
    """What is changed. ``lines``: one for each Job or value; ``notes``: what fits to neither site file nor run."""

    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: int = 0

    def words(self) -> str:
        """Return the changes in a sentence, with what does not fit."""
        told = f"{counted(self.files, 'file')} changed" if self.lines else "it changes nothing of this environment"
        return "; ".join((told, *self.notes))


@dataclass
class _Found:
    lines: list[str] = field(default_factory=list)
    touched: list[tuple[str, str]] = field(default_factory=list)
    added: list[tuple[str, str]] = field(default_factory=list)
    removed: list[tuple[str, str]] = field(default_factory=list)


def named_files(changed: Iterable[str], environment: str) -> tuple[str, ...]:
    """Return the files that must be read to tell what changes in an environment: those changed, and their pairs."""
    wanted = Wanted(environment)
    found = dict.fromkeys(name for name in changed if name in {wanted.cycle, wanted.nublado})
    for name in changed:
        application = _application(name)
        if application and name in {wanted.chart(application), wanted.values(application)}:
            found |= dict.fromkeys((wanted.chart(application), wanted.values(application)))
    return tuple(found)


def changes(
    changed: Iterable[str],
    before: Files,
    after: Files,
    environment: str,
    cscs: Mapping[tuple[str, str], str],
    only: frozenset[str] | None = None,
) -> Changes:
    """Return what the files change in an environment.

    ``cscs``: which CSC each Job runs, by namespace and Job, as the site file has it. ``only``: the CSCs that the run is
    about, None for all.
    """
    names, wanted, found = tuple(changed), Wanted(environment), _Found()
    old, new = cycle_tag(before.get(wanted.cycle, "")), cycle_tag(after.get(wanted.cycle, ""))
    if old != new:
        found.lines.append(f"imageTag {old or 'none'} → {new or 'none'}: every CSC of the environment")
    if wanted.nublado in names:
        found.lines += _nublado(before.get(wanted.nublado, ""), after.get(wanted.nublado, ""))
    for application in dict.fromkeys(filter(None, map(_application, names))):
        files = wanted.chart(application), wanted.values(application)
        if application != NUBLADO and any(name in files for name in names):
            was, now = (_jobs(*(files_of.get(name, "") for name in files)) for files_of in (before, after))
            _compare(application, was, now, cscs, found)
    found.lines += list(_revisions(before.get(wanted.cycle, ""), after.get(wanted.cycle, "")))
    notes = (*_notes(found, cscs, only), *_others(names, environment))
    return Changes(tuple(found.lines), notes, len(names))


def cycle_tag(text: str) -> str:
    """Return the cycle's tag of an environment's values; empty where there is none."""
    return _text(_at(_read(text), "controlSystem", "imageTag"))


def nublado_tags(text: str) -> tuple[str, str]:
    """Return Nublado's ``cycle`` and ``recommendedTag``; empty where there is none."""
    images = _at(_read(text), "controller", "config", "images")
    return _text(_at(images, "cycle")), _text(_at(images, "recommendedTag"))


def nublado_disagrees(text: str, tag: str) -> str:
    """Return why Nublado would not offer the image of a cycle such as ``c0045``; empty where it would."""
    cycle, recommended = nublado_tags(text)
    wrong = []
    if not cycle.isdecimal() or int(cycle) != _number(tag):
        wrong.append(f"images.cycle is {cycle or 'missing'}")
    if not re.fullmatch(rf"recommended_{re.escape(tag)}", recommended):
        wrong.append(f"recommendedTag is {recommended or 'missing'}")
    return f"{' and '.join(wrong)}, which does not agree with {tag}" if wrong else ""


def _compare(
    application: str,
    was: Mapping[str, Job],
    now: Mapping[str, Job],
    cscs: Mapping[tuple[str, str], str],
    found: _Found,
) -> None:
    for job in sorted({*was, *now}):
        at = application, job
        name = f"{application}/{job} ({cscs[at]})" if at in cscs else f"{application}/{job}"
        old, new = was.get(job), now.get(job)
        if old is None and new is not None:
            found.added.append(at)
            found.lines.append(f"add {name}: {new.image}{f', RUN_ARG {new.run_arg}' if new.run_arg else ''}")
        elif new is None:
            found.removed.append(at)
            found.lines.append(f"remove {name}")
        elif old is not None and old != new:
            found.touched.append(at)
            if old.image != new.image:
                found.lines.append(f"change {name}: image {old.image} → {new.image}")
            if old.run_arg != new.run_arg:
                found.lines.append(f"change {name}: RUN_ARG {old.run_arg or 'none'} → {new.run_arg or 'none'}")


def _notes(found: _Found, cscs: Mapping[tuple[str, str], str], only: frozenset[str] | None) -> Iterator[str]:
    if unknown := ["/".join(at) for at in found.added if at not in cscs]:
        yield f"added, and not in the site file: {first_of(unknown, 4)}"
    if lost := [f"{'/'.join(at)} ({cscs[at]})" for at in found.removed if at in cscs]:
        yield f"removed, and still in the site file: {first_of(lost, 4)}"
    if only is not None:
        all_of = [*found.added, *found.removed, *found.touched]
        beyond = [cscs.get(at, "/".join(at)) for at in all_of if cscs.get(at) not in only]
        if beyond:
            yield f"not of this run: {first_of(beyond, 6)}"
        if any(line.startswith("imageTag ") for line in found.lines):
            yield "it changes the tag of every CSC, not only of those of this run"


def _others(names: Iterable[str], environment: str) -> Iterator[str]:
    """Yield what is changed beside this environment."""
    own = {f"values-{environment}.yaml", "Chart.yaml", "values.yaml"}
    elsewhere = [name for name in names if re.search(r"/values-[^/]+\.yaml$", name) and name.split("/")[-1] not in own]
    shared = [name for name in names if name.startswith("charts/") or _is_shared(name)]
    if elsewhere:
        yield f"it also changes other environments: {first_of(elsewhere, 4)}"
    if shared:
        yield f"it changes what every environment shares: {first_of(shared, 4)}"


def _is_shared(name: str) -> bool:
    return bool(re.fullmatch(r"(applications/[^/]+|environments)/(values\.yaml|templates/.*)", name))


def _revisions(before: str, after: str) -> Iterator[str]:
    """Yield applications that would be deployed from a branch of their own."""
    old, new = _at(_read(before), "revisions"), _at(_read(after), "revisions")
    old, new = (told if isinstance(told, dict) else {} for told in (old, new))
    for name in sorted({*map(str, old), *map(str, new)}):
        if old.get(name) != new.get(name):
            yield f"{name} is deployed from {_text(new.get(name)) or 'main'}, before {_text(old.get(name)) or 'main'}"


def _nublado(before: str, after: str) -> Iterator[str]:
    old, new = nublado_tags(before), nublado_tags(after)
    for name, was, now in zip(("images.cycle", "recommendedTag"), old, new, strict=True):
        if was != now:
            yield f"nublado: {name} {was or 'none'} → {now or 'none'}"


def _jobs(chart: str, values: str) -> dict[str, Job]:
    dependencies, given = _at(_read(chart), "dependencies"), _read(values)
    found = {}
    for row in dependencies if isinstance(dependencies, list) else ():
        alias = _text(_at(row, "alias"))
        if not alias or _text(_at(row, "name")) != "csc":
            continue
        own = _at(given, alias)
        if _at(row, "condition") is not None and _at(own, "enabled") is not True:
            continue
        image = _at(own, "image")
        repository, tag, revision = (_text(_at(image, name)) for name in ("repository", "tag", "revision"))
        found[alias] = Job(repository, tag, revision, _text(_at(own, "env", "RUN_ARG")))
    return found


def _application(name: str) -> str:
    found = re.match(r"applications/([^/]+)/", name)
    return found[1] if found else ""


def _read(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _at(told: Any, *keys: str) -> Any:
    for key in keys:
        told = told.get(key) if isinstance(told, dict) else None
    return told


def _text(told: Any) -> str:
    return str(told) if isinstance(told, str | int | float) and not isinstance(told, bool) else ""


def _number(tag: str) -> int:
    found = re.search(r"\d+", tag)
    return int(found[0]) if found else -1
