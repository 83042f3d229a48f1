"""The token of an orchestrator that asks for one: in its header alone, never in words, the log or on loopback."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

import pytest

from deploydash.systems.http import Answer
from deploydash.systems.orchestrator.client import OrchestratorClient, OrchestratorError
from deploydash.systems.orchestrator.settings import TOKEN
from tests.systems.orchestrator.test_steps import SETTINGS

SECRET = "eyJhbGciOiJIUzI1NiJ9.nobodys.token"


def asked(client: OrchestratorClient, status: int) -> list[Mapping[str, str]]:
    """Let a server answer with this status what repeats the token, and return the headers of each request."""
    sent: list[Mapping[str, str]] = []

    async def answer(_: str, *, headers: Mapping[str, str], **_more: object) -> Answer:
        sent.append(headers)
        body: dict[str, object] = (
            {"message": "Access to this resource is unauthorized"} if status != 200 else {"data": {}}
        )
        return Answer(status, "application/json", json.dumps(body).encode())

    client._http.ask = answer  # type: ignore[assignment, method-assign]
    return sent


async def test_the_token_of_the_environment_is_sent_to_the_site_and_to_nobody_on_loopback() -> None:
    there = OrchestratorClient(SETTINGS, {TOKEN: f" {SECRET}\n"})
    here = OrchestratorClient(SETTINGS.model_copy(update={"url": "http://127.0.0.1:8888"}), {TOKEN: SECRET})
    for client, header in ((there, f"Bearer {SECRET}"), (here, None), (OrchestratorClient(SETTINGS, {}), None)):
        sent = asked(client, 200)
        await client.ask("/api/v1/serverstatus")
        assert [one.get("Authorization") for one in sent] == [header]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_not_taken_is_said_in_words_without_it(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = OrchestratorClient(SETTINGS, {TOKEN: SECRET})
    asked(client, status)
    with pytest.raises(OrchestratorError) as caught:
        await client.ask("/api/v2/environment/x?details=true")
    assert str(caught.value) == (
        "GET /api/v2/environment/x: Access to this resource is unauthorized "
        f"(set {TOKEN} to a token of this environment, then leave and resume the run)"
    )
    for text in (repr(caught.value), str(vars(caught.value)), repr(client), client.address, caplog.text):
        assert SECRET not in text
    assert not any(SECRET in str(model) for model in (SETTINGS, SETTINGS.words()))
