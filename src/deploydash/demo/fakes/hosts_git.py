"""Clones of configuration repositories: ``git -C DIR …`` as far as it is asked, and ``./update_repo``."""

from __future__ import annotations

import time
from collections.abc import Callable

from deploydash.demo.fakes.hosts_clone import Checkout, base, commit
from deploydash.demo.fakes.hosts_host import Asked, Host

EDITED = "summit/setup.env"
_EDIT = (
    f"diff --git a/{EDITED} b/{EDITED}",
    "index 5f1c0e2..9a41d77 100644",
    f"--- a/{EDITED}",
    f"+++ b/{EDITED}",
    "@@ -4,3 +4,3 @@",
    " LSST_SITE=summit",
    "-LSST_DDS_QOS=file:///home/saluser/QoS.xml",
    "+LSST_LOG_LEVEL=10",
    " LSST_TOPIC_SUBNAME=sal",
)
_STAGED = "5f1c0e2" + 33 * "0"
_FULL = "fatal: unable to write new index file: No space left on device"


async def git(host: Host, asked: Asked) -> int:
    """``git -C DIR`` with what reads."""
    if asked.words[1:2] != ["-C"] or len(asked.words) < 4:
        asked.err("fatal: not a git repository (or any of the parent directories): .git")
        return 128
    directory = asked.words[2].rstrip("/")
    clone = host.checkouts.get(directory) if asked.home else None
    if clone is None:
        asked.err(f"fatal: cannot change to '{directory}': No such file or directory")
        return 128
    reads: dict[str, Callable[[Host, Asked, Checkout, list[str]], int]] = {
        "status": _status,
        "diff": _diff,
        "rev-parse": _rev_parse,
        "ls-remote": _ls_remote,
    }
    verb, rest = asked.words[3], asked.words[4:]
    if verb not in reads:
        asked.err(f"git: '{verb}' is not a git command. See 'git --help'.")
        return 1
    await host.take(0.3)
    return reads[verb](host, asked, clone, rest)


def _edited(host: Host, clone: Checkout) -> bool:
    return not clone.saved and host.fault("edits") is not None


def _status(host: Host, asked: Asked, clone: Checkout, words: list[str]) -> int:
    if not {"--porcelain=v2", "--branch"} <= set(words):
        asked.err("this clone tells its status as --porcelain=v2 --branch alone")
        return 129
    for line in (f"oid {clone.head}", f"head {clone.branch}", f"upstream origin/{clone.branch}", "ab +0 -0"):
        asked.out(f"# branch.{line}")
    if _edited(host, clone):
        asked.out(f"1 .M N... 100644 100644 100644 {_STAGED} {_STAGED} {EDITED}")
    return 0


def _diff(host: Host, asked: Asked, clone: Checkout, _: list[str]) -> int:
    for line in _EDIT if _edited(host, clone) else ():
        asked.out(line)
    return 0


def _rev_parse(_: Host, asked: Asked, clone: Checkout, words: list[str]) -> int:
    for name in [word for word in words if not word.startswith("-")]:
        branch = name.removeprefix("refs/remotes/").removeprefix("origin/")
        if name == "HEAD":
            asked.out(clone.head)
        elif branch != name and branch in clone.fetched:
            asked.out(commit(branch))
        elif "--quiet" in words:
            return 1
        else:
            asked.err(f"fatal: ambiguous argument '{name}': unknown revision or path not in the working tree.")
            return 128
    return 0


def _ls_remote(host: Host, asked: Asked, _: Checkout, words: list[str]) -> int:
    for name in [word for word in words if word.startswith("refs/heads/")]:
        if host.fault("no-branch") is None:
            asked.out(f"{commit(name.removeprefix('refs/heads/'))}\t{name}")
    return 0


async def update_repo(host: Host, asked: Asked) -> int:
    """``./update_repo DIR [BRANCH]``: saves local edits, resets; ends with 0 whatever git said."""
    if not 2 <= len(asked.words) <= 3:
        asked.err("update_repo <repo-directory> [branch]")
        return 255
    directory, branch = asked.words[1].rstrip("/"), asked.words[2] if len(asked.words) > 2 else ""
    clone = host.checkouts.get(directory)
    if clone is None:
        asked.err(f"./update_repo: line 12: cd: {directory}: No such file or directory")
        asked.err("fatal: not a git repository (or any of the parent directories): .git")
        return 0
    if _edited(host, clone):
        patch = f"{directory}_{time.strftime('%Y%m%d_%H%M%S', time.gmtime(host.world.now))}.patch"
        asked.out(f"Local change present. Saving it to ~/{patch}")
        host.patches.append(patch)
        clone.saved = True
    main = base(directory)
    wanted = branch or clone.branch
    if branch and host.fault("behind") is not None:
        clone.local.setdefault(branch, commit(branch, older=True))
    asked.err(f"Switched to branch '{main}'")
    await host.take(2.0)
    if host.fault("disk-full") is not None:
        asked.err(_FULL)
        return 0
    clone.fetched |= {main, wanted}
    clone.local[main] = commit(main)
    asked.out(f"HEAD is now at {commit(main)[:7]} Merge pull request")
    return _check_out(host, asked, clone, branch, wanted)


def _check_out(host: Host, asked: Asked, clone: Checkout, branch: str, wanted: str) -> int:
    """The last part: the branch that was named as it stands here, or the present one as it stands at origin."""
    if branch and branch not in clone.local and host.fault("no-branch") is not None:
        clone.branch = base(clone.directory)
        asked.err(f"error: pathspec '{branch}' did not match any file(s) known to git")
        return 0
    clone.branch = wanted
    if not branch:
        clone.local[wanted] = commit(wanted)
        asked.out(f"HEAD is now at {clone.head[:7]}")
        return 0
    if branch not in clone.local:
        clone.local[branch] = commit(branch)
        asked.out(f"branch '{branch}' set up to track 'origin/{branch}'.")
    asked.err(f"Switched to branch '{branch}'")
    return 0
