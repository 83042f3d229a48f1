"""The EFD as Telegraf fills it from Kafka: one measurement per topic, every field of the record, UTC time."""

from __future__ import annotations

from collections.abc import Mapping

from deploydash.core.model import CameraSubstate, CscId, SummaryState
from tests.servers.fleet import private_fields
from tests.servers.influx import InfluxServer, telegraf_line


class EfdWriter:
    """Writes records of CSCs into an InfluxDB; a CSC with index 0 has no ``salIndex``."""

    def __init__(self, influx: InfluxServer, subname: str = "sal") -> None:
        self._influx = influx
        self._subname = subname

    def write(self, csc: CscId, event: str, values: Mapping[str, object], *, at_utc: float, **private: int) -> None:
        """Write one record; ``private`` may give ``origin`` and ``seq``."""
        origin, seq = private.get("origin", 1000), private.get("seq", 1)
        begin = private_fields(csc, indexed=csc.index != 0, origin=origin, seq=seq, at_utc=at_utc)
        topic = f"lsst.{self._subname}.{csc.name}.logevent_{event}"
        self._influx.write([telegraf_line(topic, {**begin, **values})])

    def tell_state(self, csc: CscId, state: SummaryState, *, at_utc: float, **private: int) -> None:
        """Write a summaryState."""
        self.write(csc, "summaryState", {"summaryState": int(state)}, at_utc=at_utc, **private)

    def tell_substate(self, csc: CscId, substate: CameraSubstate, *, at_utc: float, **private: int) -> None:
        """Write a camera's offlineDetailedState."""
        self.write(csc, "offlineDetailedState", {"substate": int(substate)}, at_utc=at_utc, **private)
