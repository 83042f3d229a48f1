"""The two tables of systems: what reads and prints of each, and what acts. A system is one line in each.

What acts is named, not imported, so that whatever only reads loads none of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from deploydash.core.procedure.names import OWN, PERSON, SAL, SystemName
from deploydash.core.run.composing import Composed, ItemOffer
from deploydash.systems.argocd.check import check as argocd_check
from deploydash.systems.argocd.feed import feed as argocd_feed
from deploydash.systems.argocd.fuse import fuse as argocd_fuse
from deploydash.systems.argocd.login import ARGOCD
from deploydash.systems.argocd.settings import ArgocdSettings
from deploydash.systems.argocd.steps import ArgocdSteps
from deploydash.systems.github.check import check as github_check
from deploydash.systems.github.login import GITHUB
from deploydash.systems.github.settings import GithubSettings
from deploydash.systems.github.steps import GithubSteps
from deploydash.systems.kubernetes.check import check as kubernetes_check
from deploydash.systems.kubernetes.feed import feed as kubernetes_feed
from deploydash.systems.kubernetes.fuse import fuse as kubernetes_fuse
from deploydash.systems.kubernetes.settings import KubernetesSettings
from deploydash.systems.kubernetes.steps import KubernetesSteps
from deploydash.systems.orchestrator.check import check as orchestrator_check
from deploydash.systems.orchestrator.feed import feed as orchestrator_feed
from deploydash.systems.orchestrator.settings import ORCHESTRATOR, OrchestratorSettings
from deploydash.systems.orchestrator.steps import OrchestratorSteps
from deploydash.systems.person.settings import PersonSettings
from deploydash.systems.practices.settings import PRACTICES, PracticesSettings
from deploydash.systems.preflight.steps import PreflightSteps
from deploydash.systems.registry.steps import REGISTRY, RegistrySteps
from deploydash.systems.slack.check import check as slack_check
from deploydash.systems.slack.fuse import fuse as slack_fuse
from deploydash.systems.slack.settings import SlackSettings
from deploydash.systems.slack.steps import SLACK, SlackSteps
from deploydash.systems.ssh.check import check as ssh_check
from deploydash.systems.ssh.fuse import fuse as ssh_fuse
from deploydash.systems.ssh.settings import SshSettings
from deploydash.systems.ssh.steps import SSH, SshSteps
from deploydash.systems.table import Place, Reading, Steps, Table

if TYPE_CHECKING:
    from deploydash.config.load import Site
    from deploydash.core.procedure.items import Item
    from deploydash.core.procedure.runbook import Fallback
    from deploydash.wiring.read_only import MakeFeed

KUBERNETES = SystemName("kubernetes")

READING: Table = MappingProxyType(
    {
        SSH: Reading(SSH, SshSettings, SshSteps(), check=ssh_check, fuse=ssh_fuse),
        KUBERNETES: Reading(
            KUBERNETES, KubernetesSettings, KubernetesSteps(), kubernetes_feed, kubernetes_check, kubernetes_fuse
        ),
        ARGOCD: Reading(ARGOCD, ArgocdSettings, ArgocdSteps(), argocd_feed, argocd_check, argocd_fuse),
        REGISTRY: Reading(REGISTRY, steps=RegistrySteps()),
        GITHUB: Reading(GITHUB, GithubSettings, GithubSteps(), check=github_check),
        SLACK: Reading(SLACK, SlackSettings, SlackSteps(), check=slack_check, fuse=slack_fuse),
        ORCHESTRATOR: Reading(
            ORCHESTRATOR, OrchestratorSettings, OrchestratorSteps(), orchestrator_feed, orchestrator_check
        ),
        PRACTICES: Reading(PRACTICES, PracticesSettings),
        PERSON: Reading(PERSON, PersonSettings),
        OWN: Reading(OWN, steps=PreflightSteps()),
    }
)
"""Settings, steps and feed of each system beside SAL, which is read with the runbook itself."""

ACTING: Mapping[SystemName, str] = MappingProxyType(
    {
        SAL: "deploydash.wiring.acting:sal",
        SSH: "deploydash.wiring.ssh:action",
        KUBERNETES: "deploydash.wiring.acting:kubernetes",
        ARGOCD: "deploydash.wiring.argocd:action",
        REGISTRY: "deploydash.wiring.registry:action",
        GITHUB: "deploydash.wiring.github:action",
        OWN: "deploydash.wiring.preflight:action",
        SLACK: "deploydash.wiring.slack:action",
        ORCHESTRATOR: "deploydash.wiring.orchestrator:action",
        PRACTICES: "deploydash.wiring.practices:action",
    }
)
"""What makes the action of each system: module and function, loaded when a run is opened."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The systems that a process knows."""

    reading: Table = field(default_factory=lambda: READING)
    acting: Mapping[SystemName, str] = field(default_factory=lambda: ACTING)


class TableComposer:
    """Asks the systems of a table for items (core.run.composing.Composer). ``lacking``: what the site does not have."""

    def __init__(self, steps: Mapping[SystemName, Steps], lacking: Collection[SystemName] = ()) -> None:
        self._steps = steps
        self._lacking = lacking

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return what the lead may add beside the runbook."""
        every = (offer for name, steps in self._steps.items() if name not in self._lacking for offer in steps.offers())
        return tuple(every)

    def stops(self) -> tuple[Item, ...]:
        """Return the emergency stops of the systems."""
        made = (self.compose(offer.id, ()) for offer in self.offers() if offer.stops)
        return tuple(each.item for each in made if each.item is not None)

    def compose(self, offer: str, texts: Sequence[str]) -> Composed:
        """Return the item that an offer's fields describe, or what is wrong with them."""
        for steps in self._steps.values():
            if any(known.id == offer for known in steps.offers()):
                return steps.compose(offer, texts)
        return Composed(None, wrong=(f"nothing is offered as {offer!r}",))

    def compose_fallback(self, fallback: Fallback, items: Sequence[Item]) -> Composed:
        """Return the item that is another way for these, or why there is none."""
        steps = self._steps.get(fallback.system)
        if steps is None:
            return Composed(None, wrong=(f"this process knows nothing of {fallback.system}",))
        try:
            item = steps.fallback(fallback, items)
        except ValueError as error:
            return Composed(None, wrong=(str(error),))
        return Composed(item, exact=steps.lines(item))

    def lines(self, item: Item) -> tuple[str, ...]:
        """Return the exact requests of an item as far as they are known without asking anybody.

        Of what a person does, and where its system is not known here or makes nothing of what a journal says of the
        item, they are what a person would type.
        """
        steps = self._steps.get(item.system)
        try:
            return steps.lines(item) if steps is not None else item.manual
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return item.manual


def steps_of(table: Table, sal: Steps) -> dict[SystemName, Steps]:
    """Return what each system knows of its items; ``sal`` is made for the site."""
    others = {name: reading.steps for name, reading in table.items() if reading.steps is not None}
    return {SAL: sal, **others}


def place(site: Site, name: SystemName, words: Mapping[str, str] = MappingProxyType({})) -> Place:
    """Return a site as a system sees it that has a section in its file; ``words``: what a run has filled in."""
    return Place(site.sections[name], site.roster, site.others(name), words)


def feeds_of(table: Table, site: Site) -> tuple[MakeFeed, ...]:
    """Return what makes the feeds of the systems that a site has a section for."""
    return tuple(
        partial(reading.feed, place(site, name))
        for name, reading in table.items()
        if reading.feed is not None and name in site.sections
    )
