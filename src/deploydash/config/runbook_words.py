"""The words of a runbook's texts: ``{words}`` that the site file fills in, ``<words>`` that only the run can."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from deploydash.config.load import Site
from deploydash.config.runbook_names import SCRIPT_QUEUE, WATCHER
from deploydash.config.systems import Service, Systems
from deploydash.core.model import CscId

BLANKS = frozenset(
    {
        *("cycle", "branch", "pr", "revert", "sha", "revision", "run", "page", "weekday", "date", "start"),
        *("broken", "compatibility", "csc", "cscs", "components", "jobs", "class", "namespace"),
    }
)
"""What a run fills in: parameters, what was recorded on the way, and what is left over."""

_WORD = re.compile(r"\{([a-z][a-z0-9_.]*)\}")
_BLANK = re.compile(r"<([a-z][a-z-]*)>")

Words = Mapping[str, Any]


class UnknownWordError(ValueError):
    """A text names a word that nothing fills in. ``hint`` says what might be meant."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def fill(text: str, words: Words) -> list[str]:
    """Return a text with its words filled in: one line, or one for each element of a list that it names.

    Raises:
        UnknownWordError: a word is not known, or has no value at this site; or a blank is none that a run fills in.
    """
    for blank in _BLANK.findall(text):
        if blank not in BLANKS:
            near = get_close_matches(blank, BLANKS, 1)
            hint = f"did you mean <{near[0]}>?" if near else f"known are {', '.join(sorted(BLANKS))}"
            raise UnknownWordError(f"nothing fills in <{blank}>", hint)
    lines = [text]
    for word in dict.fromkeys(_WORD.findall(text)):
        value = words.get(word)
        if value is None:
            near = get_close_matches(word, words, 1)
            hint = f"did you mean {{{near[0]}}}?" if near else f"known here are {', '.join(sorted(words))}"
            raise UnknownWordError(f"nothing fills in {{{word}}}", hint)
        values = value if isinstance(value, list | tuple) else [value]
        lines = [line.replace(f"{{{word}}}", str(one)) for line in lines for one in values]
    return lines


def blanks(text: str) -> Iterator[str]:
    """Yield the blanks of a text."""
    yield from _BLANK.findall(text)


def site_words(site: Site, systems: Systems) -> dict[str, Any]:
    """Return every word that holds for a whole site; sections with a dot between."""
    docs = systems.docs
    page = f"{docs.root}/Deployment-Activities/{docs.folder}/index.html"
    kubernetes = systems.kubernetes
    argocd = f"argocd --server {systems.argocd.server} --grpc-web-root-path {systems.argocd.root_path}"
    words: dict[str, Any] = {
        "site": site.roster.site,
        "ssh_domain": systems.ssh_domain,
        "configuration": list(systems.configuration),
        "docs.deploying": f"{docs.root}/Deployment-Activities/index.html",
        "docs.preparing": f"{docs.root}/Pre-Deployment-Activities/index.html",
        "docs.cameras": f"{docs.root}/Camera-Systems/index.html",
        "docs.site": f"{page}#deployment-activities-{docs.anchor}",
        "docs.site_preparing": f"{docs.root}/Pre-Deployment-Activities/{docs.folder}/index.html"
        f"#pre-deployment-activities-{docs.anchor}",
        "phalanx.environment": systems.phalanx.environment,
        "phalanx.repository": systems.phalanx.repository,
        "argocd.server": systems.argocd.server,
        "argocd.cli": argocd,
        "kubernetes.cli": f"kubectl --kubeconfig {kubernetes.kubeconfig} --context {kubernetes.context}",
        "slack.announce": systems.slack.announce,
        "slack.m2": systems.slack.m2,
        "slack.request": systems.slack.request,
        "schema_registry.url": site.schema_registry.url,
    }
    return {word: value for word, value in words.items() if value is not None}


def loops(site: Site, systems: Systems, only: frozenset[CscId] | None) -> dict[str, list[dict[str, Any]]]:
    """Return what a step may be repeated for, each with its own words; ``cscs`` names the CSCs concerned.

    ``only`` are the CSCs that a run for named ones is about, None where nobody has named them yet.
    """
    protected = {spec.csc for spec in site.roster.cscs if spec.protected}

    def is_protected(service: Service) -> bool:
        return any(CscId.parse(csc) in protected for csc in service.cscs)

    applications = list(systems.argocd.rest)
    services = systems.bare_metal
    rows: dict[str, list[dict[str, Any]]] = {
        "owners": [{"owner": owner} for owner in systems.owners],
        "cameras": [{**row.model_dump(), "cscs": [row.csc]} for row in systems.cameras],
        "bare_metal": [row.model_dump() for row in services if row.cscs and not is_protected(row)],
        "protected_services": [row.model_dump() for row in services if is_protected(row)],
        "other_services": [row.model_dump() for row in services if not row.cscs],
        "checkouts": [row.model_dump() for row in systems.checkouts],
        "ess_controllers": [row.model_dump() for row in systems.ess_controllers],
        "crios": [row.model_dump() for row in systems.crios],
        "namespaces": [
            {"namespace": row.namespace, "selector": row.selector, "cscs": list(row.jobs.values())}
            for row in systems.kubernetes.namespaces
        ],
        "applications": [{"application": name, "cscs": _of(systems, name)} for name in applications],
        "all_applications": [
            {"application": name, "cscs": _of(systems, name)} for name in ("control-system-test", "love", *applications)
        ],
        "job_classes": list(_job_classes(systems, only)),
    }
    return rows


def row_name(row: Words) -> str:
    """Return what a row of a loop is called in ``named``."""
    return str(next(row[key] for key in ("name", "namespace", "application", "owner", "csc", "ssh") if key in row))


def _of(systems: Systems, namespace: str) -> list[str]:
    return [csc for row in systems.kubernetes.namespaces if row.namespace == namespace for csc in row.jobs.values()]


def _job_classes(systems: Systems, only: frozenset[CscId] | None) -> Iterator[dict[str, Any]]:
    """Yield the Jobs of a run by class (a component in small letters) and namespace.

    The label csc-class names all of a class; where only some are in the run they are named by the label csc.
    """
    if only is None:
        words = ("namespace", "class", "jobs")
        unnamed = {word: f"<{word}>" for word in words}
        yield {**unnamed, "selector": "csc-class=<class>", "resources": "--resource batch:Job:<jobs>", "cscs": []}
    for row in systems.kubernetes.namespaces:
        classes: dict[str, list[str]] = {}
        for job, text in row.jobs.items():
            classes.setdefault(CscId.parse(text).name, []).append(job)
        for component, jobs in classes.items():
            always = component in {WATCHER.name, SCRIPT_QUEUE}
            chosen = [job for job in jobs if always or CscId.parse(row.jobs[job]) in (only or ())]
            if chosen:
                name = component.lower()
                every = len(chosen) == len(jobs)
                yield {
                    "namespace": row.namespace,
                    "class": name,
                    "selector": f"csc-class={name}" if every else f"'csc in ({','.join(chosen)})'",
                    "resources": " ".join(f"--resource batch:Job:{job}" for job in chosen),
                    "cscs": [row.jobs[job] for job in chosen],
                }
