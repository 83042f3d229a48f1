"""Steps on GitHub: what a step of a runbook asks for, what would be sent for it and what a person would type. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import numbered
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.run.composing import Composed, ItemOffer
from deploydash.systems.github.login import GITHUB
from deploydash.systems.github.settings import GithubSettings
from deploydash.systems.table import Entry, Wrong

FIND, BRANCH, NUBLADO, MERGE, REVERT = "find", "branch", "nublado", "merge", "revert"
DOES = (FIND, NUBLADO, MERGE, REVERT)
CONFIGURATION = "configuration"
ON_BRANCH = "<branch>"


@dataclass(frozen=True, slots=True)
class GithubSpec:
    """What an item asks for.

    ``do``: ``find`` the pull request of ``branch``, see that a ``branch`` is there, see that ``nublado`` offers the
    image of ``tag``, ``merge`` or ``revert`` the pull request ``pull``. ``only``: the CSCs that the run is about; none
    of them for all. ``path``: the file that is read.
    """

    do: str
    repository: str
    branch: str = ""
    tag: str = ""
    pull: str = ""
    only: tuple[str, ...] = ()
    path: str = ""


def read_spec(spec: str) -> GithubSpec:
    """Return what an item of this system asks for.

    Raises:
        ValueError, TypeError, LookupError: it is no such item.
    """
    told = json.loads(spec)
    told["only"] = tuple(told.get("only", ()))
    return GithubSpec(**told)


class GithubSteps:
    """What is known of work on GitHub without asking it."""

    keys = frozenset({"do", "tag", "pull", "repositories"})

    def problems(self, entry: Entry) -> Iterator[Wrong]:
        """Yield what is wrong with a step."""
        own = entry.own
        if not isinstance(entry.settings, GithubSettings):
            yield Wrong((), "the site file has no section systems.github", "add it")
            return
        do = own.get("do")
        if do not in DOES:
            yield Wrong(("do",), f"do is {do!r}", f"write one of {', '.join(DOES)}")
            return
        needs = ("pull",) if do in {MERGE, REVERT} else ("tag",)
        for key in ("tag", "pull"):
            if key in needs and (not isinstance(own.get(key), str) or not own[key]):
                hint = "such as pull: <pr>" if key == "pull" else "such as tag: <cycle>"
                yield Wrong((key,), f"a step that does {do} needs {key}", hint)
            elif key not in needs and key in own:
                yield Wrong((key,), f"a step that does {do} has no {key}", "leave it out")
        if own.get("repositories", CONFIGURATION) != CONFIGURATION:
            yield Wrong(("repositories",), f"repositories is {own['repositories']!r}", f"write {CONFIGURATION}")
        elif "repositories" in own and do != FIND:
            yield Wrong(("repositories",), f"a step that does {do} has no repositories", "leave it out")

    def items(self, entry: Entry) -> tuple[Item, ...]:
        """Return an item for the pull request, and one for each other repository that must carry the branch."""
        settings, own = entry.settings, entry.own
        assert isinstance(settings, GithubSettings)  # noqa: S101 - problems() was asked before
        only = tuple(sorted(str(csc) for csc in entry.only)) if entry.only is not None else ()
        phalanx = settings.phalanx.repository
        branch = ON_BRANCH if own["do"] in {FIND, NUBLADO} else ""
        path = f"applications/nublado/values-{settings.phalanx.environment}.yaml" if own["do"] == NUBLADO else ""
        specs = [GithubSpec(own["do"], phalanx, branch, own.get("tag", ""), own.get("pull", ""), only, path)]
        if own.get("repositories"):
            specs += [GithubSpec(BRANCH, each, ON_BRANCH) for each in settings.configuration]
        mark = "# rehearsal: " if entry.rehearsal else ""
        return tuple(
            Item(
                numbered(at),
                label(spec),
                GITHUB,
                json.dumps(asdict(spec)),
                manual=tuple(f"{mark}{line}" for line in _typed(spec, settings)),
            )
            for at, spec in enumerate(specs)
        )

    def fallbacks(self, entry: Entry) -> tuple[Fallback, ...]:
        """Return none: what GitHub refuses is put right there and retried."""
        del entry
        return ()

    def lines(self, item: Item) -> tuple[str, ...]:
        """Return the requests of an item, as far as they are known without asking."""
        spec = read_spec(item.spec)
        at = f"GET /repos/{spec.repository}"
        known = {
            FIND: (f"{at}/pulls?head={spec.branch}", f"{open_line(spec, 'what is deployed')} (if there is none)"),
            BRANCH: (f"{at}/branches/{spec.branch}",),
            NUBLADO: (f"{at}/contents/{spec.path}?ref={spec.branch}",),
            MERGE: (merge_line(spec, spec.pull, "the commit that is shown", "the method that is allowed"),),
            REVERT: (revert_line(spec, spec.pull),),
        }
        return known[spec.do]

    def fallback(self, fallback: Fallback, items: Sequence[Item]) -> Item:
        """Refuse: there is no other way.

        Raises:
            ValueError: always.
        """
        del items
        raise ValueError(f"GitHub has no way called {fallback.label}")

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return none."""
        return ()

    def compose(self, offer_id: str, texts: Sequence[str]) -> Composed:
        """Return that nothing is offered."""
        del texts
        return Composed(None, wrong=(f"nothing is offered as {offer_id!r}",))


def label(spec: GithubSpec) -> str:
    """Return what a person calls an item."""
    names = {
        FIND: f"pull request of {spec.branch}",
        BRANCH: f"{spec.repository} {spec.branch}",
        NUBLADO: "Nublado's image",
        MERGE: f"{spec.repository}#{spec.pull}",
        REVERT: f"revert of {spec.repository}#{spec.pull}",
    }
    return names[spec.do]


def open_line(spec: GithubSpec, base: str) -> str:
    """Return how a pull request is opened, on one line."""
    return f"POST /repos/{spec.repository}/pulls: {spec.branch} into {base}"


def merge_line(spec: GithubSpec, number: object, sha: str, method: str) -> str:
    """Return a merge as it is sent, on one line."""
    return f"PUT /repos/{spec.repository}/pulls/{number}/merge sha={sha} merge_method={method}"


def queue_line(number: object, sha: str) -> str:
    """Return how a pull request is put into the merge queue, on one line."""
    return f"POST /graphql enqueuePullRequest #{number} expectedHeadOid={sha}"


def revert_line(spec: GithubSpec, number: object) -> str:
    """Return how a revert is opened, on one line."""
    return f"POST /graphql revertPullRequest {spec.repository}#{number}"


def _typed(spec: GithubSpec, settings: GithubSettings) -> tuple[str, ...]:
    """Return what a person would type with gh."""
    at, repository, base = f"--repo {spec.repository}", spec.repository, settings.phalanx.branch
    raw = "gh api -H 'Accept: application/vnd.github.raw+json'"
    environment = settings.phalanx.environment
    cycle = f"environments/values-{environment}.yaml"
    view = "state,mergeable,mergeStateStatus,headRefOid"
    typed = {
        FIND: (
            f"gh pr list {at} --head {spec.branch} --base {base} --json number,mergeable,mergeStateStatus,url",
            f"gh pr create {at} --head {spec.branch} --base {base} --fill   # only if there is none",
            f"{raw} 'repos/{repository}/contents/{cycle}?ref={spec.branch}' | grep imageTag   # {spec.tag}",
            f"gh pr checks {spec.branch} {at}",
            f"gh pr diff {spec.branch} {at}",
            f"gh pr diff {spec.branch} {at} | grep -E '^[-+].*revision:'   # goes to 0 with a new cycle",
        ),
        BRANCH: (f"gh api repos/{repository}/branches/{spec.branch} --jq .commit.sha",),
        NUBLADO: (
            f"{raw} 'repos/{repository}/contents/{spec.path}?ref={spec.branch}' | grep -E 'cycle:|recommendedTag:'",
        ),
        MERGE: (
            f"gh pr view {spec.pull} {at} --json {view}",
            f"gh pr merge {spec.pull} {at} --merge --match-head-commit COMMIT   # the head that you looked at",
            f"gh pr view {spec.pull} {at} --json state,mergeCommit",
        ),
        REVERT: (f"gh pr revert {spec.pull} {at} --title 'Revert #{spec.pull} at {environment}'",),
    }
    return typed[spec.do]
