"""What a refusal of the API server becomes: its message in our words, nothing of its headers or our credentials."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path

import pytest

from deploydash.errors import FeedError, UserError
from deploydash.systems.kubernetes.act import KubernetesAction
from tests.servers.http_server import Request
from tests.support.clock import ManualClock
from tests.support.item_context import RecordingContext
from tests.systems.kubernetes.replay import TOKEN, asking
from tests.systems.kubernetes.test_act import NOBODY, jobs_item

HEADERS = {
    "Audit-Id": "0d1f-audit-4711",
    "X-Kubernetes-Pf-Flowschema-Uid": "flow-0815",
    "Set-Cookie": "session=c00kie",
    "Cache-Control": "no-cache, private",
}
BODY = json.dumps({"kind": "Status", "reason": "Forbidden", "message": "jobs.batch is refused"}).encode()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
async def test_no_header_reaches_the_card_the_journal_or_the_log(
    status: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        if request.path.startswith("/version"):
            return 200, HEADERS, b'{"gitVersion": "v1.36.1"}'
        return status, HEADERS, BODY

    caplog.set_level(logging.DEBUG)
    async with asking(tmp_path, answer) as (cluster, server):
        clock, context = ManualClock(), RecordingContext()

        async def sleep(seconds: float) -> None:
            clock.advance(10 * seconds)

        action = KubernetesAction(cluster, clock, sleep)
        plan = await action.describe([jobs_item("envsys")], NOBODY)
        texts = [json.dumps(asdict(plan))]
        approved = json.dumps({"uids": {"ess106": "u1"}})
        try:
            texts.append(str(await action.run(jobs_item("envsys"), approved, context)))
        except (UserError, FeedError) as error:
            texts += [str(error), repr(error), getattr(error, "hint", "") or ""]
        texts += [str(context.told), "".join(record.getMessage() for record in caplog.records)]
        assert len(server.requests) > 2
    assert "refused" in texts[0] or status in {401, 429, 500, 503}
    for text in texts:
        for name, value in HEADERS.items():
            assert name.lower() not in text.lower()
            assert value not in text
        assert TOKEN not in text
        assert "HTTP response headers" not in text
