"""A runbook file to the runbook of one site, or every problem of it at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from deploydash.config.find import ENDINGS
from deploydash.config.load import Site, read_text
from deploydash.config.runbook_draft import Draft, Suite
from deploydash.config.runbook_file import RunbookFile, SuiteFile
from deploydash.config.runbook_keys import unknown_keys
from deploydash.config.runbook_lint import reference_errors
from deploydash.config.runbook_names import Concern
from deploydash.config.runbook_order import order_errors
from deploydash.config.runbook_resolve import resolve
from deploydash.config.runbook_scripts import load_catalogue
from deploydash.config.runbook_scripts_lint import script_errors
from deploydash.config.runbook_words import loops, site_words
from deploydash.config.shape import empty_values, shape_problems
from deploydash.config.yaml_lines import Document, read_yaml
from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import Runbook
from deploydash.core.words import and_list
from deploydash.errors import ConfigurationError, Problem
from deploydash.systems.table import NO_SYSTEMS, Table

Shape = TypeVar("Shape", RunbookFile, SuiteFile)


def load_runbook(
    path: Path, site: Site, scripts: Path, only: frozenset[CscId] | None = None, *, systems: Table = NO_SYSTEMS
) -> Runbook:
    """Return a runbook file as it is true at a site.

    ``scripts`` is the directory of script schemas and suites. ``only`` names the CSCs of a run that is about
    named ones; None leaves them open, as a plan may. ``systems``: those that act, beside that of CSCs.

    Raises:
        ConfigurationError: it cannot be read or used; all its problems are named.
    """
    text = read_text(path)
    return parse_runbook(text, path, site, scripts, only, systems=systems)


def parse_runbook(
    text: str,
    path: Path,
    site: Site,
    scripts: Path,
    only: frozenset[CscId] | None = None,
    *,
    systems: Table = NO_SYSTEMS,
) -> Runbook:
    """Return the runbook that a text describes; ``path`` is where it was read, for its problems.

    Raises:
        ConfigurationError: it cannot be used; all its problems are named.
    """
    file = str(path)
    if site.systems is None:
        message = "says nothing of the systems that a runbook touches"
        raise ConfigurationError((Problem(str(site.path), 0, "systems", message, "add systems: with its sections"),))
    document = read_yaml(text, file)
    runbook = _shaped(RunbookFile, document, file, unknown_keys(document, file, systems))
    named = runbook.concerns == "named"
    _refuse_names(site, only, named=named, file=file)
    draft = Draft(
        file=file,
        document=document,
        runbook=runbook,
        site=site,
        concern=Concern.of(site.roster, (only or ()) if named else None),
        words=site_words(site, site.systems),
        loops=loops(site, only),
        catalogue=load_catalogue(scripts),
        suites=_suites(scripts),
        table=systems,
        only=only,
    )
    problems = [*reference_errors(draft), *script_errors(draft), *order_errors(draft)]
    if problems:
        raise ConfigurationError(tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.line)))
    return resolve(draft)


def runbook_problems(directory: Path, site: Site, *, systems: Table = NO_SYSTEMS) -> tuple[Problem, ...]:
    """Return what is wrong with the runbooks of a directory of sites, as far as they are written for a site.

    A site that says nothing of its systems has no runbooks, and so no problems with them.
    """
    found: list[Problem] = []
    for path in _yaml_files(directory / "runbooks") if site.systems else ():
        try:
            load_runbook(path, site, directory / "scripts", systems=systems)
        except ConfigurationError as error:
            if not any(problem.key == "sites" for problem in error.problems):
                found += error.problems
    return tuple(found)


def find_runbook(reference: str, *, cwd: Path, user_dir: Path, shipped_dir: Path) -> Path:
    """Return the file of a runbook given as a path to a YAML file or as a name.

    Names are looked up in ``cwd/sites/runbooks``, ``user_dir/sites/runbooks``, ``shipped_dir/runbooks``.

    Raises:
        ConfigurationError: no runbook has that name; it says which there are.
    """
    if "/" in reference or reference.endswith(ENDINGS):
        return cwd / reference
    known: dict[str, Path] = {}
    for directory in (cwd / "sites", user_dir / "sites", shipped_dir):
        for path in _yaml_files(directory / "runbooks"):
            known.setdefault(path.stem, path)
    if reference in known:
        return known[reference]
    near = get_close_matches(reference, known, 1)
    listed = f"known are {', '.join(sorted(known))}" if known else "give the path of a YAML file"
    hint = f"did you mean {near[0]}? {listed}" if near else listed
    raise ConfigurationError((Problem("runbook", 0, "", f"{reference!r} is no known runbook", hint),))


def _yaml_files(directory: Path) -> Iterator[Path]:
    try:
        yield from sorted(path for path in directory.iterdir() if path.suffix in ENDINGS and path.is_file())
    except OSError:
        return


def _shaped(model: type[Shape], document: Document, file: str, wrong: Iterable[Problem] = ()) -> Shape:
    """Return a document as a model; ``wrong`` is what is known to be wrong with its shape beside that.

    Raises:
        ConfigurationError: the text is no YAML that is understood, or has another shape.
    """
    if not document.problems and not isinstance(document.data, dict):
        message = "the file is empty" if document.data is None else "must be a mapping"
        document.problems.append(Problem(file, 0, "", message, "begin with a name, such as runbook: full-cycle"))
    problems = [*document.problems, *empty_values(document, file), *wrong]
    if isinstance(document.data, dict):
        try:
            shaped = model.model_validate(document.data)
        except ValidationError as error:
            named = {problem.key for problem in problems}
            found = shape_problems(model, error, document, file)
            problems += (problem for problem in found if problem.key not in named)
        else:
            if not problems:
                return shaped
    raise ConfigurationError(tuple(sorted(problems, key=lambda problem: problem.line)))


def _refuse_names(site: Site, only: frozenset[CscId] | None, *, named: bool, file: str) -> None:
    """Refuse names where the run is not about named CSCs, and names that the site lacks or protects."""
    problems: list[Problem] = []
    if named and only is not None and not only:
        message = f"no CSC of {site.roster.site} is named"
        problems.append(Problem(file, 0, "concerns", message, "name them as the site file does, such as ESS:104"))
    if only and not named:
        problems.append(Problem(file, 0, "concerns", "is about the whole roster", "leave the names of CSCs away"))
    known = {spec.csc: spec for spec in site.roster.cscs}
    rows = loops(site, None)
    jobs = {csc for row in rows.get("namespaces", ()) for csc in row["cscs"]}
    hosts = [row["cscs"] for name in ON_HOSTS for row in rows.get(name, ())]
    for csc in sorted(only or ()):
        if csc not in known:
            near = get_close_matches(str(csc), [str(other) for other in known], 1)
            hint = f"did you mean {near[0]}?" if near else "name CSCs of the site file"
            problems.append(Problem(str(site.path), 0, str(csc), "is not in the roster", hint))
        elif known[csc].protected:
            hint = "leave it out; only direct commands from its tile move it"
            problems.append(Problem(str(site.path), 0, str(csc), "is protected: no bulk step touches it", hint))
        elif named and str(csc) not in jobs:
            problems += _on_no_host(site, csc, hosts, only or frozenset())
    if problems:
        raise ConfigurationError(tuple(problems))


ON_HOSTS = ("bare_metal", "cameras")
"""What a CSC without a Job may belong to: its host stops and starts it."""


def _on_no_host(site: Site, csc: CscId, hosts: Iterable[Sequence[str]], only: frozenset[CscId]) -> Iterator[Problem]:
    """Yield why a CSC without a Job cannot be deployed anew: no host has it, or has it with others not named."""
    service = next((cscs for cscs in hosts if str(csc) in cscs), None)
    if service is None:
        message = "has no Job in Kubernetes and no service on a host to deploy anew"
        yield Problem(str(site.path), 0, str(csc), message, "leave it away; its tile commands it")
        return
    others = [other for other in service if CscId.parse(other) not in only]
    if others:
        message = f"is stopped and started with {and_list(others)}"
        yield Problem(str(site.path), 0, str(csc), message, "name them all, or none of them")


def _suites(directory: Path) -> dict[str, Suite]:
    found: dict[str, Suite] = {}
    for path in _yaml_files(directory):
        document = read_yaml(read_text(path), str(path))
        if isinstance(document.data, dict) and "suite" in document.data:
            content = _shaped(SuiteFile, document, str(path))
            found[content.suite] = Suite(str(path), document, content)
    return found
