"""How runbooks are found, checked and described as a schema."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from deploydash.config.load import load_site
from deploydash.config.runbook import find_runbook, load_runbook, parse_runbook, runbook_problems
from deploydash.config.schema import runbook_schema
from deploydash.errors import ConfigurationError
from deploydash.wiring.tables import READING
from tests.config.test_runbooks import NAMES, RUNBOOKS, SUMMIT
from tests.support.runbooks import SCRIPTS, SITES, site


def test_the_committed_json_schema_is_the_one_of_the_model() -> None:
    assert (SITES / "runbook.schema.json").read_text("utf-8") == runbook_schema(), "run make schemas"


@pytest.mark.parametrize("book", RUNBOOKS)
def test_the_json_schema_accepts_the_committed_runbooks(book: str) -> None:
    text = (SITES / "runbooks" / f"{book}.yaml").read_text("utf-8")
    jsonschema.validate(yaml.safe_load(text), json.loads(runbook_schema()))


def test_a_site_that_says_nothing_of_its_systems_has_no_runbooks(tmp_path: Path) -> None:
    text = (SITES / "runbooks" / "full-cycle.yaml").read_text("utf-8")
    bare = dataclasses.replace(site(SUMMIT), path=tmp_path / "bare.yaml", systems=None)
    with pytest.raises(ConfigurationError, match=r"bare\.yaml: systems: says nothing of the systems"):
        parse_runbook(text, tmp_path / "full-cycle.yaml", bare, SCRIPTS, systems=READING)


@pytest.mark.parametrize("name", NAMES)
def test_a_check_finds_nothing_wrong_with_the_committed_runbooks(name: str) -> None:
    assert runbook_problems(SITES, site(name), systems=READING) == ()


def test_a_check_tells_every_problem_of_every_runbook_that_is_written_for_the_site(tmp_path: Path) -> None:
    text = (SITES / "runbooks" / "recovery.yaml").read_text("utf-8")
    (tmp_path / "runbooks").mkdir()
    shutil.copytree(SCRIPTS, tmp_path / "scripts")
    (tmp_path / "runbooks" / "mine.yaml").write_text(text.replace("targets: [MTM2]", "targets: [MTM3]"), "utf-8")
    elsewhere = text.replace("sites: [summit, tucson-teststand, base-teststand]", "sites: [base-teststand]")
    (tmp_path / "runbooks" / "elsewhere.yaml").write_text(elsewhere, "utf-8")
    found = runbook_problems(tmp_path, site(SUMMIT), systems=READING)
    assert [(Path(problem.file).name, problem.message) for problem in found] == [
        ("mine.yaml", "'MTM3' stands for no CSC at summit")
    ]
    assert runbook_problems(tmp_path, dataclasses.replace(site(SUMMIT), systems=None), systems=READING) == ()


def test_runbooks_are_found_by_name_nearest_first(tmp_path: Path) -> None:
    here, user = tmp_path / "here", tmp_path / "user"
    mine = here / "sites" / "runbooks" / "recovery.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("", "utf-8")
    assert find_runbook("recovery", cwd=here, user_dir=user, shipped_dir=SITES) == mine
    shipped = SITES / "runbooks" / "full-cycle.yaml"
    assert find_runbook("full-cycle", cwd=here, user_dir=user, shipped_dir=SITES) == shipped
    assert find_runbook("my/own.yaml", cwd=here, user_dir=user, shipped_dir=SITES) == here / "my" / "own.yaml"
    with pytest.raises(ConfigurationError, match="did you mean incremental"):
        find_runbook("incrementel", cwd=here, user_dir=user, shipped_dir=SITES)
    with pytest.raises(ConfigurationError, match="give the path of a YAML file"):
        find_runbook("recovery", cwd=user, user_dir=user, shipped_dir=user)


def test_the_override_of_a_site_file_stands_in_every_step_that_starts_its_csc(tmp_path: Path) -> None:
    shipped = (SITES / "summit.yaml").read_text("utf-8")
    lines = [line.replace("{csc: ATDome,", "{csc: ATDome, override: night.yaml,") for line in shipped.splitlines()]
    (tmp_path / "summit.yaml").write_text("\n".join(lines), "utf-8")
    ours = load_site(tmp_path / "summit.yaml", READING)
    book = load_runbook(SITES / "runbooks/full-cycle.yaml", ours, SCRIPTS, systems=READING)
    specs = [json.loads(item.spec) for step in book.steps() for item in step.items if not item.by_person]
    moves = [spec for spec in specs if spec.get("do") == "transition"]
    assert {spec["override"] for spec in moves if spec["csc"] == "ATDome"} == {"night.yaml"}
    assert {spec["override"] for spec in moves if spec["csc"] != "ATDome"} == {""}
