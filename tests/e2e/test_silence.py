"""A CSC that dies and a broker that dies look different, live on the screen, over real Kafka."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from deploydash.core.model import CscId, SummaryState
from tests.e2e.observatory import row, watch
from tests.e2e.sites import small_site
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.servers.tmux import Tmux
from tests.servers.waiting import wait_until
from tests.support.command_line import CommandLine

pytestmark = pytest.mark.server

NAMES = ("ATDome", "ATMCS", "ATPtg", "ATAOS", "ATHexapod", "MTDome", "MTMount", "MTAOS", "MTPtg", "Watcher", "GIS")


def shown(tmux: Tmux, name: str, *texts: str, seconds: float = 15) -> None:
    """Wait until the line of a CSC has all of these texts."""
    screens: list[str] = []

    def there() -> bool:
        screens[:] = [tmux.capture()]
        with suppress(AssertionError):
            return all(text in row(screens[0], name) for text in texts)
        return False

    try:
        wait_until(there, seconds, f"{name} shows {texts}")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{screens[0]}") from None


def test_a_killed_csc_goes_late_silent_and_lost_or_offline_and_a_dead_broker_freezes_everything(
    cli: CommandLine,
    tmux: Tmux,
    tmp_path: Path,
    own_kafka: KafkaServer,
    schema_registry: SchemaRegistry,
    subname: str,
) -> None:
    cscs = [CscId.parse(name) for name in NAMES]
    dome, aos = CscId("ATDome"), CscId("ATAOS")
    writer = SalWriter(own_kafka.topics, schema_registry, subname)
    beater = Beater(writer, cscs)
    states = dict.fromkeys(cscs, SummaryState.STANDBY) | {dome: SummaryState.ENABLED}
    for csc, state in states.items():
        writer.tell_state(csc, state, origin=beater.origin(csc))
    limits = {"late": 2.0, "silent": 6.0}
    site = small_site(tmp_path, own_kafka, schema_registry, subname, NAMES, limits=limits)
    with beater:
        watch(tmux, cli, site, size=(120, 40))
        tmux.wait_for("10/11 at startup")
        tmux.send_keys("x")
        shown(tmux, "ATDome", "ENABLED")

        beater.kill(dome)
        shown(tmux, "ATDome", "E~", seconds=6)
        assert "LOST" not in row(tmux.capture(), "ATDome"), "late is not lost"
        shown(tmux, "ATDome", "L!", "LOST: was ENABLED when its beats stopped", "its hardware may not be safe")
        beater.kill(aos)
        shown(tmux, "ATAOS", "O*", "OFFLINE inferred: last state STANDBY, no beat for")
        assert "9/11 at startup" in tmux.capture()

        own_kafka.kill()
        screen = tmux.wait_for("kafka down")
        assert "Kafka is down" in screen
        tmux.wait_for("11 unknown")
        tmux.send_keys("x")
        # Longer than the limit: silence is no fact while nobody answers.
        down_for = ("down 8 s", "down 9 s", "down 10 s", "down 11 s")
        wait_until(lambda: any(text in tmux.capture() for text in down_for), 20, "the feed is down for 8 s")
        screen = tmux.capture()
        assert "11 unknown" in screen
        assert "S? Watcher" in screen
        dead = [line for line in screen.splitlines() if "LOST" in line or "OFFLINE" in line]
        assert [line for line in dead if "ATDome" not in line and "ATAOS" not in line] == []

        own_kafka.restart()
        writer.topics.forget()
        tmux.wait_for("9/11 at startup", 40)
        shown(tmux, "Watcher", "S")
        assert "kafka down" not in tmux.capture()
        assert tmux.exit_status() is None
        beater.start_csc(aos)
        writer.tell_state(aos, SummaryState.STANDBY, origin=beater.origin(aos))
        tmux.wait_for("10/11 at startup")
        tmux.send_keys("q")
        assert tmux.wait_exit() == 0
