"""How the demo observatory's Argo CD fails, by name. ``application`` is a pattern."""

from __future__ import annotations

from collections.abc import Mapping

from deploydash.demo.fake import Fault

_ALL = {"application": "*"}
FAULTS: Mapping[str, Fault] = {
    "down": Fault("503 for everything, from the ingress before it"),
    "stalled": Fault("every answer takes so many seconds longer", {"seconds": 7.0}),
    "html": Fault("a page of a proxy for everything, with this status", {"status": 502.0}),
    "failing": Fault("500 for everything, as gRPC tells it: its own API server does not answer"),
    "token-expired": Fault("401 for everything but userinfo: every token has expired"),
    "forbidden": Fault("no right to do this to the applications", {**_ALL, "action": "sync"}),
    "unrenderable": Fault("their chart does not render from the next commit on", {"application": "envsys"}),
    "stuck": Fault("a sync that applied everything goes on waiting until it is terminated", {"application": "love"}),
    "slow": Fault("a sync takes so many seconds until it applies anything", {**_ALL, "seconds": 5.0}),
    "hook-fails": Fault("a sync has a PreSync hook that fails", {"application": "love"}),
    "controller-stopped": Fault("syncs are taken and do not begin, and a refresh does not come back", _ALL),
    "sync-answer-lost": Fault("takes a sync and cuts the connection in place of an answer", _ALL),
    "stream-silent": Fault("streams say nothing, not even that they live"),
    "stream-dies": Fault("streams that are open are cut, once"),
    "somebody-syncs": Fault("somebody else syncs them at this moment", {"application": "obssys", "who": "admin"}),
    "removed": Fault("a commit no longer has this Job", {"namespace": "obssys", "job": "gis"}),
    "shared": Fault("they say that another application has one of their things", {"application": "envsys"}),
}
