"""Every file that a person writes: what could hold the reader up, or end it, is refused in words with its line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from deploydash.config.load import load_site
from deploydash.config.owners import load_owners
from deploydash.config.runbook import load_runbook
from deploydash.config.runbook_scripts import load_catalogue
from deploydash.config.secrets import CLIENT_FILE, client_file
from deploydash.errors import ConfigurationError
from deploydash.wiring.tables import READING
from tests.support.runbooks import SCRIPTS, site

ANCHORS = "a: &a [x,x,x]\n" + "".join(f"{key}: &{key} [*a,*a,*a]\n" for key in "bcdefgh")


def catalogue(path: Path) -> object:
    shutil.copy(path, path.with_name("standard.yaml"))
    return load_catalogue(path.parent)


READERS: dict[str, Callable[[Path], object]] = {
    "site": load_site,
    "runbook": lambda path: load_runbook(path, site("summit"), SCRIPTS, systems=READING),
    "owners": lambda path: load_owners(path, site("summit").roster),
    "scripts": catalogue,
    "client file": lambda path: client_file({CLIENT_FILE: str(path)}),
}
TEXTS = {
    "brackets": ("[" * 100_000, "nested too deeply"),
    "maps in maps": ("{a: " * 50_000, "nested too deeply"),
    "anchors": (ANCHORS, "anchors and aliases"),
    "a merge key": ("base: &base {a: 1}\nmore: {<<: *base}", "anchors and aliases"),
    "a value of its own": ("&a [*a]", "anchors and aliases"),
    "an object": ("a: !!python/object/apply:os.getpid []", "the tag"),
    "size": ("#" * 4_000_001, "is larger than 4000000 bytes"),
}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("reader", READERS)
def test_a_text_that_could_hurt_is_refused_in_words(tmp_path: Path, reader: str, kind: str) -> None:
    text, said = TEXTS[kind]
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        READERS[reader](path)
    [problem] = refused.value.problems
    assert said in problem.message
    assert problem.line or kind == "size"


@pytest.mark.parametrize("reader", sorted(READERS.keys() - {"scripts"}))
def test_nobody_waits_for_the_writer_of_a_fifo(tmp_path: Path, reader: str) -> None:
    os.mkfifo(tmp_path / "file.yaml")
    with pytest.raises(ConfigurationError, match="it is a FIFO, not a file"):
        READERS[reader](tmp_path / "file.yaml")
