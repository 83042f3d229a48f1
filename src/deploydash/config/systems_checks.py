"""What the ``systems:`` block of a site file has to do with the rest of the file, and with the site's network."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from deploydash.config.systems import Systems, WholeSiteFile
from deploydash.config.yaml_lines import Document, Path, key_text
from deploydash.core.model import CscId
from deploydash.errors import Problem


def systems_errors(site: WholeSiteFile, document: Document, file: str) -> Iterator[Problem]:
    """Yield every contradiction: CSCs that the roster lacks, hosts of another site, cameras without a bridge."""
    if site.systems is None:
        return
    roster = {row.csc for row in site.cscs}
    for path, text in _cscs(site.systems):
        csc = CscId.parse(text)
        if csc not in roster:
            near = get_close_matches(text, [str(known) for known in roster], 1)
            hint = f"did you mean {near[0]}?" if near else "add it to cscs"
            yield Problem(file, document.line(path), key_text(path), f"{csc} is not in the roster", hint)
    if not site.rehearsal:
        yield from _foreign_hosts(site.systems, document, file)
    bridged = {CscId.parse(camera.csc) for camera in site.systems.cameras}
    for at, row in enumerate(site.cscs):
        if row.camera and row.csc not in bridged:
            path = ("cscs", at)
            hint = "add it to systems.cameras with its host and unit"
            yield Problem(file, document.line(path), key_text(path), f"{row.csc} is a camera without a bridge", hint)


def _cscs(systems: Systems) -> Iterator[tuple[Path, str]]:
    for at, camera in enumerate(systems.cameras):
        yield ("systems", "cameras", at, "csc"), camera.csc
    for key in ("bare_metal", "ess_controllers", "crios"):
        for at, row in enumerate(getattr(systems, key)):
            yield from ((("systems", key, at, "cscs"), csc) for csc in row.cscs)
    for at, space in enumerate(systems.kubernetes.namespaces):
        for job, csc in space.jobs.items():
            yield ("systems", "kubernetes", "namespaces", at, "jobs", job), csc


def _foreign_hosts(systems: Systems, document: Document, file: str) -> Iterator[Problem]:
    """Yield hosts outside the site's domain, so that no command of one site can reach another."""
    for key, field in (
        ("cameras", "host"),
        ("bare_metal", "ssh"),
        ("checkouts", "ssh"),
        ("ess_controllers", "ssh"),
        ("crios", "ssh"),
    ):
        for at, row in enumerate(getattr(systems, key)):
            host = getattr(row, field).rpartition("@")[2]
            if not host.endswith(f".{systems.ssh_domain}"):
                path = ("systems", key, at, field)
                message = f"{host} is not a host of this site"
                hint = f"hosts here end in .{systems.ssh_domain}"
                yield Problem(file, document.line(path), key_text(path), message, hint)
