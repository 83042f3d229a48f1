"""One run leads at a site on a machine; who comes second is told which run, user and process does."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deploydash.cli.app import _is_held
from deploydash.cli.run import _leading
from deploydash.errors import UserError
from deploydash.journal.leading import LOCK_DIR, SiteLed, leading, lock_directory
from tests.support.runbooks import site


def test_the_second_lead_of_a_site_is_refused_and_told_who_leads(tmp_path: Path) -> None:
    with leading("summit", "summit-c0045", tmp_path):
        told = f"summit is led by .* summit-c0045, by .* process {os.getpid()}"
        with pytest.raises(SiteLed, match=told) as refused, leading("summit", "summit-incremental", tmp_path):
            pass
        assert _is_held(refused.value), "exit code 4"
        with leading("tucson-teststand", "tts-c0045", tmp_path):
            pass
    with leading("summit", "summit-incremental", tmp_path):
        pass


def test_the_lock_is_everybodys_and_goes_with_its_process_however_that_ends(tmp_path: Path) -> None:
    words = "import os; from pathlib import Path; from deploydash.journal.leading import leading\n"
    words += f"with leading('summit', 'killed', Path({str(tmp_path)!r})): os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", words], check=False).returncode == -9
    lock = tmp_path / "deploydash-summit.lock"
    assert stat.S_IMODE(lock.stat().st_mode) == 0o666
    with leading("summit", "the next", tmp_path):
        assert "the next" in lock.read_text("utf-8")


def test_a_lock_that_is_no_file_of_its_own_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious", "utf-8")
    (tmp_path / "deploydash-summit.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="cannot be seen"), leading("summit", "a", tmp_path):
        pass
    assert (tmp_path / "elsewhere").read_text("utf-8") == "precious"


def test_rehearsals_lead_beside_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOCK_DIR, str(tmp_path))
    assert lock_directory(os.environ) == tmp_path
    real = site("summit")
    rehearsal = replace(real, roster=replace(real.roster, rehearsal=True))
    three = _leading(real, "first"), _leading(rehearsal, "second"), _leading(rehearsal, "third")
    with three[0], three[1], three[2], pytest.raises(SiteLed), _leading(real, "fourth"):
        pass
