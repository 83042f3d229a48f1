"""What files change of a site, read as CSCs: Jobs added and removed, images, RUN_ARGs, tags, and what does not fit."""

from __future__ import annotations

from deploydash.systems.github.changes import changes, named_files, nublado_disagrees

CYCLE = "environments/values-summit.yaml"
NUBLADO = "applications/nublado/values-summit.yaml"
CHART, VALUES = "applications/obssys/Chart.yaml", "applications/obssys/values-summit.yaml"
CSCS = {("obssys", "mtqueue"): "ScriptQueue:1", ("obssys", "watcher"): "Watcher", ("obssys", "gis"): "GIS"}


def environment(tag: str, **revisions: str) -> str:
    listed = "".join(f"\n  {name}: {branch}" for name, branch in revisions.items())
    return f'controlSystem:\n  imageTag: "{tag}"\n' + (f"revisions:{listed}\n" if revisions else "")


def nublado(cycle: int, tag: str) -> str:
    return f'controller:\n  config:\n    images:\n      cycle: {cycle}\n      recommendedTag: "recommended_{tag}"\n'


def chart(*aliases: str, optional: str = "") -> str:
    rows = "".join(f"  - name: csc\n    alias: {alias}\n    version: 1.0.0\n" for alias in aliases)
    if optional:
        rows += f"  - name: csc\n    alias: {optional}\n    version: 1.0.0\n    condition: {optional}.enabled\n"
    return f"dependencies:\n  - name: csc_collector\n    version: 1.0.0\n{rows}"


QUEUE = "mtqueue:\n  image: {repository: example.org/scriptqueue}\n  env: {RUN_ARG: 1 --state enabled}\n"
BEFORE = {CYCLE: environment("c0044"), CHART: chart("mtqueue", "watcher"), VALUES: QUEUE}


def read(after: dict[str, str], *files: str, only: frozenset[str] | None = None) -> tuple[tuple[str, ...], str]:
    found = changes(files or tuple(after), BEFORE, {**BEFORE, **after}, "summit", CSCS, only)
    return found.lines, found.words()


def test_a_new_cycle_is_one_line_and_nublado_two() -> None:
    after = {CYCLE: environment("c0045"), NUBLADO: nublado(45, "c0045")}
    lines, words = read(after)
    assert lines == (
        "imageTag c0044 → c0045: every CSC of the environment",
        "nublado: images.cycle none → 45",
        "nublado: recommendedTag none → recommended_c0045",
    )
    assert words == "2 files changed"


def test_jobs_are_added_and_removed_by_their_alias_and_named_as_cscs() -> None:
    lines, words = read({CHART: chart("mtqueue", "authorize"), VALUES: QUEUE})
    assert lines == ("add obssys/authorize: its image of the cycle", "remove obssys/watcher (Watcher)")
    assert "added, and not in the site file: obssys/authorize" in words
    assert "removed, and still in the site file: obssys/watcher (Watcher)" in words


def test_a_job_with_a_condition_exists_where_the_environment_enables_it() -> None:
    there = {CHART: chart("mtqueue", "watcher", optional="gis")}
    assert read(there)[0] == ()
    enabled = f"{QUEUE}gis:\n  enabled: true\n  image: {{repository: example.org/gis, tag: c0046}}\n"
    lines, words = read({**there, VALUES: enabled})
    assert lines == ("add obssys/gis (GIS): example.org/gis tag c0046",)
    assert "not in the site file" not in words


def test_images_and_run_args_are_told_with_what_they_were() -> None:
    after = QUEUE.replace("scriptqueue}", "scriptqueue, revision: 2}").replace("enabled}", "standby --simulate}")
    image, run_arg = read({VALUES: after})[0]
    queue = "change obssys/mtqueue (ScriptQueue:1): "
    assert image == f"{queue}image example.org/scriptqueue of the cycle → example.org/scriptqueue revision 2"
    assert run_arg == f"{queue}RUN_ARG 1 --state enabled → 1 --state standby --simulate"


def test_what_is_not_of_this_run_or_of_this_environment_is_named() -> None:
    after = {VALUES: QUEUE.replace("enabled}", "standby}"), CYCLE: environment("c0045", uws="tickets/OSW-1")}
    elsewhere = ("environments/values-base.yaml", "charts/csc/templates/job.yaml")
    lines, words = read(after, *after, *elsewhere, only=frozenset({"Watcher"}))
    assert "uws is deployed from tickets/OSW-1, before main" in lines
    assert "not of this run: ScriptQueue:1" in words
    assert "it changes the tag of every CSC, not only of those of this run" in words
    assert "it also changes other environments: environments/values-base.yaml" in words
    assert "it changes what every environment shares: charts/csc/templates/job.yaml" in words


def test_what_cannot_be_read_as_a_chart_ends_nothing() -> None:
    assert read({VALUES: "a: [", CHART: "- just\n- a list"})[0] == (
        "remove obssys/mtqueue (ScriptQueue:1)",
        "remove obssys/watcher (Watcher)",
    )


def test_a_chart_is_read_with_its_values_and_nothing_else_is_read() -> None:
    changed = (VALUES, "applications/obssys/README.md", "docs/x.rst", "applications/love/values-base.yaml", CYCLE)
    assert named_files(changed, "summit") == (CYCLE, CHART, VALUES)


def test_nublado_agrees_with_a_cycle_by_its_number_and_its_tag() -> None:
    assert nublado_disagrees(nublado(45, "c0045"), "c0045") == ""
    assert nublado_disagrees(nublado(45, "c0044"), "c0045") == (
        "recommendedTag is recommended_c0044, which does not agree with c0045"
    )
    assert "images.cycle is missing and recommendedTag is missing" in nublado_disagrees("", "c0045")
