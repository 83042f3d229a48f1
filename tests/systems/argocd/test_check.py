"""What ``deploydash check`` finds of a site's Argo CD."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from deploydash.errors import FeedError
from deploydash.systems.argocd.check import check, of_login
from deploydash.systems.argocd.login import Login
from deploydash.systems.argocd.settings import ArgocdSettings
from deploydash.systems.practices.settings import PRACTICES, PracticesSettings
from deploydash.systems.table import Place
from tests.support.builders import roster
from tests.systems.argocd.replay import TOKEN, Argo, Reply, replied, reply, serving

APPS = "GET /api/v1/applications"
NO_ANSWERS: Mapping[str, Reply] = MappingProxyType({})


def app(name: str, project: str = "telescope", **policy: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"project": project, "syncPolicy": policy}, "status": {}}


SITE = [
    app("science-platform", "infrastructure"),
    app("nublado", "rsp"),
    app("sasquatch", "monitoring"),
    app("control-system-test"),
    app("love"),
    app("obssys"),
]


async def found(
    *apps: dict[str, Any], environment: str = "", fixed: Mapping[str, Reply] = NO_ANSWERS
) -> list[tuple[str, str]]:
    argo = Argo(
        fixed={
            "GET /api/version": replied("version", 0),
            "GET /api/v1/session/userinfo": replied("session", 7),
            APPS: reply({"items": list(apps)}),
            **{name.replace("_", " ", 1): answer for name, answer in fixed.items()},
        }
    )
    with serving(argo) as endpoint:
        port = int(endpoint.server.partition(":")[2])
        settings = ArgocdSettings(server="127.0.0.1", port=port, plain_text=True, token=TOKEN, rest=("obssys",))
        practices = {"environment": environment, "applications": {}}
        others = {PRACTICES: PracticesSettings.model_validate(practices)} if environment else {}
        findings = await check(Place(settings, roster("ATDome"), others))
    return [(str(one.level), one.sentence) for one in findings][1:]


async def test_a_site_that_is_as_its_file_says() -> None:
    assert await found(*SITE) == [
        ("ok", "logged in as operator, token without an end, from the demo observatory"),
        ("ok", "may get all 6 applications"),
        ("ok", "may sync all 6 applications"),
        ("ok", "the 6 applications are those of the site file"),
    ]


async def test_what_differs_from_the_site_file_is_told_both_ways() -> None:
    told = await found(*SITE[:4], app("love", automated={}), app("more"))
    assert told[3:] == [
        ("red", "not in project telescope of Argo CD, or not shown to us: obssys"),
        ("warning", "in project telescope, and not named under systems.argocd.rest: more"),
        ("red", "auto-sync is on, so a merge starts CSCs by itself: love"),
    ]


@pytest.mark.parametrize(
    ("environment", "level"), [("Prod", "red"), ("Int", "red"), ("", "red"), ("Dev", "warning"), ("Bleed", "warning")]
)
async def test_what_syncs_by_itself_is_red_but_where_the_practices_allow_it(environment: str, level: str) -> None:
    told = await found(*SITE, app("unnamed", automated={}), environment=environment)
    assert told[-1][0] == level
    assert told[-1][1].startswith("auto-sync is on, so a merge starts CSCs by itself: unnamed")


async def test_what_is_not_ours_may_sync_by_itself() -> None:
    told = await found(*SITE, app("portal", "rsp", automated={}), app("off", automated={"enabled": False}))
    assert not [words for _, words in told if "auto-sync" in words]


async def test_rights_that_are_lacking_are_named_by_application() -> None:
    no = {f"GET_/api/v1/account/can-i/applications/sync/{one}": reply({"value": "no"}) for one in ("telescope/love",)}
    told = await found(*SITE, fixed=no)
    assert told[2] == ("red", "may not sync love")


async def test_a_login_that_is_not_accepted_ends_it() -> None:
    told = await found(*SITE, fixed={"GET_/api/v1/session/userinfo": replied("session", 5)})
    (one,) = told
    assert one[0] == "red"
    assert one[1].startswith("the server does not accept the token")


async def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(FeedError, match="web page"):
        await found(fixed={"GET_/api/version": (200, {"content-type": "text/html"}, b"<html>")})


@pytest.mark.parametrize(
    ("minutes", "level", "words"),
    [
        (None, "ok", "logged in as lead, token without an end, from here"),
        (120, "ok", "logged in as lead, token until 02:00:00Z, from here"),
        (119, "warning", "119 min are fewer than a deployment takes"),
        (9, "red", "only 9 min left"),
        (-1, "red", "only 0 min left"),
    ],
)
def test_how_long_a_login_lasts(minutes: int | None, level: str, words: str) -> None:
    until = None if minutes is None else minutes * 60.0
    finding = of_login(Login("t", "here", "relogin", "", until), "lead", 0.0)
    assert finding.level == level
    assert words in finding.sentence
