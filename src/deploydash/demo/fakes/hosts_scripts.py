"""The scripts in dco's home: ``./shutdown_…`` and ``./launch_…``. They end with 0 whatever docker said."""

from __future__ import annotations

import re

from deploydash.demo.fakes.hosts_git import update_repo
from deploydash.demo.fakes.hosts_host import Asked, Host, Program

PRESENT, NEXT = "c0044", "c0045"
"""The cycle that everything runs at the beginning; the one that the branch of an upgrade has in its setup.env, unless
the branch is named after another or another was merged."""

_CYCLED = "docker-compose-ops"


def scripts(host: Host) -> dict[str, Program]:
    """The scripts of a host by the word that calls them."""
    found: dict[str, Program] = {"./update_repo": update_repo} if host.checkouts else {}
    for project in host.docker.projects:
        found |= {f"./shutdown_{project}": shutdown, f"./launch_{project}": launch}
    return found


def cycle(host: Host) -> str:
    """What CYCLE is in setup.env of the host's clone."""
    clone = host.checkouts.get(_CYCLED)
    if clone is None or not clone.released:
        return PRESENT
    named = re.search(r"c\d{4}", clone.branch)
    return named[0] if named else host.world.merged or NEXT


async def shutdown(host: Host, asked: Asked) -> int:
    """``docker compose down`` of a project."""
    project = asked.words[0].removeprefix("./shutdown_")
    if host.fault("kept") is not None:
        asked.err("Error response from daemon: cannot stop container: permission denied")
        return 0
    await host.docker.down(project, host.take, asked.channel.err)
    return 0


async def launch(host: Host, asked: Asked) -> int:
    """``docker compose pull``, then ``up -d`` even if that failed."""
    project = asked.words[0].removeprefix("./launch_")
    tag = cycle(host) + (".000" if any("ess-" in each.name for each in host.docker.projects[project]) else "")
    err = asked.channel.err
    pulled = await host.docker.pull(project, tag, host.take, host.fault, err)
    if not pulled and host.fault("disk-full") is not None:
        err("Error response from daemon: no space left on device\n")
        return 0
    await host.docker.up(project, tag, pulled, host.take, err)
    return 0
