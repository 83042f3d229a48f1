"""Secrets and salobj's settings, from the environment or from files that it points to. Values are never shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploydash.config.load import read_text
from deploydash.config.yaml_lines import read_yaml
from deploydash.errors import ConfigurationError, Problem

CLIENT_FILE = "LSST_KAFKA_BROKER_CLIENT_CONFIGURATION"
"""Names a YAML file of librdkafka settings; in salobj what it says wins over the other variables (sal_info.py)."""

CLIENT_KEYS = (
    "bootstrap.servers",
    "security.protocol",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.username",
    "sasl.password",
    "ssl.ca.location",
)
"""What is taken from that file. Its other settings tune librdkafka and mean nothing here."""

ENVIRONMENT = "environment"
"""Stands in problems where otherwise a file's name does."""


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def trimmed(environ: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return these variables as they are meant: without the white space around them, of a password the line ends."""
    return {
        name: environ[name].strip("\r\n" if name.endswith("_PASSWORD") else None) for name in names if name in environ
    }


def control_characters(environ: Mapping[str, str]) -> list[Problem]:
    """Return a problem for each variable whose value cannot be what was meant; the value itself is not shown."""
    return [
        environment_problem(name, "holds a control character or a line end", "export it anew, on one line")
        for name, value in sorted(environ.items())
        if _CONTROL.search(value)
    ]


def environment_problem(variable: str, message: str, hint: str = "") -> Problem:
    """Return a problem with an environment variable."""
    return Problem(ENVIRONMENT, 0, variable, message, hint)


def secret(environ: Mapping[str, str], variable: str) -> str:
    """Return a secret: the variable's value, else the text of the file that ``<variable>_FILE`` names, else nothing.

    White space at the end of the file does not count.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    if value := environ.get(variable, ""):
        return value
    pointer = f"{variable}_FILE"
    if not (name := environ.get(pointer, "")):
        return ""
    try:
        return read_text(Path(name).expanduser()).rstrip()
    except ConfigurationError as error:
        problem = environment_problem(pointer, f"{name} {error.problems[0].message}", "name a file that you may read")
        raise ConfigurationError((problem,)) from None


def client_file(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in salobj's broker client configuration file, empty without one.

    Raises:
        ConfigurationError: the file cannot be read or used.
    """
    name = environ.get(CLIENT_FILE, "")
    if not name:
        return {}
    try:
        text = read_text(Path(name).expanduser())
    except ConfigurationError as error:
        problem = environment_problem(CLIENT_FILE, f"{name} {error.problems[0].message}", "correct or unset it")
        raise ConfigurationError((problem,)) from None
    document = read_yaml(text, name)
    problems = list(document.problems)
    data = document.data if isinstance(document.data, dict) else {}
    if not problems and document.data is not None and not isinstance(document.data, dict):
        problems.append(Problem(name, 1, "", "must be a mapping of librdkafka settings", f"{CLIENT_FILE} names it"))
    problems += [
        Problem(name, document.line((key,)), key, "must be text", "put it in quotes")
        for key in CLIENT_KEYS
        if key in data and not isinstance(data[key], str)
    ]
    if problems:
        raise ConfigurationError(tuple(problems))
    found = {key: data[key] if key == "sasl.password" else data[key].strip() for key in CLIENT_KEYS if data.get(key)}
    problems = [
        Problem(name, document.line((key,)), key, "holds a control character or a line end", "write it on one line")
        for key, value in found.items()
        if _CONTROL.search(value)
    ]
    if problems:
        raise ConfigurationError(tuple(problems))
    return {key: value for key, value in found.items() if value}
