"""Which API server is asked, with which credentials, and in which words there is none."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploydash.errors import FeedError
from deploydash.systems.kubernetes.client import connected
from deploydash.systems.kubernetes.kubeconfig import Context, ForeignServerError, read_context, refuse_foreign
from tests.servers.certificates import make_certificates
from tests.servers.http_server import HttpServer, Request
from tests.systems.kubernetes.replay import CONTEXT, TOKEN, asking, kubeconfig, settings

VERSION = json.dumps({"gitVersion": "v1.36.1"}).encode()


def version(_: Request) -> tuple[int, dict[str, str], bytes]:
    return 200, {"content-type": "application/json"}, VERSION


@pytest.mark.parametrize(
    ("server", "domain", "servers", "rehearsal", "own"),
    [
        ("https://kube.cp.lsst.org:6443", "cp.lsst.org", (), False, True),
        ("https://rancher.cp.lsst.org/k8s/clusters/c-1", "cp.lsst.org", (), False, True),
        ("https://CP.lsst.org.", "cp.lsst.org", (), False, True),
        ("https://kube.tu.lsst.org:6443", "cp.lsst.org", (), False, False),
        ("https://evilcp.lsst.org:6443", "cp.lsst.org", (), False, False),
        ("https://cp.lsst.org.example.org", "cp.lsst.org", (), False, False),
        ("https://127.0.0.1:6443", "cp.lsst.org", (), False, False),
        ("https://127.0.0.1:6443", "cp.lsst.org", ("127.0.0.1",), False, True),
        ("https://kube.tu.lsst.org", "", ("kube.tu.lsst.org",), False, True),
        ("https://kube.tu.lsst.org", "", (), False, False),
        ("https://kube.cp.lsst.org:6443", "cp.lsst.org", ("kube.cp.lsst.org",), True, False),
        ("http://127.0.0.1:1234", "cp.lsst.org", (), True, True),
        ("http://[::1]:1234", "", (), True, True),
    ],
)
def test_only_a_server_of_the_site_is_asked(
    server: str, domain: str, servers: tuple[str, ...], rehearsal: bool, own: bool
) -> None:
    context = Context(Path("kubeconfig"), "yagan", server)
    if own:
        refuse_foreign(context, domain, servers, rehearsal=rehearsal)
        return
    with pytest.raises(ForeignServerError, match="none of the site's API servers"):
        refuse_foreign(context, domain, servers, rehearsal=rehearsal)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"contexts": []}, "it has no context operator"),
        ({"clusters": []}, "it has no cluster good"),
        ({"users": []}, "it has no user operator"),
        ({"clusters": [{"name": "good", "cluster": {}}]}, "has no server that is a URL"),
        ({"clusters": [{"name": "good", "cluster": {"server": "kube:6443"}}]}, "has no server that is a URL"),
        ({"contexts": [{"name": CONTEXT, "context": {"cluster": "good"}}]}, "names no user"),
        ({"contexts": {"name": CONTEXT}}, "it has no context operator"),
    ],
)
def test_what_is_wrong_with_a_kubeconfig_is_said(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "https://kube.cp.lsst.org")
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text("utf-8")), **change}), "utf-8")
    with pytest.raises(FeedError, match=words):
        read_context(str(path), CONTEXT)


def test_a_kubeconfig_that_is_not_there_or_no_yaml_is_said(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"there is no .*none"):
        read_context(str(tmp_path / "none"), CONTEXT)
    (tmp_path / "odd").write_bytes(b"\x00[")
    with pytest.raises(FeedError, match="is no YAML"):
        read_context(str(tmp_path / "odd"), CONTEXT)
    with pytest.raises(FeedError, match="cannot be read"):
        read_context(str(tmp_path), CONTEXT)


async def test_the_pinned_context_is_asked_and_nothing_is_written(tmp_path: Path) -> None:
    async with asking(tmp_path, version) as (cluster, server):
        before = (tmp_path / "kubeconfig").read_bytes()
        assert (await cluster.get("/version")).body == {"gitVersion": "v1.36.1"}
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert (tmp_path / "kubeconfig").read_bytes() == before
        assert cluster.address == f"operator at {server.url}"


async def test_a_server_of_elsewhere_is_never_asked(tmp_path: Path) -> None:
    with HttpServer(version) as server:
        site = settings(kubeconfig(tmp_path, server.url), domain="cp.lsst.org")
        async with connected(site, rehearsal=False) as cluster:
            with pytest.raises(ForeignServerError):
                await cluster.get("/version")
        assert server.requests == []


def plugin(folder: Path, *, expires: str | None, fails: bool = False) -> dict[str, Any]:
    """Return a user whose credentials come from a plugin, which counts how often it ran."""
    status = {"token": f"run-{'{count}'}"} | ({"expirationTimestamp": expires} if expires else {})
    program = folder / "plugin.py"
    program.write_text(
        "import json, pathlib, sys\n"
        f"counter = pathlib.Path({str(folder / 'count')!r})\n"
        "count = int(counter.read_text()) + 1 if counter.exists() else 1\n"
        "counter.write_text(str(count))\n"
        + ("sys.exit('no login, run tsh')\n" if fails else "")
        + f"status = {status!r}\n"
        "status['token'] = status['token'].format(count=count)\n"
        "kind = {'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential', 'status': status}\n"
        "print(json.dumps(kind))\n",
        "utf-8",
    )
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [str(program)],
            "interactiveMode": "Never",
        }
    }


@pytest.mark.parametrize(
    ("expires", "tokens"),
    [
        ("2020-01-01T00:00:00Z", ["Bearer run-2", "Bearer run-3"]),  # it had ended: renewed before each request
        ("2999-01-01T00:00:00Z", ["Bearer run-1", "Bearer run-1"]),
        (None, ["Bearer run-1", "Bearer run-1"]),
    ],
)
async def test_credentials_of_a_plugin_are_renewed_when_they_end(
    expires: str | None, tokens: list[str], tmp_path: Path
) -> None:
    with HttpServer(version) as server:
        site = settings(kubeconfig(tmp_path, server.url, **plugin(tmp_path, expires=expires)))
        async with connected(site, rehearsal=True) as cluster:
            await cluster.get("/version")
            await cluster.get("/version")
    assert [request.headers["authorization"] for request in server.requests] == tokens


async def test_credentials_without_an_end_are_renewed_when_they_are_refused(tmp_path: Path) -> None:
    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        return version(request) if request.headers["authorization"] == "Bearer run-2" else (401, {}, b"{}")

    with HttpServer(answer) as server:
        site = settings(kubeconfig(tmp_path, server.url, **plugin(tmp_path, expires=None)))
        async with connected(site, rehearsal=True) as cluster:
            await cluster.get("/version")
    assert len(server.requests) == 2


@pytest.mark.parametrize("missing", [False, True])
async def test_why_there_are_no_credentials_is_said(missing: bool, tmp_path: Path) -> None:
    user = plugin(tmp_path, expires=None, fails=True)
    if missing:
        user["exec"]["command"] = str(tmp_path / "nosuch")
    async with connected(settings(kubeconfig(tmp_path, "http://127.0.0.1:9", **user)), rehearsal=True) as cluster:
        with pytest.raises(FeedError, match="nosuch is not there" if missing else "no login, run tsh"):
            await cluster.get("/version")


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("http://127.0.0.1:1", "cannot be reached: Connection refused"),
        ("https://unknown.invalid:6443", "cannot be reached: "),
    ],
)
async def test_a_server_that_cannot_be_reached_is_said(server: str, words: str, tmp_path: Path) -> None:
    site = settings(kubeconfig(tmp_path, server), domain="invalid", servers=("127.0.0.1",))
    async with connected(site, rehearsal=False) as cluster:
        with pytest.raises(FeedError, match=words):
            await cluster.get("/version")


async def test_a_certificate_of_another_authority_is_said(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    with HttpServer(version, keystore=made.keystore) as server:
        for authority, words in ((made.wrong_ca_file, "its certificate is not trusted"), (made.ca_file, "")):
            path = kubeconfig(tmp_path, server.url)
            document = yaml.safe_load(path.read_text("utf-8"))
            document["clusters"][0]["cluster"]["certificate-authority"] = str(authority)
            path.write_text(yaml.safe_dump(document), "utf-8")
            async with connected(settings(path), rehearsal=True) as cluster:
                if not words:
                    await cluster.get("/version")
                    continue
                with pytest.raises(FeedError, match=words):
                    await cluster.get("/version")
