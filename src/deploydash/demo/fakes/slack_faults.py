"""How the demo observatory's Slack fails, by name, and what each scope of a token is for."""

from __future__ import annotations

from collections.abc import Mapping

from deploydash.demo.fake import Fault

SCOPES: Mapping[str, frozenset[str]] = {
    "chat:write": frozenset({"post", "schedule", "unschedule", "update"}),
    "channels:read": frozenset({"channels"}),
    "groups:read": frozenset(),
    "channels:history": frozenset({"history"}),
    "groups:history": frozenset(),
}

FAULTS: Mapping[str, Fault] = {
    "down": Fault("503 for everything"),
    "stalled": Fault("every answer takes so many seconds longer, and nothing is done before", {"seconds": 12.0}),
    "answer-late": Fault("what changes something is done, and its answer comes so much later", {"seconds": 12.0}),
    "answer-lost": Fault("what changes something is done, and the connection cut in place of an answer"),
    "token-refused": Fault("invalid_auth for everything"),
    "other-workspace": Fault("the token is of another workspace", {"workspace": "elsewhere.slack.com"}),
    "missing-scope": Fault("the token lacks this scope", {"scope": "chat:write"}),
    "rate-limited": Fault("429 so many times for this kind", {"kind": "*", "seconds": 1.0, "times": 1.0}),
    "not-in-channel": Fault("the bot is in no channel any more"),
    "no-channel": Fault("channel_not_found for every channel"),
    "refused": Fault("what changes something is refused with this word", {"error": "fatal_error"}),
}
