"""Slack's own client, kept from doing by itself what could post twice or elsewhere. Loaded when it is first needed."""

from __future__ import annotations

import logging
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from deploydash.systems.address import is_loopback

_log = logging.getLogger("deploydash.slack-sdk")
_log.setLevel(logging.WARNING)  # at DEBUG it writes whole messages


class Web(AsyncWebClient):
    """Asks once: no request is repeated, and none is followed to another address."""

    def __init__(self, token: str, url: str, host: str, budget_s: int) -> None:
        super().__init__(token=token, base_url=url, timeout=budget_s, retry_handlers=[], logger=_log)
        if is_loopback(host):
            self.proxy = None  # that of the shell must not come between a rehearsal and its loopback

    async def _request(self, *, http_verb: str, api_url: str, req_args: Any) -> dict[str, Any]:
        once = {**req_args, "allow_redirects": False}
        answer: dict[str, Any] = await super()._request(http_verb=http_verb, api_url=api_url, req_args=once)
        return answer
