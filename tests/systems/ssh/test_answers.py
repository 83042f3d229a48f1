"""What is read of git's own status, as git itself writes it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from deploydash.systems.ssh.answers import read_status
from deploydash.systems.ssh.argv import repository_status


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=dco", "-c", "user.email=dco@example.org")
    ran = subprocess.run(["git", *who, "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return ran.stdout


def status(folder: Path) -> str:
    return git(folder, *repository_status("", str(folder))[3:])


def test_a_status_tells_branch_commit_and_each_edit_by_what_a_patch_would_hold(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "c0045")
    assert read_status(status(tmp_path)) == ("c0045", "", ())
    for name in ("edited", "staged", "both", "old name", "gone"):
        (tmp_path / name).write_text(f"{name}\n" * 9)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "all")
    head = git(tmp_path, "rev-parse", "HEAD").strip()
    assert read_status(status(tmp_path)) == ("c0045", head, ())
    git(tmp_path, "mv", "old name", "new name")
    for name in ("staged", "both"):
        (tmp_path / name).write_text("other\n")
    git(tmp_path, "add", "staged", "both")
    for name in ("edited", "both", "untracked file"):
        (tmp_path / name).write_text("again\n")
    (tmp_path / "gone").unlink()
    branch, at, edits = read_status(status(tmp_path))
    assert (branch, at) == ("c0045", head)
    found = {edit.path: (edit.code, edit.staged, edit.unstaged, edit.untracked) for edit in edits}
    assert found == {
        "edited": (" M", False, True, False),
        "staged": ("M ", True, False, False),
        "both": ("MM", True, True, False),
        "new name": ("R ", True, False, False),
        "gone": (" D", False, True, False),
        "untracked file": ("??", False, False, True),
    }
    git(tmp_path, "stash", "-q", "--include-untracked")
    git(tmp_path, "checkout", "-q", "--detach")
    assert read_status(status(tmp_path)) == ("", head, ())


def test_a_file_that_could_not_be_merged_is_an_edit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    for branch, text in (("main", "a"), ("one", "b"), ("two", "c")):
        git(tmp_path, "checkout", "-q", *(("-b", branch, "main") if branch != "main" else ("-B", "main")))
        (tmp_path / "file").write_text(f"{text}\n")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-q", "-m", branch)
    subprocess.run(["git", "-C", str(tmp_path), "merge", "-q", "one"], check=False, capture_output=True)
    (edit,) = read_status(status(tmp_path))[2]
    assert (edit.path, edit.code, edit.staged) == ("file", "UU", True)
