"""``man``: the manual page, made of the commands' own help, printed or put where ``man deploydash`` finds it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import platformdirs
import typer

from deploydash.cli.exits import Exit
from deploydash.errors import UserError

PAGE = "deploydash.1"


def run(app: typer.Typer, *, install: bool) -> Exit:
    """Print the page, or install it for this user.

    Raises:
        UserError: its folder cannot be written.
    """
    text = "\n".join(page(typer.main.get_command(app))) + "\n"
    if not install:
        print(text, end="")
        return Exit.YES
    path = folder() / PAGE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from error
    print(f"{path} is written: man deploydash (if man does not find it, add {path.parents[1]} to MANPATH)")
    return Exit.YES


def folder() -> Path:
    """Return where this user's manual pages of commands are."""
    return platformdirs.user_data_path("man") / "man1"


def page(root: Any) -> Iterator[str]:
    """Yield the lines of a page in man's own macros: every command with its arguments, options and example.

    ``root``: the command that typer makes of the program.
    """
    yield f'.TH DEPLOYDASH 1 "" "deploydash {metadata.version("deploydash")}" "User Commands"'
    yield ".SH NAME"
    yield _text(f"deploydash \\- {root.help or ''}")
    yield ".SH SYNOPSIS"
    yield ".B deploydash"
    yield "COMMAND [ARGUMENTS] [OPTIONS]"
    yield ".SH COMMANDS"
    for name, command in root.commands.items():
        if not command.hidden:
            yield from _command(name, command)
    yield ".SH ENVIRONMENT"
    for variable, words in ENVIRONMENT:
        yield from (".TP", f".B {_text(variable)}", _text(words))


ENVIRONMENT = (
    ("LSST_KAFKA_*, LSST_SCHEMA_REGISTRY_URL, LSST_TOPIC_SUBNAME", "as salobj reads them; a rehearsal ignores them"),
    ("EFD_USERNAME, EFD_PASSWORD", "for the EFD"),
    ("ARGOCD_AUTH_TOKEN, ARGOCD_SERVER", "in place of the argocd CLI's own login"),
    ("DEPLOYDASH_STATE_DIR", "where runs and the log are kept"),
    ("NO_COLOR, TERM, COLORTERM", "as elsewhere"),
)


def _command(name: str, command: Any) -> Iterator[str]:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    yield f".SS {_text(name)}"
    yield _text(" ".join(["deploydash", name, *(str(each.metavar or each.name) for each in arguments)]))
    yield ".PP"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield from (_text(" ".join(paragraph.split())), ".PP")
    for each in (*arguments, *options):
        yield from (".TP", f".B {_text(', '.join(_names(each)))}", _text(getattr(each, "help", None) or ""))


def _names(parameter: Any) -> Iterable[str]:
    if parameter.param_type_name == "argument":
        return [str(parameter.metavar or parameter.name).strip("[]")]
    return [*parameter.opts, *parameter.secondary_opts]


def _text(words: str) -> str:
    """Return a line in which nothing reads as a request of roff."""
    line = " ".join(words.split()).replace("\\-", "\0").replace("\\", "\\e").replace("-", "\\-").replace("\0", "\\-")
    return f"\\&{line}" if line[:1] in {".", "'"} else line
