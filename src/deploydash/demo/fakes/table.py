"""The fakes of a demo observatory, one line each."""

from __future__ import annotations

from deploydash.demo.fake import Kind
from deploydash.demo.fakes import argocd, broker, cluster, efd, github, hosts, registry, slack

FAKES: tuple[Kind, ...] = (
    broker.KIND,
    registry.KIND,
    efd.KIND,
    cluster.KIND,
    hosts.KIND,
    argocd.KIND,
    github.KIND,
    slack.KIND,
)
