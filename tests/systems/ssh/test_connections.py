"""Connections to the real sshd: whom we trust, how we come in, and what is said of each way in which that fails."""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from deploydash.errors import FeedError
from deploydash.systems.ssh import connect
from deploydash.systems.ssh.client import asked
from deploydash.systems.ssh.hosts import Hosts
from deploydash.systems.ssh.where import Login, Place, Places
from tests.servers.process import free_port
from tests.servers.sshd import Sshd, SshWorld, new_key, public_key, ssh_agent
from tests.systems.ssh.acting import place

HOST = Login("host.example.org")
ECHO = ("echo", "here")


async def answer(places: Places, login: Login = HOST) -> str:
    """What a host answers, or why it does not."""
    hosts = Hosts(places)
    try:
        async with hosts.host(login) as host:
            return (await host.run(ECHO)).out.strip()
    except FeedError as error:
        return str(error)
    finally:
        await hosts.aclose()


async def shell(command: str) -> None:
    """Type a command into a shell."""
    done = await asyncio.to_thread(subprocess.run, ["sh", "-c", command], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


class Site:
    """A real site as the user's own configuration leads to it: it is this machine here."""

    def __init__(self, world: SshWorld, server: Sshd, folder: Path, **more: str) -> None:
        self.world, self.server = world, server
        self.config, self.known = folder / "config", folder / "known_hosts"
        self.lines = {
            "HostName": "127.0.0.1",
            "Port": str(server.port),
            "User": world.user.name,
            "IdentityFile": str(world.key),
            "IdentityAgent": "none",
            **more,
        }
        self.known.write_text(server.known)

    async def answer(self, text: str = "") -> str:
        lines = "".join(f"  {key} {value}\n" for key, value in self.lines.items())
        self.config.write_text(text or f"Host host.example.org\n{lines}")
        return await answer(Places(config=self.config, known_hosts=(self.known,)))


@pytest.fixture
def site(world: SshWorld, server: Sshd, tmp_path: Path) -> Site:
    return Site(world, server, tmp_path)


async def test_the_user_s_configuration_leads_to_a_host_whose_key_is_known(site: Site) -> None:
    assert await site.answer() == "here"


async def test_ciphers_of_the_user_s_configuration_count_alone_and_cheap_ones_come_first_else(site: Site) -> None:
    async def cipher() -> str:
        places = Places(config=site.config, known_hosts=(site.known,))
        connection = await connect.connect(await connect.way_to(HOST, places), None)
        try:
            return str(connection.get_extra_info("send_cipher"))
        finally:
            connection.close()

    await site.answer()
    assert await cipher() == "aes128-gcm@openssh.com"
    site.lines["Ciphers"] = "aes256-ctr"
    await site.answer()
    assert await cipher() == "aes256-ctr"


def test_known_host_keys_are_read_once_until_their_file_changes(tmp_path: Path) -> None:
    key = public_key(new_key(tmp_path / "key"))
    file = tmp_path / "known_hosts"
    file.write_text(f"one.example.org {key}\n")
    first = connect._known((file, tmp_path / "none"))
    assert connect._known((file, tmp_path / "none")) is first
    assert len(first.match("one.example.org", "", 22)[0]) == 1
    with file.open("a") as opened:
        opened.write(f"two.example.org {key}\n")
    assert len(connect._known((file, tmp_path / "none")).match("two.example.org", "", 22)[0]) == 1
    file.unlink()
    assert connect._known((file, tmp_path / "none")).match("one.example.org", "", 22)[0] == []


async def test_a_hashed_file_of_known_hosts_is_read(site: Site) -> None:
    await shell(f"ssh-keygen -q -H -f {site.known}")
    assert "127.0.0.1" not in site.known.read_text()
    assert await site.answer() == "here"


async def test_an_unknown_host_key_is_refused_with_the_command_that_accepts_it(site: Site) -> None:
    site.known.write_text("")
    told = await site.answer()
    fingerprint = fingerprint_of(site.server.host_key)
    assert f"its host key is not known; offered is {fingerprint}" in told
    command = told.partition("confirms that fingerprint: ")[2].removesuffix(")")
    await shell(command)
    assert await site.answer() == "here"


async def test_a_changed_host_key_is_told_from_an_unknown_one(site: Site, tmp_path: Path) -> None:
    other = new_key(tmp_path / "other")
    site.known.write_text(f"[127.0.0.1]:{site.server.port} {public_key(other)}\n")
    await shell(f"ssh-keygen -q -H -f {site.known}")
    told = await site.answer()
    old, new = fingerprint_of(other), fingerprint_of(site.server.host_key)
    assert f"its host key has CHANGED: known is {old}, offered is {new}" in told
    command = told.partition("confirms the new fingerprint: ")[2].removesuffix(")")
    await shell(command)
    assert await site.answer() == "here"


async def test_no_configuration_turns_the_look_at_host_keys_off(site: Site) -> None:
    lines = "".join(f"  {key} {value}\n" for key, value in site.lines.items())
    off = "  UserKnownHostsFile none\n  StrictHostKeyChecking no\n"
    site.known.write_text("")
    assert "its host key is not known" in await site.answer(f"Host *\n{lines}{off}")


async def test_the_agent_holds_the_key(site: Site, world: SshWorld) -> None:
    site.lines["IdentityFile"] = "/nowhere"
    with ssh_agent(world.key) as socket:
        site.lines["IdentityAgent"] = socket
        assert await site.answer() == "here"
    with ssh_agent() as socket:
        site.lines["IdentityAgent"] = socket
        assert "the agent holds no key (ssh-add the key for this host)" in await site.answer()
    assert "the agent at" in await site.answer()
    site.lines["IdentityAgent"] = "none"
    assert "there is no agent and no key to offer" in await site.answer()


async def test_a_key_with_a_passphrase_asks_nobody(site: Site, tmp_path: Path) -> None:
    locked = new_key(tmp_path / "locked", "-N", "a long one")
    site.lines["IdentityFile"] = str(locked)
    assert f"{locked} has a passphrase and nobody is asked for it here (ssh-add {locked})" in await site.answer()


async def test_a_key_that_nobody_accepts_is_told_with_what_was_offered(site: Site, tmp_path: Path) -> None:
    other = new_key(tmp_path / "other")
    site.lines["IdentityFile"] = str(other)
    told = await site.answer()
    assert f"refused {site.world.user.name}: it accepts none of the keys that were offered ({other})" in told


async def test_it_is_reached_through_a_jump_host(site: Site, world: SshWorld) -> None:
    jump = world.server("jump")
    lines = "".join(f"  {key} {value}\n" for key, value in site.lines.items())
    both = lines.replace(str(site.server.port), str(jump.port))
    text = f"Host gate.example.org\n{both}Host host.example.org\n{lines}  ProxyJump gate.example.org\n"
    site.known.write_text(site.server.known)
    assert "gate.example.org" in (told := await site.answer(text))
    assert "its host key is not known" in told
    site.known.write_text(site.server.known + jump.known)
    assert await site.answer(text) == "here"
    assert jump.log.count("direct-tcpip") or jump.log.count("Accepted publickey")
    jump.stop()
    told = await site.answer(text)
    assert "gate.example.org" in told
    assert "refused the connection" in told


async def test_hosts_behind_one_jump_host_share_its_connection(world: SshWorld, server: Sshd) -> None:
    jump = world.server("jump")
    behind = {f"h{number}.example.org": place(world, server) for number in range(5)}
    at = {name: Place(one.address, one.port, one.host_key, one.user, one.client_keys, "gate.example.org")
          for name, one in behind.items()}  # fmt: skip
    hosts = Hosts(Places("example.org", at={**at, "gate.example.org": place(world, jump)}, rehearsal=True))

    async def one(name: str) -> str:
        async with hosts.host(Login(name)) as host:
            return (await host.run(ECHO)).out.strip()

    assert await asyncio.gather(*map(one, at)) == ["here"] * 5
    await hosts.aclose()
    assert jump.log.count("Accepted publickey") == 1
    jump.stop()


@pytest.mark.parametrize(
    ("leads", "told"),
    [
        ("HostName elsewhere.example.com", "leads host.example.org to elsewhere.example.com, which is no host"),
        ("ProxyJump gate.example.com", "would be reached through gate.example.com, which is no host of this site"),
    ],
)
async def test_no_configuration_leads_to_another_site(tmp_path: Path, leads: str, told: str) -> None:
    config = tmp_path / "config"
    config.write_text(f"Host *\n  {leads}\n")
    found = await answer(Places("example.org", config=config))
    assert told in found


async def test_a_rehearsal_reaches_what_its_site_file_names_and_reads_nothing_of_the_user_s(
    world: SshWorld, server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / ".ssh"
    ssh.mkdir()
    (ssh / "config").write_text("Host *\n  HostName 192.0.2.1\n  User nobody\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    there = place(world, server)
    assert await answer(Places("example.org", at={HOST.host: there}, rehearsal=True)) == "here"
    assert "has no address in this rehearsal" in await answer(Places("example.org", rehearsal=True))
    real = Places("example.org", at={HOST.host: Place("192.0.2.1")}, rehearsal=True)
    assert "which a rehearsal must not reach" in await answer(real)
    wrong = place(world, server, key=public_key(world.key))
    assert "has CHANGED" in await answer(Places("example.org", at={HOST.host: wrong}, rehearsal=True))


async def test_each_way_of_not_answering_has_its_own_words(
    world: SshWorld, server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "LOGIN_S", 0.3)
    there = place(world, server)

    def at(port: int) -> Places:
        moved = Place(there.address, port, there.host_key, there.user, there.client_keys)
        return Places("example.org", at={HOST.host: moved}, rehearsal=True)

    assert "refused the connection: no SSH server listens there" in await answer(at(free_port()))

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as mute:
        port = mute.sockets[0].getsockname()[1]
        assert "accepted the connection and then said nothing more" in await answer(at(port))

    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.close()

    async with await asyncio.start_server(closes, "127.0.0.1", 0) as rude:
        port = rude.sockets[0].getsockname()[1]
        assert "closed the connection before anybody could log in" in await answer(at(port))


async def test_a_name_that_nobody_knows_is_told(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("")
    told = await answer(Places(config=config), Login("no-such-host.invalid"))
    assert told.startswith("no-such-host.invalid: this name does not resolve")


async def test_a_connection_is_shared_while_it_is_used_and_made_anew_when_it_was_lost(
    world: SshWorld, server: Sshd
) -> None:
    hosts = Hosts(Places("example.org", at={HOST.host: place(world, server)}, rehearsal=True))
    before = server.log.count("Accepted publickey")
    async with hosts.holding([HOST]):
        for _ in range(3):
            async with hosts.host(HOST) as host:
                assert (await host.run(ECHO)).ok
        assert server.log.count("Accepted publickey") == before + 1
        server.cut()
        assert (await hosts.read(HOST, lambda host: asked(host, ECHO))).out == "here\n"
        assert server.log.count("Accepted publickey") == before + 2
    await hosts.aclose()


def fingerprint_of(key: Path) -> str:
    told = subprocess.run(["ssh-keygen", "-l", "-f", str(key)], check=True, capture_output=True, text=True).stdout
    return told.split()[1]
