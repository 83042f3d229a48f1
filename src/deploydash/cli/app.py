"""The commands and their options; each command's work is in the module of its name."""

from __future__ import annotations

import logging
import re
import signal
import sys
from contextlib import nullcontext
from enum import StrEnum
from typing import Annotated, Any

import typer

from deploydash.cli import streams
from deploydash.cli.exits import Exit
from deploydash.cli.places import log_to_file, places
from deploydash.cli.running import ENDING
from deploydash.errors import ConfigurationError, UserError
from deploydash.loading import loaded

log = logging.getLogger(__name__)

ANSWERS = frozenset({Exit.YES, Exit.NO})
"""What is no answer when it could not be written."""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Watch a Rubin control-system upgrade from one terminal.",
)


class Theme(StrEnum):
    """The themes of the screen by name."""

    LOVE = "love"
    OKABE_ITO = "okabe-ito"
    HIGH_CONTRAST = "high-contrast"
    MONO = "mono"


def theme_named(text: str) -> Theme:
    """Read a theme's name.

    Raises:
        typer.BadParameter: there is none of this name.
    """
    try:
        return Theme(text)
    except ValueError:
        known = ", ".join(repr(theme.value) for theme in Theme)
        raise typer.BadParameter(f"{text!r} is not one of {known}") from None


def site_names(incomplete: str) -> list[str]:
    """Return the names of the sites that are known, for the shell's completion."""
    return [name for name in work("completing").sites() if name.startswith(incomplete)]


def runbook_names(incomplete: str) -> list[str]:
    """Return the names of the runbooks that ship, for the shell's completion."""
    return [name for name in work("completing").runbooks() if name.startswith(incomplete)]


def run_names(incomplete: str) -> list[str]:
    """Return the ids of the runs on this machine, for the shell's completion."""
    return [name for name in work("completing").runs() if name.startswith(incomplete)]


SiteArgument = Annotated[
    str,
    typer.Argument(
        metavar="SITE",
        help="A site's name (see: sites) or the path of its file.",
        autocompletion=site_names,
    ),
]
TargetOption = Annotated[
    str, typer.Option("--target", metavar="TARGET", help="A state such as STANDBY, or startup, end, shutdown.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ThemeOption = Annotated[
    Theme | None, typer.Option("--theme", parser=theme_named, metavar=f"<{'|'.join(Theme)}>", help="Colours.")
]
OnlyOption = Annotated[
    str | None, typer.Option("--only", metavar="PATTERN", help="A comma list of CSCs; ESS:* is allowed.")
]
TmuxOption = Annotated[
    bool, typer.Option("--tmux", help="Inside a tmux session of its own, which others can mirror read-only.")
]

RUNBOOK_HELP = "full-cycle, incremental, recovery, revert, or a file."
RUN_HELP = "An id or its beginning; else the open one."
PATH_HELP = "An id, its beginning, or a path."

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


def seconds(text: str) -> float:
    """Read a duration: ``15``, ``15s``, ``30m`` or ``2h``.

    Raises:
        typer.BadParameter: it is none.
    """
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)([smh]?)", text.strip())
    if match is None or float(match[1]) <= 0:
        raise typer.BadParameter(f"{text!r} is no duration: write 15s, 30m or 2h")
    return float(match[1]) * UNITS[match[2]]


def work(module: str) -> Any:
    """Return a command's module. Loaded when called for, so that no command pays for another's libraries."""
    return loaded(f"deploydash.cli.{module}")


def tell_version(asked: bool) -> None:
    """Print the version and leave."""
    if asked:
        from importlib import metadata  # noqa: PLC0415 - a tenth of what the rest of the command line costs

        print(f"deploydash {metadata.version('deploydash')}")
        raise typer.Exit


@app.callback()
def before_every_command(
    version: Annotated[  # noqa: ARG001 - answered before anything else
        bool, typer.Option("--version", help="Print the version and leave.", callback=tell_version, is_eager=True)
    ] = False,
) -> None:
    """Watch a Rubin control-system upgrade from one terminal."""
    log_to_file(places().state)


@app.command()
def watch(site: SiteArgument, target: TargetOption = "startup", theme: ThemeOption = None) -> int:
    """Show the live grid alone; loads nothing that can act.

    Example: deploydash watch summit
    """
    return int(work("watch").run(site, target, theme=theme))


@app.command()
def status(
    site: SiteArgument,
    target: TargetOption = "startup",
    as_json: JsonOption = False,
    timeout: Annotated[str, typer.Option(help="Longest time to look, such as 15s.")] = "15s",
) -> int:
    """Print one truthful snapshot, then exit: 0 all at target, 1 not, 3 cannot tell.

    Example: deploydash status summit --target STANDBY --json
    """
    return int(work("status").run(site, target, as_json=as_json, limit_s=seconds(timeout)))


@app.command()
def wait(
    site: SiteArgument,
    target: TargetOption = "startup",
    only: OnlyOption = None,
    timeout: Annotated[str, typer.Option(help="Limit, such as 30m.")] = "30m",
    as_json: JsonOption = False,
) -> int:
    """Wait until every CSC is at its target: 0 all arrived, 1 the limit passed, 3 cannot tell.

    Example: deploydash wait summit --target STANDBY --only 'ESS:*,Watcher' --timeout 30m
    """
    return int(work("wait").run(site, target, only, limit_s=seconds(timeout), as_json=as_json))


@app.command()
def check(
    site: SiteArgument,
    runbook: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUNBOOK]", help="Only what this runbook touches; else everything.", autocompletion=runbook_names
        ),
    ] = None,
    branch: Annotated[
        str, typer.Option("--branch", metavar="BRANCH", help="The cycle's branch: its pull request is looked at, too.")
    ] = "",
    as_json: JsonOption = False,
) -> int:
    """Check the configuration, then ask read-only everything that a run would touch; says what to do where it is red.

    It can be run days before. Exit codes: 0 nothing is red, 1 something is, 2 the configuration cannot be used.

    Example: deploydash check tucson-teststand full-cycle --branch OSW-1234
    """
    return int(work("check").run(site, runbook, branch=branch, as_json=as_json))


@app.command()
def sites(as_json: JsonOption = False) -> int:
    """List the sites that are known and where each file was found.

    Example: deploydash sites
    """
    return int(work("sites").run(as_json=as_json))


@app.command()
def windows(site: SiteArgument) -> int:
    """Say when the next maintenance windows of a site are, in its own time and UTC; contacts nobody.

    Example: deploydash windows summit
    """
    return int(work("windows").run(site))


@app.command()
def checklist(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="An id or its beginning; else the open one.")] = None,
) -> int:
    """Print a run as Markdown task lists, ticked from its journal, ready for a ticket.

    Example: deploydash checklist summit-c0045
    """
    return int(work("checklist").run(run))


@app.command()
def run(
    site: SiteArgument,
    runbook: Annotated[str, typer.Argument(metavar="RUNBOOK", help=RUNBOOK_HELP, autocompletion=runbook_names)],
    cycle: Annotated[str, typer.Option(help="The cycle, such as c0045.")] = "",
    only: OnlyOption = None,
    theme: ThemeOption = None,
    tmux: TmuxOption = False,
    run_id: Annotated[str | None, typer.Option("--id", hidden=True, help="The run's id, as --tmux gives it.")] = None,
) -> int:
    """Drive an upgrade: the grid with the runbook beside it; every step waits for the lead's key.

    With --tmux it goes on when this terminal is lost, and a second operator can look at it read-only.
    Exit codes: 0 the run is closed, 1 it was left open, 2 nothing was opened, 4 another process holds it; 129 its
    terminal was lost (what is under way is followed to its end first), 130 ctrl+c, 143 SIGTERM: deploydash resume RUN.

    Example: deploydash run summit full-cycle --cycle c0045 --tmux
    """
    return int(work("run").open_new(site, runbook, cycle, only, theme=theme, in_tmux=tmux, run_id=run_id))


@app.command()
def resume(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help=RUN_HELP, autocompletion=run_names)] = None,
    theme: ThemeOption = None,
    tmux: TmuxOption = False,
) -> int:
    """Go on with an open run at the exact step; what was under way when it stopped is shown as unknown.

    With --tmux it also leads back to a run that still goes on in its tmux session.
    Exit codes: 0 the run is closed, 1 it was left open, 2 it cannot be resumed, 4 another process holds it; 129 its
    terminal was lost (what is under way is followed to its end first), 130 ctrl+c, 143 SIGTERM: deploydash resume RUN.

    Example: deploydash resume summit-c0045 --tmux
    """
    return int(work("run").resume(run, theme=theme, in_tmux=tmux))


@app.command()
def observe(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help=PATH_HELP, autocompletion=run_names)] = None,
    theme: ThemeOption = None,
) -> int:
    """Follow a run read-only, from its journal, with a cursor, filter and window size of your own.

    H asks the lead's process to hold; no other key acts. Another user's run is named by the path of its folder.

    Example: deploydash observe summit-c0045
    """
    return int(work("observe").run(run, theme=theme))


@app.command()
def replay(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help=PATH_HELP, autocompletion=run_names)] = None,
    speed: Annotated[float, typer.Option(min=0.1, max=1000.0, help="How many times faster than it was.")] = 1.0,
    theme: ThemeOption = None,
) -> int:
    """Show a run again from its journal, read-only; time in which nobody had it open is left out.

    Example: deploydash replay summit-c0045 --speed 20
    """
    return int(work("replay").run(run, speed=speed, theme=theme))


@app.command()
def report(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help=RUN_HELP, autocompletion=run_names)] = None,
    form: Annotated[str, typer.Option("--format", help="md or html.")] = "md",
    output: Annotated[str | None, typer.Option(metavar="FILE", help="Write it here instead of printing it.")] = None,
) -> int:
    """Tell a run's journal for people: who pressed what, how long it took, what was waived, what is still owed.

    Example: deploydash report summit-c0045 --format html --output report.html
    """
    return int(work("report").run(run, form, output))


@app.command()
def plan(
    site: SiteArgument,
    runbook: Annotated[str, typer.Argument(metavar="RUNBOOK", help=RUNBOOK_HELP, autocompletion=runbook_names)],
    only: OnlyOption = None,
    as_json: JsonOption = False,
) -> int:
    """Print every step with its resolved targets and exact commands; contacts nobody.

    Example: deploydash plan summit full-cycle
    """
    return int(work("plan").run(site, runbook, only, as_json=as_json))


@app.command()
def runs(as_json: JsonOption = False) -> int:
    """List the runs on this machine: site, runbook, open or closed, and who holds them.

    Example: deploydash runs
    """
    return int(work("runs").run(as_json=as_json))


@app.command()
def demo(
    site: Annotated[str, typer.Option(metavar="SITE", help="The site to rehearse.")] = "summit",
    scenario: Annotated[str, typer.Option(help="A scenario's name or the path of its file.")] = "mixed",
    speed: Annotated[float, typer.Option(min=0.1, max=1000.0, help="Speeds the world's delays, never beats.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The world's seed.")] = 1,
    target: TargetOption = "startup",
    theme: ThemeOption = None,
    serve: Annotated[bool, typer.Option("--serve", help="No screen; the first line of output is JSON.")] = False,
) -> int:
    """Rehearse a site against the built-in demo observatory.

    Example: deploydash demo --site summit --scenario csc-faults --speed 20
    """
    module = work("demo")
    command = module.arguments(site, scenario, speed, seed)
    return int(module.serve(command) if serve else module.run(command, target, theme=theme))


@app.command()
def man(
    install: Annotated[bool, typer.Option("--install", help="Put it where man finds it, for this user.")] = False,
) -> int:
    """Print the manual page; --install makes `man deploydash` show it.

    The shell's completion is installed by: deploydash --install-completion

    Example: deploydash man --install
    """
    return int(work("man").run(app, install=install))


def main() -> None:
    """Run the command line; every error is a sentence on stderr and an exit code, never a traceback."""
    streams.make_safe()
    for number in ENDING:
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    code = _code_of_command()
    if why := streams.lost():
        print(f"deploydash: standard output cannot be written: {why}", file=sys.stderr)
        code = Exit.CANNOT_TELL if code in ANSWERS else code
    sys.exit(code)


def _code_of_command() -> int:
    try:
        with streams.drawing() if _asks_for_help() else nullcontext():
            return int(app(prog_name="deploydash", standalone_mode=False))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return Exit.USAGE
    except UserError as error:
        print(f"deploydash: {error}", file=sys.stderr)
        return Exit.HELD_BY_ANOTHER if _is_held(error) else Exit.USAGE
    except typer.TyperException as error:
        if said := error.format_message():
            print(f"deploydash: {said} (deploydash --help shows what there is)", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED
    except streams.OutputLost:
        return Exit.CANNOT_TELL
    except Exception as error:
        log.exception("a fault of deploydash itself")
        where = places().state / "deploydash.log"
        print(f"deploydash: a fault of its own, {_first_of(error)}; the log {where} has the details", file=sys.stderr)
        return Exit.CANNOT_TELL


def _asks_for_help() -> bool:
    return sys.argv[1:] in ([], ["--help"]) or sys.argv[2:] == ["--help"]


def _is_held(error: UserError) -> bool:
    from deploydash.journal.write import HeldByAnother  # noqa: PLC0415 - no command pays for a journal it has not

    return isinstance(error, HeldByAnother)


def _first_of(error: Exception) -> str:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
