"""A sync makes Jobs in the cluster, whose CSCs come up in the one world with the tag of the branch that was merged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploydash.demo.fakes.argocd import ROOT, ArgoCd
from deploydash.demo.fakes.cluster_kinds import JOBS, Object
from tests.demo.fakes.test_cluster_world import STARTS_S, Hill
from tests.servers.waiting import patient, wait_until

APPS = f"{ROOT}/api/v1/applications"


class Site:
    """A hill with an Argo CD that is asked over HTTP; its time passes by hand."""

    def __init__(self, folder: Path) -> None:
        self.hill = Hill(folder)
        self.argocd = ArgoCd(self.hill.world)
        self.argocd.open()
        self.client = httpx2.AsyncClient(timeout=patient(20))

    async def open(self) -> None:
        """Open the port."""
        section = (await self.argocd.start())["systems"]["argocd"]
        self.client.base_url = f"http://{section['server']}:{section['port']}"
        self.client.headers |= {"Authorization": f"Bearer {section['token']}", "Content-Type": "application/json"}

    async def app(self, name: str, query: str = "") -> Object:
        """An application as it stands."""
        answer = await self.client.get(f"{APPS}/{name}{query}")
        found: Object = answer.raise_for_status().json()
        return found

    async def sync(self, name: str, **request: Any) -> Object:
        """Sync an application; its operationState 2 s later."""
        answer = await self.client.post(f"{APPS}/{name}/sync", json=request)
        answer.raise_for_status()
        self.hill.pass_time(2)
        state: Object = (await self.app(name))["status"].get("operationState", {})
        return state

    def clean(self, namespace: str) -> None:
        """Delete the Jobs of a namespace, and wait for their pods."""
        store = self.hill.cluster.store
        for job in store.items(JOBS, namespace):
            store.remove(JOBS, job)
            self.hill.cluster.controller.deleted(JOBS, job)
        self.hill.pass_time(32)

    async def merge(self) -> None:
        """Merge the branch, and hand its tag to the children."""
        self.hill.world.merged = "c0045"
        await self.app("science-platform", "?refresh=normal")
        await self.sync("science-platform")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    await made.open()
    yield made
    await made.client.aclose()
    await made.argocd.stop()


async def test_the_tag_of_the_merged_branch_goes_to_the_children_and_to_the_cscs(site: Site) -> None:
    items = (await site.client.get(APPS)).json()["items"]
    assert {item["status"]["sync"]["status"] for item in items} == {"Synced"}
    assert {item["metadata"]["name"] for item in items} >= {"science-platform", "nublado", "sasquatch", "love"}

    site.hill.world.merged = "c0045"
    assert (await site.app("science-platform"))["status"]["sync"]["status"] == "Synced"
    refreshed = await site.app("science-platform", "?refresh=normal")
    assert refreshed["status"]["sync"]["status"] == "OutOfSync"
    assert (await site.app("love"))["status"]["sync"]["status"] == "Synced"
    assert (await site.sync("science-platform"))["phase"] == "Succeeded"
    assert (await site.app("love"))["status"]["sync"]["status"] == "OutOfSync"
    assert (await site.sync("love"))["phase"] == "Failed"

    store = site.hill.cluster.store
    [commander] = store.items(JOBS, "love")
    store.remove(JOBS, commander)
    site.hill.cluster.controller.deleted(JOBS, commander)
    site.hill.pass_time(32)
    assert (await site.sync("love"))["phase"] == "Succeeded"
    site.hill.pass_time(STARTS_S)
    images = (await site.app("love"))["status"]["summary"]["images"]
    assert images == ["ts-dockerhub.lsst.org/love-commander:c0045"]


async def test_a_stuck_sync_ends_when_it_is_terminated_and_what_it_applied_stays(site: Site) -> None:
    await site.app("love")
    await site.merge()
    site.clean("love")
    site.argocd.faults.switch_on("stuck", {"application": "love"})
    assert (await site.sync("love"))["phase"] == "Running"
    again = await site.client.post(f"{APPS}/love/sync", json={})
    assert (again.status_code, again.json()["code"]) == (400, 9)
    ended = await site.client.request("DELETE", f"{APPS}/love/operation")
    assert ended.json() == {}
    site.hill.pass_time(1)
    state = (await site.app("love"))["status"]["operationState"]
    assert (state["phase"], state["message"]) == ("Failed", "Operation terminated")
    assert site.hill.jobs("love-commander")


async def test_faults_of_a_sync(site: Site) -> None:
    site.argocd.faults.switch_on("hook-fails", {"application": "love"})
    state = await site.sync("love")
    assert state["phase"] == "Failed"
    assert [(each["hookType"], each["hookPhase"]) for each in state["syncResult"]["resources"]] == [
        ("PreSync", "Failed")
    ]
    site.argocd.faults.switch_off("hook-fails")

    site.argocd.faults.switch_on("slow", {"application": "love", "seconds": 30.0})
    assert (await site.sync("love"))["phase"] == "Running"
    site.hill.pass_time(31)
    assert (await site.app("love"))["status"]["operationState"]["phase"] == "Succeeded"
    site.argocd.faults.switch_off("slow")

    site.argocd.faults.switch_on("sync-answer-lost")
    with pytest.raises(httpx2.TransportError):
        await site.client.post(f"{APPS}/love/sync", json={"infos": [{"name": "key", "value": "k-1"}]})
    site.argocd.faults.switch_off("sync-answer-lost")
    site.hill.pass_time(2)
    operation = (await site.app("love"))["status"]["operationState"]["operation"]
    assert operation["info"] == [{"name": "key", "value": "k-1"}]

    site.argocd.faults.switch_on("somebody-syncs", {"application": "love", "who": "admin"})
    assert (await site.app("love"))["operation"]["initiatedBy"] == {"username": "admin"}
    site.hill.pass_time(2)

    site.argocd.faults.switch_on("controller-stopped", {"application": "love"})
    assert await site.sync("love") == {}
    before = site.argocd.asked["get"]
    refreshing = asyncio.create_task(site.app("love", "?refresh=normal"))
    await asyncio.to_thread(wait_until, lambda: site.argocd.asked["get"] > before, 10, "the refresh")
    assert not refreshing.done()
    site.argocd.faults.switch_off("controller-stopped")
    await refreshing
    site.hill.pass_time(2)
    assert (await site.app("love"))["status"]["operationState"]["phase"] == "Succeeded"


async def test_faults_of_git_and_of_the_front(site: Site) -> None:
    await site.app("love")
    site.argocd.faults.switch_on("unrenderable", {"application": "love"})
    found = await site.app("love", "?refresh=hard")
    assert found["status"]["sync"]["status"] == "Unknown"
    assert [each["type"] for each in found["status"]["conditions"]] == ["ComparisonError"]
    site.argocd.faults.switch_off("unrenderable")
    assert (await site.app("love", "?refresh=hard"))["status"]["sync"]["status"] == "Synced"

    site.argocd.faults.switch_on("removed", {"namespace": "love", "job": "love-commander"})
    found = await site.app("love", "?refresh=normal")
    assert [each["name"] for each in found["status"]["resources"] if each.get("requiresPruning")] == ["love-commander"]
    assert (await site.sync("love", prune=True))["phase"] == "Succeeded"
    assert site.hill.jobs("love-commander") == []

    site.argocd.faults.switch_on("shared", {"application": "love"})
    found = await site.app("love")
    assert [each["type"] for each in found["status"]["conditions"]] == ["SharedResourceWarning"]

    for fault, values, code, kind in (
        ("html", {"status": 502.0}, 502, "text/html"),
        ("failing", {}, 500, "application/json"),
        ("token-expired", {}, 401, "application/json"),
        ("down", {}, 503, "text/plain"),
    ):
        site.argocd.faults.switch_on(fault, values)
        answer = await site.client.get(f"{APPS}/love")
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (code, kind)
        site.argocd.faults.switch_off(fault)
    site.argocd.faults.switch_on("forbidden", {"application": "love", "action": "sync"})
    assert (await site.client.post(f"{APPS}/love/sync", json={})).status_code == 403
    can = await site.client.get(f"{ROOT}/api/v1/account/can-i/applications/sync/telescope/love")
    assert can.json() == {"value": "no"}


async def test_a_stream_is_cut_and_falls_silent(site: Site) -> None:
    path = f"{ROOT}/api/v1/stream/applications?projects=telescope"
    async with site.client.stream("GET", path, headers={"Accept": "text/event-stream"}) as response:
        lines = response.aiter_lines()
        assert (await anext(lines)).startswith('data: {"result":{"type":"ADDED"')
        site.argocd.faults.switch_on("stream-dies")
        with pytest.raises(httpx2.RemoteProtocolError):
            async for _ in lines:
                pass
    site.argocd.faults.switch_on("stream-silent")
    with pytest.raises(httpx2.ReadTimeout):
        await site.client.get(path, timeout=0.3)


async def test_whoever_syncs_keeps_the_clock_away(site: Site) -> None:
    watcher = site.hill.csc("Watcher")
    assert site.hill.world.claimed(watcher) == ""
    await site.client.get(APPS)
    assert site.hill.world.claimed(watcher) == ""
    await site.sync("love", dryRun=True)
    assert site.hill.world.claimed(watcher) == ""
    await site.sync("love")
    assert site.hill.world.claimed(watcher) == "argocd"
