"""Why a Kafka cannot be used, in words an operator can act on: in ``status``, in ``check`` and on the screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploydash.core.model import CscId, SummaryState
from tests.e2e.observatory import watch
from tests.e2e.sites import small_site, with_tls
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import PASSWORDS, KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.servers.tmux import Tmux
from tests.support.command_line import CommandLine

pytestmark = pytest.mark.server

NAMES = ("ATDome", "ESS:104")
CSCS = [CscId.parse(name) for name in NAMES]


def account(user: str, password: str | None = None) -> dict[str, str]:
    return {
        "LSST_KAFKA_SECURITY_USERNAME": user,
        "LSST_KAFKA_SECURITY_PASSWORD": PASSWORDS[user] if password is None else password,
    }


def beating(kafka: KafkaServer, registry: SchemaRegistry, subname: str) -> Beater:
    writer = SalWriter(kafka.topics, registry, subname)
    beater = Beater(writer, CSCS)
    for csc in CSCS:
        writer.tell_state(csc, SummaryState.STANDBY, origin=beater.origin(csc))
    return beater


def test_tls_and_an_account_that_may_only_read_are_enough(
    cli: CommandLine, tmp_path: Path, kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    site = small_site(tmp_path, kafka, schema_registry, subname, NAMES, kafka=with_tls(kafka))
    with beating(kafka, schema_registry, subname):
        topics = kafka.topics.names()
        subjects = schema_registry.subjects()
        ran = cli.status(site, "--json", env=account("dash"))
        assert (ran.code, ran.err) == (0, ""), ran.out
        assert json.loads(ran.out)["summary"]["at_target"] == len(NAMES)
        assert cli.run("check", site, env=account("dash")).code == 0
        assert kafka.topics.names() == topics, "nothing was created"
        assert schema_registry.subjects() == subjects, "nothing was registered"
    assert PASSWORDS["dash"] not in ran.out


REFUSALS: list[tuple[str, dict[str, str], dict[str, Any], str, str]] = [
    ("wrong password", account("dash", "n0t-the-0ne"), {}, "refuses user 'dash'", "LSST_KAFKA_SECURITY_PASSWORD"),
    ("wrong user", account("nobody") | {"LSST_KAFKA_SECURITY_USERNAME": "stranger"}, {}, "refuses user", "stranger"),
    ("wrong authority", account("dash"), {"ca_file": "WRONG"}, "certificate is not trusted", "ca"),
    ("no authorization", account("nobody"), {}, "ask for DESCRIBE", "DESCRIBE"),
]


@pytest.mark.parametrize(("env", "changes", "cause", "advice"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_each_refusal_is_told_apart_by_status_with_3_and_by_check_with_1(
    cli: CommandLine,
    tmp_path: Path,
    kafka: KafkaServer,
    schema_registry: SchemaRegistry,
    subname: str,
    env: dict[str, str],
    changes: dict[str, Any],
    cause: str,
    advice: str,
) -> None:
    if changes:
        changes = {"ca_file": str(kafka.wrong_ca_file)}
    site = small_site(tmp_path, kafka, schema_registry, subname, NAMES, kafka=with_tls(kafka, **changes))
    SalWriter(kafka.topics, schema_registry, subname).prepare(CSCS, ["heartbeat", "summaryState"])
    ran = cli.status(site, "--json", env=env)
    assert (ran.code, ran.err) == (3, "")
    feed = json.loads(ran.out)["feeds"]["kafka"]
    assert feed["state"] in {"down", "degraded"}
    assert cause in feed["detail"]
    assert advice in feed["detail"]
    others = {refusal[3] for refusal in REFUSALS} - {cause, "refuses user", "refuses user 'dash'"}
    assert not [other for other in others if other in feed["detail"]]

    ran = cli.run("check", site, "--json", env=env)
    assert (ran.code, ran.err) == (1, "")
    [finding] = [row for row in json.loads(ran.out)["findings"] if row["subject"] == "kafka" and row["level"] == "red"]
    assert advice in f"{finding['sentence']} {finding['do']}"
    assert env["LSST_KAFKA_SECURITY_PASSWORD"] not in ran.out


@pytest.mark.parametrize(("env", "changes", "cause"), [r[1:4] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_each_refusal_is_on_the_screen(
    cli: CommandLine,
    tmux: Tmux,
    tmp_path: Path,
    kafka: KafkaServer,
    schema_registry: SchemaRegistry,
    subname: str,
    env: dict[str, str],
    changes: dict[str, Any],
    cause: str,
) -> None:
    if changes:
        changes = {"ca_file": str(kafka.wrong_ca_file)}
    site = small_site(tmp_path, kafka, schema_registry, subname, NAMES, kafka=with_tls(kafka, **changes))
    SalWriter(kafka.topics, schema_registry, subname).prepare(CSCS, ["heartbeat", "summaryState"])
    watch(tmux, cli, site, size=(200, 50), env=env)
    screen = tmux.wait_for(cause)
    assert "kafka down" in screen or "kafka degraded" in screen
    tmux.send_keys("q")
    assert tmux.wait_exit() == 0
    assert "Traceback" not in tmux.capture()


def test_a_registry_that_is_down_leaves_the_grid_whole_where_schemas_are_cached(
    cli: CommandLine, tmp_path: Path, kafka: KafkaServer, own_schema_registry: SchemaRegistry, subname: str
) -> None:
    site = small_site(tmp_path, kafka, own_schema_registry, subname, NAMES)
    with beating(kafka, own_schema_registry, subname):
        assert cli.status(site).code == 0
        own_schema_registry.stop()
        ran = cli.status(site, "--json")
        assert (ran.code, ran.err) == (0, ""), ran.out
        document = json.loads(ran.out)
        assert document["summary"]["at_target"] == len(NAMES)
        # Whether it was asked by then is open: nothing that was needed was missing.
        assert document["feeds"]["schema_registry"]["state"] in {"connecting", "degraded"}
        assert cli.run("check", site).code == 1
        cold = CommandLine(tmp_path / "another home")
        ran = cold.run("status", site, "--json", "--timeout", "6s")
        assert ran.code == 3, "without a schema nothing can be read"
        assert json.loads(ran.out)["feeds"]["schema_registry"]["state"] == "down"
