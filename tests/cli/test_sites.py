"""``sites``: what is found where, and which file wins."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.support.command_line import ROOT, CommandLine


def test_the_shipped_sites_are_listed_with_their_files(cli: CommandLine) -> None:
    cli.cwd = cli.home
    cli.home.mkdir()
    ran = cli.run("sites", "--json")
    assert ran.code == 0
    assert ran.err == ""
    assert json.loads(ran.out) == [
        {"site": name, "path": str(ROOT / "sites" / f"{name}.yaml"), "shadowed": False}
        for name in ("base-teststand", "summit", "tucson-teststand")
    ]


def test_a_site_in_the_working_folder_hides_the_shipped_one(cli: CommandLine, tmp_path: Path) -> None:
    mine = tmp_path / "work" / "sites" / "summit.yaml"
    mine.parent.mkdir(parents=True)
    shutil.copy(ROOT / "sites" / "summit.yaml", mine)
    cli.cwd = tmp_path / "work"
    summits = [row for row in json.loads(cli.run("sites", "--json").out) if row["site"] == "summit"]
    assert [row["shadowed"] for row in summits] == [False, True]
    assert Path(summits[0]["path"]).resolve() == mine.resolve()
    text = cli.run("sites").out
    assert text.count("summit") >= 2
    assert text.count("(hidden by the one above)") == 1
