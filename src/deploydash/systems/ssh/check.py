"""Whether every host is there and lets us do what a run may ask: read-only, side by side, a line for each host."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from deploydash.errors import FeedError
from deploydash.systems.ssh import argv as commands
from deploydash.systems.ssh import client
from deploydash.systems.ssh.hosts import Host, Hosts
from deploydash.systems.ssh.settings import Camera, Checkout, Crio, EssController, Machine, Service, SshSettings
from deploydash.systems.ssh.where import Login
from deploydash.systems.table import Finding, Place

HOST_S = 10.0
"""So long one host may take for everything; it delays none of the others."""

UPDATE = "./update_repo"

FIX = "have the host's administrator set it right (/etc/sudoers.d for sudo), or correct the host's row in the site file"
"""What to do about what a host does not let us do, or lacks."""

Told = tuple[tuple[str, str], ...]
"""What was found: levels (``ok``, ``warning``, ``red``) and sentences."""

Probe = Callable[[Host], Awaitable[Told]]


async def check(place: Place) -> tuple[Finding, ...]:
    """Return what is found of every host of a section."""
    settings = place.settings
    assert isinstance(settings, SshSettings)  # noqa: S101 - the table gives each system its own section
    if place.roster.rehearsal and not settings.at:
        return (Finding("warning", "ssh", "this rehearsal has no hosts: nothing of them can be tried"),)
    hosts = Hosts(settings.places(rehearsal=place.roster.rehearsal))
    wanted: dict[Login, list[Probe]] = {}
    for login, probe in _probes(settings):
        wanted.setdefault(login, []).append(probe)
    try:
        found = await asyncio.gather(*(_of_host(hosts, login, probes) for login, probes in wanted.items()))
    finally:
        await hosts.aclose()
    return tuple(finding for each in found for finding in each)


async def _of_host(hosts: Hosts, login: Login, probes: list[Probe]) -> tuple[Finding, ...]:
    subject = f"ssh {login.host}"
    try:
        async with asyncio.timeout(HOST_S), hosts.host(login) as host:
            told = [one for each in await asyncio.gather(*(_safe(probe, host) for probe in probes)) for one in each]
    except FeedError as error:
        return (Finding.refused(subject, error),)
    except TimeoutError:
        slow = "see whether the host is overloaded, then check again"
        return (Finding("red", subject, f"did not answer everything within {HOST_S:g} s", slow),)
    wrong = [(level, sentence) for level, sentence in dict.fromkeys(told) if level != "ok"]
    fine = "; ".join(dict.fromkeys(sentence for level, sentence in told if level == "ok"))
    findings = [
        Finding("red", subject, sentence, FIX) if level == "red" else Finding("warning", subject, sentence)
        for level, sentence in wrong
    ]
    return tuple(findings) or (Finding("ok", subject, fine or "lets us in"),)


async def _safe(probe: Probe, host: Host) -> Told:
    try:
        return await probe(host)
    except FeedError as error:
        return (("red", error.message),)


def _probes(settings: SshSettings) -> Iterator[tuple[Login, Probe]]:
    """Yield what has to be asked of which host."""
    for camera in settings.cameras:
        yield Login.parse(camera.host), partial(_camera, row=camera)
    for service in settings.bare_metal:
        yield Login.parse(service.ssh), partial(_service, row=service)
    for checkout in settings.checkouts:
        yield Login.parse(checkout.ssh), partial(_checkout, row=checkout)
    for controller in settings.ess_controllers:
        yield Login.parse(controller.ssh), partial(_controller, row=controller)
    for crio in settings.crios:
        yield Login.parse(crio.ssh), partial(_crio, row=crio)
    for machine in settings.machines:
        yield Login.parse(machine.ssh), partial(_machine, row=machine)


async def _camera(host: Host, row: Camera) -> Told:
    told = list(await _unit(host, row.unit))
    shell = await host.run(("test", "-x", commands.CCS_SHELL))
    if not shell.ok:
        told.append(("red", f"there is no {commands.CCS_SHELL}: the camera cannot be made available from here"))
    if row.as_user and not (await host.run(("sudo", "-n", "-l", "-u", row.as_user, commands.CCS_SHELL))).ok:
        told.append(("red", f"you may not run {commands.CCS_SHELL} as {row.as_user} without a password"))
    return tuple(told)


async def _unit(host: Host, name: str) -> Told:
    unit = await client.unit(host, name)
    if unit.absent:
        there = ", ".join(await client.units_like(host, "*ocs-bridge.service")) or "none"
        return (("red", f"there is no unit {name}; bridges there are: {there}"),)
    ways = await asyncio.gather(*(client.unit_way(host, verb, name) for verb in ("stop", "start")))
    barred = [verb for verb, way in zip(("stop", "start"), ways, strict=True) if way is None]
    if barred:
        return (("red", f"you may not `sudo systemctl {barred[0]} {name}` there without a password"),)
    return (("ok", f"{name} is {unit}, you may stop and start it"),)


async def _service(host: Host, row: Service) -> Told:
    if row.unit:
        return await _unit(host, row.unit)
    scripts = [words.split()[0] for words in (row.stop, row.start) if words]
    if told := await _scripts(host, row.as_user or "", *scripts):
        return told
    if row.containers:
        found = await client.containers(host, row.as_user or "", row.containers)
        running = ", ".join(one.name for one in found if one.running) or "none of its containers"
        return (("ok", f"{row.name}: {running} running, you may stop and start it"),)
    runs = await client.pids(host, row.process or "")
    return (("ok", f"{row.name}: {row.process} {'runs' if runs else 'does not run'}"),)


async def _scripts(host: Host, user: str, *paths: str) -> Told:
    """Return what keeps scripts from being run, nothing where nothing does."""
    for path in dict.fromkeys(paths):
        if why := await client.why_not_runnable(host, path, user):
            return (("red", why),)
    return ()


async def _checkout(host: Host, row: Checkout) -> Told:
    return await _scripts(host, row.as_user, UPDATE) or await _copy(host, row.as_user, row.directory.rstrip("/"))


async def _copy(host: Host, user: str, directory: str) -> Told:
    branch, head, edits = await client.repository(host, user, directory)
    changed = [str(edit) for edit in edits if not edit.untracked]
    if changed:
        return (("warning", f"{directory} has local edits that an update saves and resets: {', '.join(changed[:4])}"),)
    return (("ok", f"{directory} is clean, {branch} at {head[:10]}"),)


async def _controller(host: Host, row: EssController) -> Told:
    words = [line.split()[0] for line in (*row.stop, *row.start)]
    if told := await _scripts(host, row.as_user, UPDATE, *words):
        return told
    found = await client.containers(host, row.as_user, row.containers)
    running = ", ".join(f"{one.name} with {one.tag}" for one in found if one.running) or "no container"
    return (("ok", f"{running} running"), *await _copy(host, row.as_user, row.directory.rstrip("/")))


async def _crio(host: Host, row: Crio) -> Told:
    return await _scripts(host, "", row.start.split()[0]) or (("ok", f"{row.binary} can be started"),)


async def _machine(host: Host, row: Machine) -> Told:
    del row
    if not (await host.run(commands.reboot_right())).ok:
        return (("red", "you may not `sudo systemctl reboot` there without a password"),)
    return (("ok", "you may reboot it"),)
