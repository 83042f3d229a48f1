"""What keeps the house simple to live in, counted."""

import ast
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TEXT_FILES = [
    path
    for pattern in ("*.py", "*.md", "*.toml", "*.yaml", "*.yml", "*.tcss", "*.sh", "Makefile", "run")
    for path in ROOT.rglob(pattern)
    if path.is_file()
    and not {".venv", ".cache", ".git", "build", "node_modules", ".hypothesis"} & set(path.relative_to(ROOT).parts)
]


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_source_file_is_longer_than_500_lines_and_the_median_is_at_most_150() -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > 500} == {}
    assert statistics.median(lengths.values()) <= 150


def test_no_function_is_longer_than_60_lines() -> None:
    long = [
        f"{path.name}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in functions(path)
        if (node.end_lineno or node.lineno) - node.lineno + 1 > 60
    ]
    assert long == []


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a path of one machine", r"/(work|root|farm)/"),
        ("the address of a package registry", r"pypi\.or[g]|repo1?\.mave[n]|deb\.debia[n]|registry\.npmj[s]"),
    ],
)
def test_the_repository_speaks_of_the_project_alone(what: str, pattern: str) -> None:
    here = Path(__file__)
    found = [
        str(path.relative_to(ROOT))
        for path in TEXT_FILES
        if path != here and re.search(pattern, path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == [], what


def test_a_read_only_process_has_loaded_nothing_that_can_act() -> None:
    code = (
        "import sys; import deploydash.cli.watch, deploydash.cli.status, deploydash.cli.wait, deploydash.cli.check;"
        "import deploydash.cli.observe, deploydash.cli.replay, deploydash.cli.report, deploydash.cli.runs;"
        "print([name for name in sys.modules if name.startswith(('deploydash.systems.sal.commanding',"
        "'deploydash.systems.sal.scripts', 'deploydash.wiring.acting',"
        "'deploydash.demo', 'confluent_kafka', 'asyncssh', 'kubernetes_asyncio'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
