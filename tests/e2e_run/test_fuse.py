"""A Kubernetes context, an Argo CD and an ssh host of another site, one at a time: nothing arms, it is said why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.sites import summit
from tests.e2e_run.books import CLOSE, SHUTDOWN, write_book
from tests.e2e_run.world import journals, records, world
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import CommandLine

ELSEWHERE = "base-annex"
"""The environment that the Argo CD of this demo deploys: no site of the package is called so."""


def _systems(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["systems"]
    return found


def a_context(document: dict[str, Any]) -> None:
    _systems(document)["kubernetes"]["context"] = "manke"


def an_argo_cd(document: dict[str, Any]) -> None:
    _systems(document)["github"]["phalanx"]["environment"] = "summit"


def a_host(document: dict[str, Any]) -> None:
    _systems(document)["ssh"]["cameras"][0]["host"] = "auxtel-mcm.ls.lsst.org"


CASES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "kubernetes": (a_context, "kubernetes is not of this site: systems.kubernetes.context is manke, which is of base"),
    "argocd": (an_argo_cd, f"deploys the environment {ELSEWHERE}, not summit"),
    "ssh": (a_host, "ssh is not of this site: systems.ssh.cameras.0.host is auxtel-mcm.ls.lsst.org, which is of base"),
}


@pytest.fixture(scope="module")
def observatory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A demo observatory whose Argo CD deploys another environment, with a folder for what is made of its site file."""
    folder = tmp_path_factory.mktemp("fuse")
    document = summit()
    _systems(document)["github"]["phalanx"]["environment"] = ELSEWHERE
    site = folder / "summit.yaml"
    site.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    with world(CommandLine(folder / "home"), "--site", str(site), "--scenario", "calm") as made:
        yield made.site_file, folder


@pytest.mark.server
@pytest.mark.timeout(patient(120))
@pytest.mark.parametrize("system", CASES)
def test_nothing_arms_and_the_screen_names_what_is_of_another_site(
    observatory: tuple[Path, Path], tmp_path: Path, tmux: Tmux, cli: CommandLine, system: str
) -> None:
    site_file, _ = observatory
    change, said = CASES[system]
    document = yaml.safe_load(site_file.read_text("utf-8"))
    change(document)
    site = tmp_path / "summit.yaml"
    site.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    words = cli.words("run", site, write_book(tmp_path, SHUTDOWN, CLOSE), "--cycle", "c0045")
    tmux.start(words, columns=200, rows=50, env=cli.environment())
    wait_until(lambda: said in _card(tmux.capture()), 60, said)
    assert f"not of summit: {system}" in tmux.capture()
    tmux.send_keys("a")
    tmux.send_keys("Enter")
    tmux.send_keys("V")
    wait_until(lambda: "exact" in tmux.capture(), 20, "the page of the step: the keys before it were taken")
    (journal,) = journals(cli)
    assert records(journal, "StepApproved", "ItemsDispatched", "RequestIntended") == []


def _card(screen: str) -> str:
    """Return what stands in the panel on the left, as one line."""
    return " ".join(" ".join(line.split("│")[1] for line in screen.splitlines() if line.startswith("│")).split())
