"""What a project file of Inmanta says of its release: install mode, pre-releases, frozen modules. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

_PIN = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*==\s*([A-Za-z0-9_.+!-]+)\s*")


def project_of(text: str) -> Mapping[str, Any]:
    """Return what a project file says.

    Raises:
        ValueError: it is no mapping in YAML; says why.
    """
    try:
        told = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"project.yml is no YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(told, dict):
        raise ValueError("project.yml is no mapping")  # noqa: TRY004 - for whom it is a wrong value
    return told


def not_for_release(project: Mapping[str, Any]) -> list[str]:
    """Return what keeps a project from a release: freezing it would say nothing of these."""
    wrong = []
    mode = project.get("install_mode", "release")
    if mode != "release":
        wrong.append(f"install_mode is {mode}, not release")
    pip = project.get("pip")
    if isinstance(pip, dict) and pip.get("pre") is not None:
        wrong.append(f"pip.pre is set ({str(pip['pre']).lower()})")
    return wrong


def pinned(project: Mapping[str, Any]) -> dict[str, str]:
    """Return the module versions that a project is frozen to; what is no exact version is left out."""
    told = project.get("requires")
    found = (_PIN.fullmatch(str(line)) for line in (told if isinstance(told, list) else ()))
    return {match[1]: match[2] for match in found if match}


def wrong_pins(project: Mapping[str, Any], expected: Mapping[str, str]) -> list[str]:
    """Return where the frozen versions are not the expected ones, a sentence for each."""
    told = project.get("requires")
    pins = pinned(project)
    loose = [str(line) for line in (told if isinstance(told, list) else ()) if not _PIN.fullmatch(str(line))]
    wrong = [f"{line} is no exact version" for line in loose]
    for name, version in expected.items():
        if pins.get(name) != version:
            wrong.append(f"{name} is {pins.get(name, 'not frozen')}, expected {version}")
    wrong += [
        f"{name} {version} is not among the expected modules" for name, version in pins.items() if name not in expected
    ]
    return wrong
