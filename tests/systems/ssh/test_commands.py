"""Commands on the real sshd and sudo: what is one argument stays one, all that is said is read, an end is an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from deploydash.systems.ssh.argv import as_user
from deploydash.systems.ssh.hosts import Host, Hosts
from deploydash.systems.ssh.ran import KEPT
from deploydash.systems.ssh.where import Login
from tests.servers.sshd import Sshd, SshWorld
from tests.systems.ssh.acting import places
from tests.systems.ssh.programs import Programs

ODD = ("a b", "a'b", 'a"b', "a;b", "$(id)", "`id`", "a|b>c", "*", "~", "-n", "", "\\", "a\nb", "é", "#", "!", "{a,b}")


@pytest.fixture(scope="module", autouse=True)
def a_program_that_prints_its_arguments(world: SshWorld) -> None:
    world.program("args", '#!/bin/sh\nfor one; do printf "%s\\0" "$one"; done\n')


@pytest.fixture
async def host(world: SshWorld, server: Sshd, programs: Programs) -> AsyncIterator[Host]:
    del programs
    hosts = Hosts(places(world, host=server))
    async with hosts.host(Login("host.example.org")) as found:
        yield found
    await hosts.aclose()


async def test_each_argument_arrives_as_it_was(host: Host, world: SshWorld) -> None:
    assert (await host.run(("args", *ODD))).out.split("\0") == [*ODD, ""]
    simple = [odd for odd in ODD if odd and not set(odd) & set("$\n")]
    ran = await host.run(as_user(world.dco.name, (str(world.bin / "args"), *simple)))
    assert ran.out.split("\0") == [*simple, ""]
    for odd in set(ODD) - set(simple):  # the login shell that sudo opens would change it
        with pytest.raises(ValueError, match="would not arrive"):
            await host.run(as_user(world.dco.name, ("args", odd)))


async def test_a_user_s_home_is_where_that_user_s_scripts_are(host: Host, world: SshWorld) -> None:
    assert (await host.run(as_user(world.dco.name, ("pwd",)))).out.strip() == str(world.dco.home)
    assert (await host.run(as_user(world.dco.name, ("id", "-un")))).out.strip() == world.dco.name


async def test_all_that_is_said_is_read_however_soon_it_ends(host: Host) -> None:
    """A command may be over before its input is closed: that is no reason to miss what it said."""
    told = await asyncio.gather(*(host.run(("echo", str(number))) for number in range(60)))
    assert [ran.out for ran in told] == [f"{number}\n" for number in range(60)]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 3", "exit 3"),
        ("echo why >&2; exit 1", "exit 1: why"),
        ("kill -TERM $$", "ended by SIGTERM"),
        ("true", "exit 0"),
    ],
)
async def test_an_exit_status_is_told_from_a_signal(host: Host, script: str, told: str) -> None:
    ran = await host.run(("sh", "-c", script))
    assert (str(ran), ran.unknown) == (told, False)


async def test_what_takes_too_long_is_unknown(host: Host) -> None:
    ran = await host.run(("sleep", "60"), limit_s=0.1)
    assert (ran.status, ran.over, ran.unknown, str(ran)) == (None, True, True, "it did not end in time")


async def test_output_comes_line_by_line_bounded_and_without_secrets(host: Host) -> None:
    lines: list[str] = []
    script = (
        "printf 'one\\rtwo\\n'; echo KAFKA_PASSWORD=hush; echo https://me:hush@x.org; yes | head -c 500000; printf end"
    )
    ran = await host.run(("sh", "-c", script), output=lines.append)
    assert lines[:4] == ["one", "two", "KAFKA_PASSWORD=***", "https://***@x.org"]
    assert (lines[-1], len(ran.out)) == ("end", KEPT)
    assert not any("hush" in line for line in lines)


async def test_bytes_that_are_no_utf8_are_kept(host: Host) -> None:
    assert (await host.run(("printf", r"a\351b"))).out == "a\udce9b"
