"""``status``, ``wait`` and ``check`` where Kafka is not: cannot tell, soon, in words."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.servers.process import free_port
from tests.servers.waiting import patient
from tests.support.command_line import CommandLine
from tests.support.site_files import write_site

CSCS: list[str | Mapping[str, object]] = [
    "ATDome",
    "ESS:104",
    {"csc": "ATCamera", "camera": True, "startup": "OFFLINE/AVAILABLE"},
]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_site(tmp_path, f"127.0.0.1:{free_port()}", CSCS)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_status_says_at_once_that_it_cannot_tell(cli: CommandLine, site: Path) -> None:
    ran = cli.run("status", site, "--json")
    assert ran.code == 3
    assert ran.err == ""
    assert ran.seconds < 8, "a refused connection is an answer; there is nothing to wait for"
    document = json.loads(ran.out)
    assert document["feeds"]["kafka"]["state"] == "down"
    assert "connection refused" in document["feeds"]["kafka"]["detail"]
    assert document["summary"] == {
        "expected": 3, "at_target": 0, "moving": 0, "off_target": 0, "unknown": 3, "no_target": 0, "unexpected": [],
    }  # fmt: skip
    assert {csc["effective"] for csc in document["cscs"]} == {"UNKNOWN"}


def test_status_as_text_goes_to_stdout_alone_and_has_no_escape_sequence(cli: CommandLine, site: Path) -> None:
    ran = cli.run("status", site)
    assert ran.code == 3
    assert ran.err == ""
    assert "kafka down" in ran.out
    assert "connection refused" in ran.out
    assert "\x1b" not in ran.out


def test_an_output_that_is_no_utf8_gets_signs_it_can_carry(cli: CommandLine, site: Path) -> None:
    ran = cli.run("status", site, env={"PYTHONIOENCODING": "ascii"})
    assert ran.code == 3
    assert ran.out.isascii()
    assert ran.err == ""


def test_the_limit_bounds_a_look_at_a_kafka_that_never_answers(
    cli: CommandLine, tmp_path: Path, silent_port: int
) -> None:
    site = write_site(tmp_path, f"127.0.0.1:{silent_port}", CSCS)
    ran = cli.run("status", site, "--json", "--timeout", "1.5s")
    assert ran.code == 3
    assert json.loads(ran.out)["feeds"]["kafka"]["state"] in {"connecting", "down"}
    assert 1.5 <= ran.seconds < 6


def test_wait_ends_at_once_where_kafka_never_could_be_read(cli: CommandLine, site: Path) -> None:
    ran = cli.run("wait", site, "--json", "--timeout", "30m")
    assert ran.code == 3
    assert ran.seconds < 8
    [final] = [json.loads(line) for line in ran.out.splitlines()]
    assert final["event"] == "final"
    assert final["result"] == "cannot_tell"
    assert final["missing"] == ["ATDome", "ESS:104", "ATCamera"]
    assert ran.err.startswith("kafka down: 127.0.0.1:")


def test_check_is_red_and_names_each_system(cli: CommandLine, site: Path) -> None:
    ran = cli.run("check", site, "--json")
    assert ran.code == 1
    assert ran.err == ""
    document = json.loads(ran.out)
    assert document["format"] == "deploydash.check/1"
    assert document["site"] == "hill"
    assert document["red"] == 2
    levels = {finding["subject"]: finding["level"] for finding in document["findings"]}
    assert levels.pop("runbooks") == "warning"
    assert levels == {"site file": "ok", "kafka": "red", "schema_registry": "red", "efd": "warning"}


def test_check_tells_of_the_efd_although_kafka_is_not_there(cli: CommandLine, tmp_path: Path) -> None:
    site = write_site(tmp_path, f"127.0.0.1:{free_port()}", CSCS, efd=f"http://127.0.0.1:{free_port()}")
    ran = cli.run("check", site)
    assert ran.code == 1
    reds = [line.split()[1] for line in ran.out.splitlines() if line.startswith("RED")]
    assert reds == ["kafka", "schema_registry", "efd"]


@pytest.mark.parametrize(
    ("command", "number", "code"),
    [
        ("status", signal.SIGINT, 130),
        ("wait", signal.SIGINT, 130),
        ("check", signal.SIGINT, 130),
        ("wait", signal.SIGTERM, 143),
        ("wait", signal.SIGHUP, 129),
    ],
)
def test_an_interrupted_command_says_nothing_and_answers_with_the_signal(
    cli: CommandLine, tmp_path: Path, command: str, number: signal.Signals, code: int
) -> None:
    """The command is known to be in the middle of its work: it has connected to a Kafka that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        site = write_site(tmp_path, f"127.0.0.1:{listener.getsockname()[1]}", CSCS)
        with cli.started(command, site) as process:
            listener.settimeout(patient(15))
            connection, _ = listener.accept()
            with connection:
                process.send_signal(number)
                out, err = process.communicate(timeout=patient(15))
        assert (process.returncode, out, err) == (code, "", "")


def test_a_reader_that_leaves_is_no_fault_and_no_answer(cli: CommandLine) -> None:
    with cli.started("sites", "--json", env={"PYTHONUNBUFFERED": "1"}) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.wait(patient(20))
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.returncode in {0, 141}


def test_an_address_from_the_environment_wins_visibly_and_is_marked_when_it_is_not_the_sites(
    cli: CommandLine, tmp_path: Path
) -> None:
    port = free_port()
    site = write_site(tmp_path, "kafka.invalid:9092", CSCS, kafka={"hosts": ["kafka.invalid"]})
    ran = cli.run("status", site, "--json", env={"LSST_KAFKA_BROKER_ADDR": f"127.0.0.1:{port}"})
    assert ran.code == 3
    detail = json.loads(ran.out)["feeds"]["kafka"]["detail"]
    assert detail.startswith(f"127.0.0.1:{port} (LSST_KAFKA_BROKER_ADDR, not one of the site's addresses): connection")


def test_check_is_red_about_a_foreign_address(cli: CommandLine, tmp_path: Path) -> None:
    site = write_site(tmp_path, "kafka.invalid:9092", CSCS, kafka={"hosts": ["kafka.invalid"]})
    ran = cli.run("check", site, env={"LSST_KAFKA_BROKER_ADDR": f"127.0.0.1:{free_port()}"})
    assert ran.code == 1
    reds = [line for line in ran.out.splitlines() if line.startswith("RED")]
    assert any("is not one of the site's addresses; run would refuse it" in line for line in reds)


def test_the_sites_own_address_from_the_environment_is_not_foreign(cli: CommandLine, tmp_path: Path) -> None:
    port = free_port()
    site = write_site(tmp_path, "127.0.0.1:1", CSCS)
    ran = cli.run("status", site, "--json", env={"LSST_KAFKA_BROKER_ADDR": f"127.0.0.1:{port}"})
    detail = json.loads(ran.out)["feeds"]["kafka"]["detail"]
    assert detail.startswith(f"127.0.0.1:{port} (LSST_KAFKA_BROKER_ADDR): connection refused")


def test_the_state_directory_holds_the_log_and_moves_with_its_variable(
    cli: CommandLine, site: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    cli.run("status", site, env={"DEPLOYDASH_STATE_DIR": str(elsewhere)})
    assert elsewhere.is_dir()
    assert not cli.state.exists()


def test_a_state_directory_that_cannot_be_made_forbids_nothing(cli: CommandLine, site: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = cli.run("status", site, env={"DEPLOYDASH_STATE_DIR": str(tmp_path / "file" / "state")})
    assert ran.code == 3
    assert ran.err == ""
