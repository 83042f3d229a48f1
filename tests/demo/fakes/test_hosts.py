"""Hosts over real SSH: what their programs do to the one world, what they say, and how each fault meets a client."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import yaml

from deploydash.demo import site
from deploydash.demo.csc import Process
from deploydash.demo.fakes.hosts import FAULTS, Hosts
from deploydash.demo.fakes.hosts_life import Life
from deploydash.demo.states import AVAILABLE, PUBLISH_ONLY, State
from deploydash.demo.world import World
from deploydash.systems.ssh.answers import Alone, read_alone, read_status
from deploydash.systems.ssh.argv import begin_alone, look_alone
from tests.demo.harness import SITE
from tests.servers.waiting import patient, wait_until, within

SSH = {
    "domain": "example.org",
    "cameras": [
        {"csc": "ATCamera", "host": "at.example.org", "unit": "ats-ocs-bridge.service", "ccs_target": "ats-ocs-bridge"},
        {"csc": "MTCamera", "host": "mt.example.org", "unit": "ocs-bridge.service", "ccs_target": "ocs-bridge"},
    ],
    "bare_metal": [
        {
            "name": "generic cameras",
            "ssh": "azar.example.org",
            "cscs": ["GenericCamera:101", "GenericCamera:102"],
            "as": "dco",
            "stop": "./shutdown_gc",
            "start": "./launch_gc",
            "containers": ["genericcamera101", "genericcamera102"],
        },
        {
            "name": "vibration",
            "ssh": "admin@vms.example.org",
            "cscs": ["MTVMS:1"],
            "stop": "/etc/init.d/ts-VMS stop",
            "start": "/etc/init.d/ts-VMS start",
            "process": "ts-VMSd",
        },
    ],
    "checkouts": [{"ssh": "azar.example.org", "directory": "docker-compose-ops"}],
    "ess_controllers": [
        {"ssh": "ess.example.org", "stop": ["./shutdown_controller"], "start": ["./launch_controller"]}
    ],
    "crios": [{"ssh": "admin@vms.example.org", "repository": "ts_vms", "binary": "ts-VMSd"}],
    "machines": [{"ssh": "azar02.example.org"}],
}
CSCS = [
    *({"csc": name, "startup": "OFFLINE/AVAILABLE", "camera": True} for name in ("ATCamera", "MTCamera")),
    *({"csc": name} for name in ("GenericCamera:101", "GenericCamera:102", "MTVMS:1")),
]

DCO = "sudo -n -iu dco"
PS = f"{DCO} docker ps --all --no-trunc --format '{{{{.ID}}}}|{{{{.Names}}}}|{{{{.State}}}}|{{{{.Image}}}}'"
OPS = f"{DCO} git -C docker-compose-ops"
CCS = "/opt/lsst/ccs/prod/bin/ccs-shell"


class Client:
    """Whoever logs in to the hosts, and the world that they are in."""

    def __init__(self, world: World, hosts: Hosts, at: dict[str, Any]) -> None:
        self.world = world
        self.hosts = hosts
        self._at = at

    async def ask(self, host: str, command: str, text: str = "") -> tuple[int | None, str]:
        """The exit status of a command, None where nobody knows it, and all that it said."""
        place = self._at[f"{host}.example.org"]
        async with asyncssh.connect(
            place["address"],
            place["port"],
            username="lead",
            client_keys=place["client_keys"],
            known_hosts=asyncssh.import_known_hosts(f"[127.0.0.1]:{place['port']} {place['host_key']}\n"),
            agent_path=None,
            config=None,
        ) as connection:
            done = await asyncio.wait_for(connection.run(command, input=text), patient(5))
            return done.exit_status, f"{done.stdout!s}{done.stderr!s}"

    def process(self, name: str) -> Process | None:
        """The process of a CSC that runs."""
        csc = next(csc for csc in self.world.site.cscs if csc.name == name)
        return next(iter(self.world.running(csc)), None)

    async def until(self, name: str, state: State, substate: int | None = None) -> None:
        """Wait until a CSC's process is there."""

        def there() -> bool:
            found = self.process(name)
            return found is not None and (found.state, found.substate) == (state, substate)

        await asyncio.to_thread(wait_until, there, 2, f"{name} {state.name}")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    where = tmp_path / "hill.yaml"
    where.write_text(yaml.safe_dump({**SITE, "cscs": CSCS, "systems": {"ssh": SSH}}), "utf-8")
    world = World(site.read(where, speed=500.0), 1, 500.0)
    hosts = Hosts(world)
    section = await hosts.start()

    async def live() -> None:
        while True:
            world.turn(time.time())
            await asyncio.sleep(0.005)

    world.now = time.time()
    for csc in world.site.cscs:
        world.start(csc)
    living = asyncio.create_task(live())
    yield Client(world, hosts, section["systems"]["ssh"]["at"])
    living.cancel()
    await hosts.stop()


async def test_a_bridge_is_stopped_and_started_and_its_camera_made_available_in_the_one_world(client: Client) -> None:
    unit = "ats-ocs-bridge.service"
    await client.until("ATCamera", State.OFFLINE, AVAILABLE)
    assert await client.ask("at", f"systemctl is-active {unit}") == (0, "active\n")
    assert (await client.ask("at", f"systemctl stop {unit}"))[0] == 1  # nobody is root by himself
    assert await client.ask("at", f"sudo -n systemctl stop {unit}") == (0, "")
    assert client.process("ATCamera") is None
    assert await client.ask("at", f"systemctl is-active {unit}") == (3, "failed\n")

    await client.ask("at", f"sudo -n systemctl start {unit}")
    await client.until("ATCamera", State.OFFLINE, PUBLISH_ONLY)
    _, said = await client.ask("at", CCS, "set target ats-ocs-bridge\nsetAvailable --withLock\ngetState\nexit\n")
    assert "OfflineState:OFFLINE_AVAILABLE" in said
    await client.until("ATCamera", State.OFFLINE, AVAILABLE)
    assert {kind: client.hosts.asked[kind] for kind in ("stop", "start", "ccs")} == {"stop": 2, "start": 1, "ccs": 1}


async def test_a_camera_in_fault_is_available_only_after_its_fault_was_cleared(client: Client) -> None:
    await client.until("MTCamera", State.OFFLINE, AVAILABLE)
    camera = client.process("MTCamera")
    assert camera is not None
    camera.fault(1, "shutter", client.world.now)
    assert "rejected" in (await client.ask("mt", CCS, "set target ocs-bridge\nsetAvailable --withLock\n"))[1]
    await client.ask("mt", CCS, "set target ocs-bridge\nclearFault -w\n")
    await client.until("MTCamera", State.OFFLINE, PUBLISH_ONLY)


async def test_sudo_lets_ccs_alone_stop_the_second_bridge_and_nobody_where_it_wants_a_password(client: Client) -> None:
    refused = (1, "sudo: a password is required\n")
    assert await client.ask("mt", "sudo -n -l systemctl stop ocs-bridge.service") == refused
    assert (await client.ask("mt", "sudo -n -l -u ccs sudo -n systemctl stop ocs-bridge.service"))[0] == 0
    assert (await client.ask("mt", "sudo -n -u ccs sudo -n systemctl stop ocs-bridge.service"))[0] == 0
    client.hosts.faults.switch_on("sudo", {"host": "azar,ess"})
    assert await client.ask("azar", f"{DCO} ./shutdown_gc") == refused


async def test_what_nobody_starts_anew_has_run_since_one_moment(client: Client) -> None:
    life, now = Life(client.world), client.world.now
    since = life.since
    client.world.now = now + 100
    assert life.since == since  # by it docker's id of a container is told from that of another
    life.stop()
    life.start()
    assert life.since == now + 100


async def test_the_scripts_of_dco_end_with_0_whatever_became_of_the_containers(client: Client) -> None:
    status, said = await client.ask("azar", f"{DCO} ./shutdown_gc")
    assert (status, said.count("Removed")) == (0, 3)
    assert await client.ask("azar", PS) == (0, "")
    assert client.process("GenericCamera:102") is None
    client.hosts.faults.switch_on("disk-full")
    status, said = await client.ask("azar", f"{DCO} ./launch_gc")
    assert status == 0
    assert "no space left on device" in said
    assert await client.ask("azar", PS) == (0, "")
    client.hosts.faults.switch_off("disk-full")
    await client.ask("azar", f"{DCO} ./launch_gc")
    await client.until("GenericCamera:102", State.STANDBY)
    client.hosts.faults.switch_on("kept")
    assert (await client.ask("azar", f"{DCO} ./shutdown_gc"))[0] == 0
    assert client.process("GenericCamera:102") is not None


async def test_a_repository_saves_edits_and_leaves_a_branch_that_was_there_behind(client: Client) -> None:
    for fault in ("edits", "behind"):
        client.hosts.faults.switch_on(fault)
    wanted = (await client.ask("azar", f"{OPS} ls-remote --heads origin refs/heads/OPS-1"))[1].split()[0]
    assert await client.ask("azar", f"{OPS} rev-parse --verify --quiet refs/remotes/origin/OPS-1") == (1, "")
    branch, _, edits = read_status((await client.ask("azar", f"{OPS} status --porcelain=v2 --branch"))[1])
    assert (branch, [str(edit) for edit in edits]) == ("main", ["M summit/setup.env"])
    assert "+LSST_LOG_LEVEL=10" in (await client.ask("azar", f"{OPS} diff HEAD"))[1]
    assert "saving" in (await client.ask("azar", f"{DCO} ./update_repo docker-compose-ops OPS-1"))[1].casefold()
    assert (await client.ask("azar", f"{OPS} rev-parse HEAD"))[1].strip() != wanted
    await client.ask("azar", f"{DCO} ./update_repo docker-compose-ops")
    assert (await client.ask("azar", f"{OPS} rev-parse HEAD"))[1].strip() == wanted
    assert ".patch" in (await client.ask("azar", f"{DCO} find . -maxdepth 1 -name 'docker-compose-ops_*.patch'"))[1]


async def test_an_ess_controller_runs_the_new_image_or_after_a_failed_pull_the_old_one(client: Client) -> None:
    script = f"{DCO} ./shutdown_controller", f"{DCO} ./launch_controller"
    await client.ask("ess", f"{DCO} ./update_repo docker-compose-ops c0046-OPS-1")
    client.hosts.faults.switch_on("pull-fails")
    for line in script:
        assert (await client.ask("ess", line))[0] == 0
    assert "|running|ts-dockerhub.lsst.org/ess-controller-aarch64:c0044.000" in (await client.ask("ess", PS))[1]
    client.hosts.faults.switch_off("pull-fails")
    client.hosts.faults.switch_on("slow-pull", {"seconds": 0.2})
    await client.ask("ess", script[0])
    launch = asyncio.create_task(client.ask("ess", script[1]))
    while (await client.ask("ess", "pgrep -f '[.]/launch_controller'"))[0] == 1:
        assert not launch.done()
    assert (await launch)[1].count("Pull complete") == 4
    assert (await client.ask("ess", "pgrep -f '[.]/launch_controller'"))[0] == 1
    assert "|running|ts-dockerhub.lsst.org/ess-controller-aarch64:c0046.000" in (await client.ask("ess", PS))[1]


async def test_a_build_that_runs_by_itself_goes_on_behind_a_cut(client: Client) -> None:
    generate = ("sh", "-c", 'salgeneratorKafka generate cpp "$@"', "salgeneratorKafka", "MTVMS")
    begin, at_work = shlex.join(begin_alone("generate", generate)), "pgrep -f '[s]algeneratorKafka MTVMS'"

    async def look(after: int = 0) -> Alone:
        return read_alone((await client.ask("vms", shlex.join(look_alone("generate", after))))[1])

    assert (await look()).began == ""
    client.hosts.faults.switch_on("cut", {"host": "vms", "asked": "build", "seconds": 0.0, "times": 1.0})
    assert (await client.ask("vms", begin))[0] is None
    assert (await client.ask("vms", begin))[0] == 75
    assert (await client.ask("vms", at_work))[0] == 0
    first = await look()
    assert (first.runs, bool(first.began)) == (True, True)
    async with within(10):
        while (await look()).runs:
            continue
    done = await look(len(first.said))
    assert (done.status, done.runs, (first.said + done.said).count("generating code")) == (0, False, 24)
    assert (await client.ask("vms", at_work))[0] == 1


async def test_the_software_of_a_crio_is_not_copied_onto_one_that_runs(client: Client) -> None:
    copy = """sh -c 'cp "$HOME/$1/$2" "/usr/sbin/$2"' cp ts_vms ts-VMSd"""
    same = """sh -c 'cmp -s "$HOME/$1/$2" "/usr/sbin/$2"' cmp ts_vms ts-VMSd"""
    assert (await client.ask("vms", "pgrep -x ts-VMSd"))[0] == 0
    await client.ask("vms", """sh -c 'cd "$HOME/$1" && git pull && make clean && make' make ts_vms""")
    assert [(await client.ask("vms", each))[0] for each in (same, copy)] == [1, 1]
    await client.ask("vms", "/etc/init.d/ts-VMS stop")
    assert (await client.ask("vms", "pgrep -x ts-VMSd"))[0] == 1
    assert [(await client.ask("vms", each))[0] for each in (copy, same)] == [0, 0]
    await client.ask("vms", "/etc/init.d/ts-VMS start")
    await client.until("MTVMS:1", State.STANDBY)


async def test_a_cut_leaves_the_outcome_unknown_and_the_command_goes_on_or_not(client: Client) -> None:
    values: dict[str, float | str] = {"seconds": 0.01, "then": "ends"}
    client.hosts.faults.switch_on("cut", values)
    assert await client.ask("at", "sudo -n systemctl stop ats-ocs-bridge.service") == (None, "")
    assert client.process("ATCamera") is not None
    client.hosts.faults.switch_on("cut", {**values, "times": 2.0, "then": "goes on"})
    assert await client.ask("at", "sudo -n systemctl stop ats-ocs-bridge.service") == (None, "")
    await asyncio.to_thread(wait_until, lambda: client.process("ATCamera") is None, 2, "the end of the bridge")
    assert (await client.ask("at", "sudo -n systemctl stop ats-ocs-bridge.service"))[0] == 0  # cut often enough


async def test_a_host_that_is_rebooted_is_gone_and_comes_back_as_another_boot(client: Client) -> None:
    boot_id = "cat /proc/sys/kernel/random/boot_id"
    before = await client.ask("azar02", boot_id)
    assert (await client.ask("azar02", "sudo -n systemctl reboot"))[0] is None
    async with within(5):
        while True:
            try:
                after = await client.ask("azar02", boot_id)
            except OSError:
                continue
            break
    assert (after[0], after != before) == (0, True)


@pytest.mark.parametrize(
    ("fault", "met"),
    [("down", OSError), ("other-key", asyncssh.HostKeyNotVerifiable), ("no-login", asyncssh.PermissionDenied)],
)
async def test_what_a_client_meets_at_a_host_that_fails_and_at_no_other(
    client: Client, fault: str, met: type[Exception]
) -> None:
    assert fault in FAULTS
    client.hosts.faults.switch_on(fault, {"host": "e?s"})
    with pytest.raises(met):
        await client.ask("ess", "hostname -s")
    assert await client.ask("azar", "hostname -s") == (0, "azar\n")
    client.hosts.faults.switch_off(fault)
    assert await client.ask("ess", "hostname -s") == (0, "ess\n")


@pytest.mark.parametrize("name", ["a b", "$(reboot)", "x; systemctl reboot", "a'b", 'a"b', "x\nsystemctl reboot"])
async def test_what_is_quoted_stays_one_argument(client: Client, name: str) -> None:
    said = await client.ask("at", shlex.join(["sudo", "-n", "systemctl", "stop", name]))
    assert said == (5, f"Failed to stop {name}: Unit {name} not loaded.\n")
    assert client.hosts.asked["reboot"] == 0
