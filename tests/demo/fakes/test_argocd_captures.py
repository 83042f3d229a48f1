"""Every recorded answer of a real Argo CD is asked of the fake one, and is the same.

Left out of the comparison: lengths, ``Vary`` and the compression, managedFields; uids, versions, generations, moments,
addresses, the five letters of a pod's name and the name of kubectl's temporary file, of which sameness alone is
compared; the order in which things were applied at the same time, which the real one draws; the 3 kB of a refused pod
template, which the recordings cut (test_cluster_captures.py compares them). Of an application's status, what an earlier
operation made of it (``history``, ``operationState``) is compared where the recording is about it. Polled states are
compared by operation, phase and message: each that was seen, ours goes through in that order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploydash.demo.fakes.argocd import ArgoCd
from tests.demo.fakes.argocd_replay import CAPTURES, Play, argocd, replay
from tests.demo.fakes.argocd_sync_players import ALL


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[tuple[ArgoCd, str]]:
    made = argocd(tmp_path)
    url = await made.listen()
    yield made, url
    await made.stop()


def test_each_recording_is_replayed() -> None:
    assert {path.stem for path in CAPTURES.glob("*.json")} == ALL.keys()


@pytest.mark.parametrize("name", sorted(path.stem for path in CAPTURES.glob("*.json")))
async def test_the_fake_answers_as_recorded(name: str, fake: tuple[ArgoCd, str]) -> None:
    made, url = fake
    asked = replay(made, url, name)
    async with asked.client:
        await ALL[name](asked, Play(made))
