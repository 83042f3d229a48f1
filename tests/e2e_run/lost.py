"""The Summit's full cycle by keys while every outside system is lost and comes back, and what must not follow of it.

No wrong state is shown, nothing is lost, nothing is done twice: what was done is counted by the fakes themselves.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploydash.core.model import SummaryState
from tests.e2e_run.losing import Losing, Loss, Moment, Seen, Trouble, again, follow
from tests.e2e_run.switchboard import Tally, switchboard
from tests.e2e_run.whole import ANSWERS
from tests.e2e_run.world import journals, open_run, records
from tests.servers.command_reader import Found
from tests.servers.tmux import Tmux
from tests.support.command_line import CommandLine
from tests.support.procedure import ended_by
from tests.support.run_driver import CLOSED
from tests.support.runbooks import runbook

IDLE, ARMED, ASKED = Moment

QUIET = """\
name: quiet
about: The calm upgrade, in which nobody restarts the camera bridges by the clock however long the night is.
fleet: startup
cscs:
  - {csc: Watcher, state: ENABLED}
  - {csc: MTM2, state: ENABLED}
timeline:
  - {once: {system: argocd, asked: sync}, at: 120, do: redeploy, csc: "MTVMS:3"}
"""

LONG_S = 16.0
"""Longer than a CSC may be silent at the Summit."""

LOSSES = (
    Loss("github", "branches", IDLE),
    Loss("slack", "page-announce", IDLE),
    Loss("slack", "announce-hour", ASKED),
    Loss("slack", "announce-start", ASKED, fault="answer-lost"),
    Loss("efd", "go-no-go", IDLE, LONG_S),
    Loss("broker", "m2-closed-loop", IDLE, LONG_S),
    Loss("registry", "watcher", ARMED),
    Loss("broker", "cscs", ASKED, LONG_S),
    Loss("broker", "queues", ARMED, LONG_S),
    Loss("hosts", "bridges-stop", ARMED),
    Loss("hosts", "bare-metal-stop", ASKED),
    Loss("cluster", "k8s-clean", IDLE),
    Loss("cluster", "k8s-clean", ARMED),
    Loss("cluster", "k8s-clean", ASKED),
    Loss("github", "phalanx-merge", ARMED),
    Loss("github", "phalanx-merge", ASKED),
    Loss("hosts", "repos", ASKED),
    Loss("hosts", "ess", ASKED),
    Loss("argocd", "argo-science-platform", IDLE),
    Loss("argocd", "argo-small", ARMED),
    Loss("argocd", "argo-love", ASKED, fault="sync-answer-lost"),
    Loss("argocd", "argo-rest", ASKED),
    Loss("cluster", "argo-rest", ASKED),
    Loss("hosts", "bridges-start", ASKED),
    Loss("registry", "enable", ASKED),
    Loss("efd", "enable", ASKED),
    Loss("cluster", "versions", IDLE),
    Loss("slack", "announce-end", ASKED),
)
"""Every system, where it matters: each host has a request in flight when they all go."""


@dataclass(frozen=True, slots=True)
class Survived:
    """A run through losses: its journal, what the fakes did, the commands that were sent, and what was shown."""

    journal: Path
    tally: Tally
    commands: Found
    seen: tuple[Seen, ...]
    left: tuple[str, ...]
    keys: int


def survive(folder: Path, losses: Sequence[Loss] = LOSSES) -> Survived:
    """Drive the Summit's full cycle to *closed* through these losses.

    Raises:
        AssertionError: it did not come to its end; the message holds the screen.
    """
    cli, over = CommandLine(folder / "home"), threading.Event()
    folder.mkdir(parents=True, exist_ok=True)
    scenario = folder / "quiet.yaml"
    scenario.write_text(QUIET, encoding="utf-8")
    titles = {str(step.id): step.title for step in runbook("summit", "full-cycle").steps()}
    with switchboard(cli, "summit", scenario, folder) as board, Tmux(folder / "tmux") as tmux:
        trouble = Trouble(board, losses, titles, tmux)
        threading.Thread(target=follow, args=(cli, trouble, over), name="follow", daemon=True).start()
        try:
            open_run(tmux, cli, board.scene.site_file, "full-cycle")
            lead = Losing(tmux, answers=ANSWERS, failures=again, trouble=trouble)
            lead.play(lambda frame: frame.title == CLOSED, 600)
        finally:
            over.set()
            _keep(folder, trouble.seen, trouble.around)
        tmux.send_keys("q")
        tmux.wait_exit()
        commands, tally = board.scene.reader.read(), board.tally()
    (journal,) = journals(cli)
    return Survived(journal, tally, commands, tuple(trouble.seen), tuple(trouble.left), lead.keys)


def _keep(folder: Path, seen: Iterable[Seen], around: Mapping[str, str]) -> None:
    (folder / "screens").mkdir(exist_ok=True)
    for number, one in enumerate(seen):
        text = f"{one.loss}\n{one.lost}\n--- back\n{one.back}"
        (folder / "screens" / f"{number:02}.txt").write_text(text, encoding="utf-8")
    for name, screen in around.items():
        (folder / "screens" / f"{name.replace(' ', '-')}.ansi").write_text(screen, encoding="utf-8")


def wrong(run: Survived) -> list[str]:
    """Return everything that followed of the losses and must not."""
    told = records(run.journal)
    found = [f"never lost: {each}" for each in run.left]
    found += [f"{one.loss}: the screen says LOST" for one in run.seen if "LOST" in one.lost + one.back]
    found += [f"malformed: {each}" for each in run.commands.malformed]
    commands = Counter((str(one.csc), one.name) for one in run.commands.commands)
    found += [f"{csc} was sent {name} {count} times" for (csc, name), count in commands.items() if count > 1]
    for system in ("github", "argocd", "slack", "hosts", "started"):
        found += [f"{system} did {what} {count} times" for what, count in run.tally[system].items() if count > 1]
    reached = (one for one in told if one["kind"] == "ItemEnded" and one["outcome"] == "reached")
    ends = Counter((one["step"], one["item"]) for one in reached)
    found += [f"{step}, {item} was reached {count} times" for (step, item), count in ends.items() if count > 1]
    found += [f"{one['kind']}: {one}" for one in told if one["kind"] in {"StepSkipped", "CscsWaived", "DebtWaived"}]
    found += _silent(told)
    try:
        ended_by(told, "summit")
    except AssertionError as error:
        found.append(str(error))
    return found


def _silent(told: Iterable[dict[str, object]]) -> list[str]:
    """Return whom the run called silent though nothing of its own had stopped it."""
    stopped: set[str] = set()
    found = []
    book = runbook("summit", "full-cycle")
    steps = {str(step.id): {str(item.id): item for item in step.items} for step in book.steps()}
    for one in told:
        if one["kind"] == "RequestIntended":
            item = steps[str(one["step"])][str(one["item"])]
            ends = (effect for effect in item.effects if effect.target.state is SummaryState.OFFLINE)
            stopped |= {str(effect.csc) for effect in ends}
        elif one["kind"] == "BeatsChanged" and one["liveness"] == "silent" and one["csc"] not in stopped:
            found.append(f"{one['csc']} was called silent at {one['utc']}")
    return found
