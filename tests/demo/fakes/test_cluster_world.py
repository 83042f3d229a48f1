"""What is asked of the cluster happens to the CSCs of the one world, and what happens to them is seen in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from deploydash.demo import scenario_file, site
from deploydash.demo.director import Director
from deploydash.demo.fakes.cluster import Cluster
from deploydash.demo.fakes.cluster_control import READY_LAG_S, finished
from deploydash.demo.fakes.cluster_kinds import EVENTS, JOBS, PODS, Object
from deploydash.demo.fakes.cluster_nodes import PULL_S
from deploydash.demo.fakes.table import FAKES
from deploydash.demo.site import Csc
from deploydash.demo.world import World
from tests.demo.fakes.cluster_replay import NOON
from tests.demo.harness import SITE
from tests.servers.waiting import patient

CALM = "fleet: ENABLED\n"
DONE_TO_CSCS = """
fleet: ENABLED
timeline:
  - {at: 1, do: kill, csc: Watcher}
  - {at: 1, do: move, csc: ATAOS, state: OFFLINE}
  - {at: 60, do: redeploy, csc: "*"}
"""
WATCHER = "/apis/batch/v1/namespaces/obssys/jobs/watcher"
BACKGROUND = {"propagationPolicy": "Background"}
STARTS_S = 1 + 2 * PULL_S + READY_LAG_S
"""By then a new pod runs, whatever its Job's name."""


def _yaml(path: str) -> Any:
    return yaml.safe_load(Path(path).read_text("utf-8"))


class Hill:
    """A cluster in a world that a scenario opened, whose time passes by hand."""

    def __init__(self, folder: Path, scenario: str = CALM) -> None:
        where = folder / "hill.yaml"
        where.write_text(yaml.safe_dump(SITE), "utf-8")
        self.world = World(site.read(where, speed=1.0), 1, 1.0)
        self.cluster = Cluster.of(self.world)
        self.world.announce({csc.component for csc in self.world.site.cscs} | {"Script"})
        played = scenario_file.parse(scenario, "s.yaml", "s", FAKES)
        Director(self.world, played, {"cluster": self.cluster}, NOON).open()
        self.world.open()
        self.world.turn(NOON + 0.3)
        self.client = httpx2.AsyncClient(timeout=patient(20))

    async def open(self) -> None:
        """Open the port."""
        section = (await self.cluster.start())["systems"]["kubernetes"]
        config = _yaml(section["kubeconfig"])
        self.client.base_url = config["clusters"][0]["cluster"]["server"]
        self.client.headers["Authorization"] = f"Bearer {config['users'][0]['user']['token']}"

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass."""
        ends = self.world.now + seconds
        while self.world.now < ends:
            self.world.turn(min(ends, self.world.now + 0.25))

    def csc(self, name: str) -> Csc:
        """A CSC of the site."""
        return next(csc for csc in self.world.site.cscs if csc.name == name)

    def alive(self, name: str) -> int:
        """How many processes of a CSC live."""
        return len(self.world.running(self.csc(name)))

    def jobs(self, *names: str) -> list[Object]:
        """Jobs by name."""
        return self.cluster.store.items(JOBS, "", lambda item: item["metadata"]["name"] in names)

    def pods(self, job: str) -> list[Object]:
        """The pods of a Job's name."""
        return self.cluster.store.items(PODS, "", lambda item: item["metadata"]["labels"].get("job-name") == job)

    def phases(self, job: str) -> list[str]:
        """How the pods of a Job's name stand, in order of their making."""
        found = sorted(self.pods(job), key=lambda pod: int(pod["metadata"]["resourceVersion"]))
        return [pod["status"]["phase"] for pod in found]

    async def delete(self, path: str = WATCHER, body: Any = None) -> httpx2.Response:
        """Delete something."""
        return await self.client.request("DELETE", path, json=body)

    async def make(self, job: str, namespace: str = "obssys", tag: str = "c0045") -> httpx2.Response:
        """Make a Job as a sync does."""
        manifest = self.cluster.jobs[namespace, job].manifest(tag)
        return await self.client.post(f"/apis/batch/v1/namespaces/{namespace}/jobs", json=manifest)


@pytest.fixture
def hill(tmp_path: Path) -> Hill:
    return Hill(tmp_path)


@pytest.fixture
async def asked(hill: Hill) -> AsyncIterator[Hill]:
    await hill.open()
    yield hill
    await hill.client.aclose()
    await hill.cluster.stop()


def test_each_csc_of_the_section_has_a_job_whose_pod_runs_it(hill: Hill) -> None:
    names = {job["metadata"]["name"] for job in hill.jobs("ataos", "atdome", "mtqueue", "watcher", "love-commander")}
    assert names == {"ataos", "atdome", "mtqueue", "watcher", "love-commander"}
    assert [hill.phases(name) for name in sorted(names)] == [["Running"]] * 5
    [queue] = hill.pods("mtqueue")
    assert queue["metadata"]["labels"]["csc-class"] == "scriptqueue"
    assert queue["spec"]["containers"][0]["image"] == "ts-dockerhub.lsst.org/scriptqueue:c0044"


async def test_a_deleted_job_takes_its_csc_with_it_when_the_grace_period_has_ended(asked: Hill) -> None:
    assert (await asked.delete(body=BACKGROUND)).json()["status"] == "Success"
    asked.pass_time(29)
    assert (asked.alive("Watcher"), asked.jobs("watcher")) == (1, [])
    asked.pass_time(2)
    assert (asked.alive("Watcher"), asked.pods("watcher")) == (0, [])
    assert asked.alive("ScriptQueue:1") == 1
    assert asked.cluster.controller.orphans == 0


async def test_a_delete_without_a_word_orphans_the_pod_and_another_job_starts_a_second_process(asked: Hill) -> None:
    answer = await asked.delete()
    assert "child pods are preserved" in answer.headers["warning"]
    asked.pass_time(60)
    assert (asked.alive("Watcher"), asked.jobs("watcher"), asked.cluster.controller.orphans) == (1, [], 1)
    assert (await asked.make("watcher")).status_code == 201
    asked.pass_time(STARTS_S)
    assert asked.alive("Watcher") == 2


async def test_a_new_job_starts_its_csc_when_its_image_is_there(asked: Hill) -> None:
    await asked.delete(body=BACKGROUND)
    asked.pass_time(31)
    assert (await asked.make("watcher")).status_code == 201
    asked.pass_time(2)
    assert (asked.alive("Watcher"), asked.phases("watcher")) == (0, ["Pending"])
    [pod] = asked.pods("watcher")
    assert pod["status"]["containerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}
    asked.pass_time(STARTS_S)
    assert (asked.alive("Watcher"), asked.phases("watcher")) == (1, ["Running"])
    [job] = asked.jobs("watcher")
    assert job["status"]["ready"] == 1
    events = asked.cluster.store.items(EVENTS, "obssys")
    events.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
    assert [each["reason"] for each in events][-5:] == ["Scheduled", "Pulling", "Pulled", "Created", "Started"]


async def test_the_clock_redeploys_what_was_deleted_only_when_nobody_has_deleted_for_long(tmp_path: Path) -> None:
    hill = Hill(
        tmp_path, 'timeline:\n  - {once: {system: cluster, asked: delete}, at: 1, do: redeploy, csc: "*", every: 5}\n'
    )
    await hill.open()
    await hill.delete(body=BACKGROUND)
    hill.pass_time(100)
    assert hill.alive("Watcher") == 0
    await hill.delete(WATCHER.replace("watcher", "mtqueue"), BACKGROUND)
    hill.pass_time(100)
    assert hill.alive("Watcher") == 0
    hill.pass_time(60)
    assert (hill.alive("Watcher"), hill.alive("ScriptQueue:1")) == (1, 1)
    assert hill.phases("watcher") == ["Running"]
    await hill.client.aclose()
    await hill.cluster.stop()


def test_what_a_scenario_does_to_a_csc_is_seen_in_the_cluster(tmp_path: Path) -> None:
    hill = Hill(tmp_path, DONE_TO_CSCS)
    hill.world.merged = "c0045"
    hill.pass_time(30)
    assert [(hill.phases(name), finished(hill.jobs(name)[0])) for name in ("watcher", "ataos")] == [
        (["Failed"], "Failed"),
        (["Succeeded"], "Complete"),
    ]
    ended = hill.pods("watcher")[0]["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "Error")
    before = hill.jobs("watcher")[0]["metadata"]["uid"]
    hill.pass_time(40)
    assert (hill.alive("Watcher"), hill.alive("ATAOS")) == (1, 1)
    [job] = hill.jobs("watcher")
    assert job["metadata"]["uid"] != before
    [pod] = [each for each in hill.pods("watcher") if each["status"]["phase"] == "Running"]
    assert pod["spec"]["containers"][0]["image"] == "ts-dockerhub.lsst.org/watcher:c0045"


# -- faults -----------------------------------------------------------------------------------------------------------


def waiting(hill: Hill, job: str) -> str:
    """Why the newest pod of a Job waits."""
    pod = max(hill.pods(job), key=lambda each: int(each["metadata"]["resourceVersion"]))
    found: Mapping[str, Any] = pod["status"]["containerStatuses"][0]["state"].get("waiting", {})
    return str(found.get("reason", ""))


async def test_an_image_that_cannot_be_pulled_keeps_its_csc_away_until_it_can(asked: Hill) -> None:
    asked.cluster.faults.switch_on("image-cannot-be-pulled", {"job": "watch*"})
    await asked.delete(body=BACKGROUND)
    asked.pass_time(31)
    await asked.make("watcher")
    seen = set()
    for _ in range(40):
        asked.pass_time(0.5)
        seen.add(waiting(asked, "watcher") if "containerStatuses" in asked.pods("watcher")[0]["status"] else "")
    assert seen >= {"ContainerCreating", "ErrImagePull", "ImagePullBackOff"}
    assert asked.alive("Watcher") == 0
    asked.cluster.faults.switch_off("image-cannot-be-pulled")
    asked.pass_time(60)
    assert asked.alive("Watcher") == 1


async def test_a_context_that_leads_elsewhere_is_written_into_the_kubeconfig_and_back(hill: Hill) -> None:
    section = await hill.cluster.start()
    path = section["systems"]["kubernetes"]["kubeconfig"]

    def server() -> str:
        return str(_yaml(path)["clusters"][0]["cluster"]["server"])

    ours = server()
    hill.cluster.faults.switch_on("context-elsewhere", {})
    assert server() == "https://manke.ls.lsst.org:6443"
    hill.cluster.faults.switch_off("context-elsewhere")
    assert server() == ours


async def test_a_crash_loop_makes_pod_after_pod_until_the_job_gives_up(hill: Hill) -> None:
    hill.cluster.faults.switch_on("crash-loop", {"job": "watcher", "reason": "OOMKilled", "code": 137.0})
    hill.pass_time(100)
    [job] = hill.jobs("watcher")
    assert (job["status"]["failed"], finished(job)) == (3, "")
    [first, *_] = [pod for pod in hill.pods("watcher") if pod["status"]["phase"] == "Failed"]
    state = first["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (state["reason"], state["exitCode"]) == ("OOMKilled", 137)
    hill.pass_time(1500)
    [job] = hill.jobs("watcher")
    assert (job["status"]["failed"], finished(job)) == (7, "Failed")


def held(hill: Hill) -> str:
    """Whether the Watcher's pod is held."""
    hill.pass_time(60)
    return ",".join(hill.phases("watcher"))


async def test_a_finalizer_and_a_lost_node_hold_what_was_deleted_until_they_let_go(asked: Hill) -> None:
    for fault, values in (("finalizer", {"of": "watcher-*"}), ("pods-do-not-end", {"job": "watcher"})):
        asked.cluster.faults.switch_on(fault, values)
        await asked.delete(body=BACKGROUND)
        assert (held(asked), asked.jobs("watcher")) == ("Running", []), fault
        asked.cluster.faults.switch_off(fault)
        assert held(asked) == "", fault
        await asked.make("watcher")
        asked.pass_time(STARTS_S)


async def test_a_job_that_somebody_makes_anew_has_another_uid_so_that_the_old_one_is_a_conflict(asked: Hill) -> None:
    before = asked.jobs("watcher")[0]["metadata"]["uid"]
    asked.cluster.faults.switch_on("recreated", {"job": "watcher"})
    answer = await asked.delete(body={**BACKGROUND, "preconditions": {"uid": before}})
    assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict")
    asked.pass_time(60)
    assert (asked.alive("Watcher"), len(asked.pods("watcher"))) == (1, 1)


async def test_rights_and_tokens_are_taken_away_and_given_back(asked: Hill) -> None:
    async def status(path: str = WATCHER) -> int:
        return (await asked.client.get(path)).status_code

    for fault, values, expected in (
        ("token-expired", {}, 401),
        ("too-many-requests", {}, 429),
        ("forbidden-namespace", {"namespace": "obssys"}, 403),
        ("down", {}, 503),
    ):
        asked.cluster.faults.switch_on(fault, values)
        assert await status() == expected
        asked.cluster.faults.switch_off(fault)
        assert await status() == 200
    review = {
        "spec": {"resourceAttributes": {"namespace": "obssys", "verb": "delete", "group": "batch", "resource": "jobs"}}
    }
    asked.cluster.faults.switch_on("forbidden-namespace", {"verb": "delete", "resource": "jobs"})
    answer = await asked.client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json=review)
    assert answer.json()["status"] == {"allowed": False}
    assert await status() == 200
    asked.cluster.faults.switch_on("missing-namespace", {"namespace": "obssys"})
    assert await status("/api/v1/namespaces/obssys") == 404
    assert asked.alive("Watcher") == 0


async def test_a_namespace_is_gone_when_everything_in_it_is(asked: Hill) -> None:
    await asked.delete("/api/v1/namespaces/nublado-rra", BACKGROUND)
    asked.pass_time(30)
    assert (await asked.client.get("/api/v1/namespaces/nublado-rra")).json()["status"]["phase"] == "Terminating"
    asked.pass_time(15)
    assert (await asked.client.get("/api/v1/namespaces/nublado-rra")).status_code == 404


async def test_a_watch_whose_client_went_ends_without_a_word_when_the_cluster_stops(
    asked: Hill, caplog: pytest.LogCaptureFixture
) -> None:
    async with asked.client.stream("GET", "/apis/batch/v1/namespaces/obssys/jobs", params={"watch": "true"}) as said:
        assert said.status_code == 200
    assert (await asked.client.get(WATCHER)).status_code == 200  # by now the server was told that the other is gone
    [watch] = asked.cluster.requests.watches
    watch.finish("cut")
    assert (await asked.client.get(WATCHER)).status_code == 200
    assert list(asked.cluster.requests.watches) == []
    assert caplog.records == []
