"""Why Slack did not do what was asked, in an operator's words; neither tokens nor whole bodies. Pure."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Mapping
from typing import Any

from deploydash.core.outside_text import visible
from deploydash.errors import FeedError

SYSTEM = "slack"
MOST_WORDS = 200

ANEW = "set SLACK_BOT_TOKEN anew, then leave and resume the run"
_REACH = "is the network up? Until then copy the text (v), post it yourself, and sign off with its link"
_UNSURE = frozenset({"fatal_error", "internal_error", "service_unavailable", "request_timeout", "unknown_error"})
"""Errors after which it may have been done, at least in part."""

_WORDS: Mapping[str, tuple[str, str]] = {
    "not_in_channel": ("the bot is not in {channel}", "invite it there: /invite @{user}"),
    "channel_not_found": (
        "there is no channel {channel}, or it is private and the bot is not in it",
        "see the name below systems: slack: of the site file, or invite the bot",
    ),
    "is_archived": ("{channel} is archived", "name another channel in the site file"),
    "restricted_action": ("posting to {channel} is restricted in this workspace", "ask its owners"),
    "invalid_auth": ("Slack does not accept the token", ANEW),
    "not_authed": ("Slack was sent no token", ANEW),
    "account_inactive": ("the account of the token is inactive", ANEW),
    "token_expired": ("the token has expired", ANEW),
    "token_revoked": ("the token was revoked", ANEW),
    "msg_too_long": ("the message is too long for Slack", "shorten it (M) to 4,000 characters"),
    "time_in_past": ("the time of the message is past", "see <date> and <start>, or post it at once"),
    "time_too_far": ("the time of the message is more than 120 days away", "see <date>"),
    "restricted_too_many": ("Slack takes at most 30 scheduled messages in 5 minutes", "retry it later"),
    "invalid_scheduled_message_id": ("this message is not scheduled any more", "it was posted or cancelled"),
}


class SlackError(FeedError):
    """Slack refused, failed, or did not answer.

    ``code``: its own word for it, empty where it had none. ``again_s``: after how many seconds it may be asked again,
    where it wants that. ``unsure``: what was asked may have been done. ``unsent``: no connection was made.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: str = "",
        again_s: float = 0.0,
        unsure: bool = False,
        unsent: bool = False,
    ) -> None:
        super().__init__(SYSTEM, message, hint=hint)
        self.code = code
        self.again_s = again_s
        self.unsure = unsure
        self.unsent = unsent


def refusal(
    method: str, status: int, body: Any, headers: Mapping[str, str], *, channel: str = "", user: str = ""
) -> SlackError:
    """Return what an answer means that is not ok. ``channel``, ``user``: what was asked about, and who we are."""
    told = body if isinstance(body, Mapping) else {}
    code = _short(told.get("error"))
    if status == 429 or code == "ratelimited":
        again_s = _seconds(headers)
        message = f"Slack has too many requests of us at the moment ({method})"
        hint = f"it wants to be asked again after {again_s:g} s"
        return SlackError(message, hint=hint, code="ratelimited", again_s=again_s)
    if status >= 500 or code in _UNSURE:
        what = f"HTTP {status}" if status >= 500 else code
        return SlackError(f"Slack fails ({what}, {method})", hint="see status.slack.com", code=code, unsure=True)
    if code == "missing_scope":
        needed, has = _short(told.get("needed")), _short(told.get("provided"))
        message = f"the token lacks the scope {needed or 'of ' + method}"
        hint = f"add it to the app at api.slack.com/apps, install it again, {ANEW}"
        return SlackError(f"{message}{f' (it has {has})' if has else ''}", hint=hint, code=code)
    if code:
        known = "restricted_action" if code.startswith("restricted_action") else code
        message, hint = _WORDS.get(known, (f"Slack refused {method}: {code}", ""))
        named = {"channel": channel or "the channel", "user": user or "the bot"}
        return SlackError(message.format(**named), hint=hint.format(**named), code=code)
    what = f"HTTP {status}" + (": is there a proxy or a login in between?" if 200 <= status < 400 else "")
    return SlackError(f"{method} was answered with {what}", unsure=status < 400)


def no_answer(address: str, error: BaseException) -> SlackError:
    """Return why no answer came, in the operating system's words where it has any."""
    unsent = type(error).__name__.startswith("ClientConnector")
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ssl.SSLCertVerificationError):
            why = _short(inner.verify_message)
            return SlackError(f"{address}: its certificate is not trusted: {why}", hint=_REACH, unsent=True)
        if isinstance(inner, socket.gaierror):
            why = _short(inner.strerror)
            return SlackError(f"{address} cannot be reached: {why}", hint=_REACH, unsent=True)
        if isinstance(inner, OSError) and inner.errno is not None and inner.errno in errno.errorcode:
            why = os.strerror(inner.errno)
            return SlackError(f"{address} cannot be reached: {why}", hint=_REACH, unsent=unsent, unsure=not unsent)
        inner = inner.__cause__ or inner.__context__
    if isinstance(error, TimeoutError):
        return SlackError(f"{address} does not answer in time", hint=_REACH, unsure=True)
    return SlackError(f"{address} breaks off ({type(error).__name__})", hint=_REACH, unsent=unsent, unsure=not unsent)


def _seconds(headers: Mapping[str, str]) -> float:
    told = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return min(600.0, float(told)) if told.isdigit() else 30.0


def _short(text: object) -> str:
    line = " ".join(visible(text).split()) if isinstance(text, str) else ""
    return line if len(line) <= MOST_WORDS else f"{line[: MOST_WORDS - 1]}…"
