"""``owners.yaml``: who looks after which CSC. It names people, so it is each user's own and never part of a project.

It stands in the user's configuration directory and is optional. Its owners go to the screen alone: neither the
journal nor a report holds them, because both are handed on. An example is ``sites/examples/owners.yaml``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from deploydash.config.load import read_text
from deploydash.config.shape import empty_values, shape_problems
from deploydash.config.yaml_lines import Document, key_text, read_yaml
from deploydash.core.model import CscId, Roster
from deploydash.core.owners import Owner
from deploydash.errors import ConfigurationError, Problem

FILE = "owners.yaml"


def _named(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f'must be a CSC such as Watcher, "ESS:104" or "ESS:*", not {value!r}')  # noqa: TRY004 pydantic's way
    text = value.strip()
    CscId.parse(text.removesuffix(":*"))
    if text.endswith(":*") and text.count(":") > 1:
        raise ValueError(f"{text!r} is not a CSC: * stands for a whole index", 'write "ESS:*" for every ESS')
    return text if text.endswith(":*") else str(CscId.parse(text))


class OwnerEntry(BaseModel):
    """One team and its CSCs.

    ``says_go_for``: the owners of a site file (``systems.person.owners``) for whom it says yes or no; ``person``: who
    of the team does so, else the team is named.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    owner: Annotated[str, Field(min_length=1)]
    contact: str = ""
    cscs: Annotated[tuple[Annotated[str, BeforeValidator(_named)], ...], Field(min_length=1, strict=False)] = ()
    says_go_for: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1, strict=False)] = ()
    person: str = ""


class OwnersFile(BaseModel):
    """The whole file. ``me``: this user's own name, as sign-offs have it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    me: str = ""
    owners: tuple[OwnerEntry, ...] = ()


def load_owners(path: Path, roster: Roster) -> dict[CscId, Owner]:
    """Return the owner of each CSC of a site that the file names one for; nothing where there is no file.

    A CSC named by itself wins over its component's ``:*``. What the roster lacks is of another site and left out.

    Raises:
        ConfigurationError: the file cannot be read or used; all its problems are named.
    """
    return parse_owners(read_text(path), path, roster) if path.exists() else {}


def parse_owners(text: str, path: Path, roster: Roster) -> dict[CscId, Owner]:
    """Return what a text says; ``path`` is where it was read, for its problems.

    Raises:
        ConfigurationError: it cannot be used; all its problems are named.
    """
    found = _file(text, path)
    by_name = {name: Owner(entry.owner, entry.contact) for entry in found.owners for name in entry.cscs}
    each = ((spec.csc, by_name.get(str(spec.csc)) or by_name.get(f"{spec.csc.name}:*")) for spec in roster.cscs)
    return {csc: owner for csc, owner in each if owner is not None}


def load_speakers(path: Path) -> dict[str, Owner]:
    """Return who says yes or no for each owner of a site file that the file names one for.

    Raises:
        ConfigurationError: as in load_owners.
    """
    found = _file(read_text(path), path).owners if path.exists() else ()
    return {name: Owner(entry.person or entry.owner, entry.contact) for entry in found for name in entry.says_go_for}


def load_me(path: Path) -> str:
    """Return the name of this user, empty where the file names none.

    Raises:
        ConfigurationError: as in load_owners.
    """
    return _file(read_text(path), path).me.strip() if path.exists() else ""


def _file(text: str, path: Path) -> OwnersFile:
    file = str(path)
    document = read_yaml(text, file)
    if not document.problems and not isinstance(document.data, dict):
        hint = "begin with owners: and a list of {owner, contact, cscs}"
        document.problems.append(Problem(file, 0, "", "the file must be a mapping", hint))
    if not isinstance(document.data, dict):
        raise ConfigurationError(tuple(document.problems))
    empty = empty_values(document, file)
    problems = [*document.problems, *empty]
    try:
        found = OwnersFile.model_validate(document.data)
    except ValidationError as error:
        named = {problem.key for problem in empty}
        shape = shape_problems(OwnersFile, error, document, file)
        problems += (problem for problem in shape if problem.key not in named)
    else:
        problems += [*_twice(found, document, file, "cscs"), *_twice(found, document, file, "says_go_for")]
        problems += _of_nothing(found, document, file)
    if problems:
        raise ConfigurationError(tuple(sorted(problems, key=lambda problem: problem.line)))
    return found


def _of_nothing(found: OwnersFile, document: Document, file: str) -> list[Problem]:
    hint = "say for which CSCs, or says_go_for which owners of the site file"
    return [
        Problem(file, document.line(("owners", at)), key_text(("owners", at)), f"{entry.owner} owns nothing", hint)
        for at, entry in enumerate(found.owners)
        if not entry.cscs and not entry.says_go_for
    ]


def _twice(found: OwnersFile, document: Document, file: str, key: str) -> list[Problem]:
    first: dict[str, int] = {}
    problems = []
    for at, entry in enumerate(found.owners):
        for number, name in enumerate(getattr(entry, key)):
            path = ("owners", at, key, number)
            line = document.line(path)
            if name in first:
                message = f"{name} has an owner already, in line {first[name]}"
                problems.append(Problem(file, line, key_text(path), message, "keep one of them"))
            first.setdefault(name, line)
    return problems
