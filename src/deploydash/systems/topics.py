"""Names of SAL's Kafka topics: ``lsst.<subname>.<component>.<sal_name>`` (ts_xml ``topic_info.py``).

One topic carries every index of a component; the index stands in the records alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WATCHED_EVENTS: tuple[str, ...] = (
    "heartbeat",
    "summaryState",
    "errorCode",
    "logMessage",
    "softwareVersions",
    "simulationMode",
    "configurationApplied",
    "configurationsAvailable",
    "offlineDetailedState",
)
"""The events that tell what a CSC is in; the last one only cameras have."""


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An event of one component that steps show, or make a gate of: ``field`` is what it says.

    ``words``: the names of its values; ``wanted``: those that the procedure asks for.
    """

    component: str
    event: str
    field: str
    words: Mapping[int, str]
    wanted: frozenset[int]


SHOWN_EVENTS: tuple[ShownEvent, ...] = (
    # ts_xml enums/MTM2.py ClosedLoopControlMode; the upgrade procedure wants M2 in closed loop before its shutdown.
    ShownEvent(
        "MTM2",
        "closedLoopControlMode",
        "mode",
        {1: "Idle", 2: "TelemetryOnly", 3: "OpenLoop", 4: "ClosedLoop"},
        frozenset({4}),
    ),
)
"""What is read beside :data:`WATCHED_EVENTS`, each as the fact ``sal/MTM2/closedLoopControlMode``."""


def shown_event(component: str, event: str) -> ShownEvent | None:
    """Return how an event of a component is shown, or None where no step may show it."""
    return next((each for each in SHOWN_EVENTS if (each.component, each.event) == (component, event)), None)


def topic_name(subname: str, component: str, sal_name: str) -> str:
    """Return the Kafka topic of a SAL topic such as ``logevent_heartbeat`` or ``ackcmd``."""
    return f"lsst.{subname}.{component}.{sal_name}"


def event_topic(subname: str, component: str, event: str) -> str:
    """Return the Kafka topic of an event, which is named as in ts_xml without its prefix: ``summaryState``."""
    return topic_name(subname, component, f"logevent_{event}")


def command_topic(subname: str, component: str, command: str) -> str:
    """Return the Kafka topic of a command, named without its prefix: ``start``."""
    return topic_name(subname, component, f"command_{command}")


def ackcmd_topic(subname: str, component: str) -> str:
    """Return the one Kafka topic on which all commands of a component are acknowledged."""
    return topic_name(subname, component, "ackcmd")


def split_topic(topic: str, subname: str) -> tuple[str, str] | None:
    """Return (component, SAL name) of a Kafka topic, or None where it is none of this subname's."""
    parts = topic.split(".")
    if len(parts) != 4 or parts[0] != "lsst" or parts[1] != subname:
        return None
    component, sal_name = parts[2], parts[3]
    if not (component.isascii() and component.isalnum() and component[0].isalpha() and sal_name):
        return None
    return component, sal_name
