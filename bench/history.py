"""A day of heartbeats as a broker's own segment files, one record a batch as ts_salobj's producer writes them.

No producer makes ten million such batches in less than 20 minutes; a segment written in place takes seconds.
The broker must be stopped; it builds the indexes anew when it starts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench.fleet import DEAD, BenchCsc
from bench.wire import BeatBytes, batch, zigzag

DAY_S = 86_400
_CHECKPOINT = "0\n1\n0 0\n"
_FLUSH = 20_000
"""Records that are written at once."""

Writer = tuple[BeatBytes, int, float]
"""A CSC's beats, how many of the seconds it lived, and its phase within each second."""


def phase(origin: int) -> float:
    """Return when within a second a process beats; spread evenly, in no order."""
    return (origin * 0.618_033_988_75) % 1.0


def write_history(
    data: Path, beats: Iterable[tuple[BenchCsc, BeatBytes]], began_utc: float, seconds: int = DAY_S
) -> int:
    """Write the heartbeat topics' logs into a stopped broker's folder and return how many records they hold."""
    topics: dict[str, list[Writer]] = defaultdict(list)
    for one, encoded in beats:
        lived = seconds - int(DEAD[one.csc] * 3600) if one.dead else seconds
        topics[encoded.topic].append((encoded, max(0, lived), phase(one.origin)))
    largest_first = sorted(topics.items(), key=lambda entry: -len(entry[1]))
    with ProcessPoolExecutor(2) as pool:
        jobs = [
            pool.submit(_write_topic, data / f"{topic}-0", sorted(writers, key=lambda writer: writer[2]), began_utc)
            for topic, writers in largest_first
        ]
        return sum(job.result() for job in jobs)


def _write_topic(folder: Path, writers: list[Writer], began_utc: float) -> int:
    for old in (*folder.glob("*index"), *folder.glob("*.log"), *folder.glob("*.snapshot")):
        old.unlink()
    (folder / "leader-epoch-checkpoint").write_text(_CHECKPOINT)
    offset = 0
    kept: list[bytes] = []
    with (folder / f"{0:020}.log").open("wb") as log:
        digits, heads = 0, [b""] * len(writers)
        for second in range(max(lived for _, lived, _ in writers)):
            number = zigzag(second + 1)
            if len(number) != digits:
                digits = len(number)
                heads = [encoded.record_head(digits) for encoded, _, _ in writers]
            moment = began_utc + second
            for head, (encoded, lived, within) in zip(heads, writers, strict=True):
                if second < lived:
                    kept.append(batch(offset, moment + within, head, number, encoded.tail))
                    offset += 1
            if len(kept) > _FLUSH:
                log.write(b"".join(kept))
                kept.clear()
        log.write(b"".join(kept))
    return offset
