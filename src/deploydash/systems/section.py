"""What every system's section of a site file has: the base of the models in ``systems/<name>/settings.py``.

A section says what is true at a site. Runbooks use it through ``words`` and ``loops``; the checks of a site file look
at the CSCs and hosts that it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

from deploydash.core.model import CscId, Roster
from deploydash.systems.address import host_name, url_host

Path = tuple[str | int, ...]
"""Where something stands inside a section: keys and places of lists."""

Rows = list[dict[str, Any]]
"""What a step is repeated for, each with its own words; ``cscs`` of a row names the CSCs concerned."""


def _host(text: str) -> str:
    return host_name(text)


def _url(text: str) -> str:
    url_host(text)
    return text.rstrip("/")


def _csc(text: str) -> str:
    CscId.parse(text)
    return text


Text = Annotated[str, Field(min_length=1)]
Host = Annotated[Text, AfterValidator(_host)]
Url = Annotated[Text, AfterValidator(_url)]
CscName = Annotated[Text, AfterValidator(_csc)]
Lines = Annotated[tuple[Text, ...], Strict(strict=False), Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], Strict(strict=False)]
CscNames = Annotated[tuple[CscName, ...], Strict(strict=False)]


class Part(BaseModel):
    """A mapping inside a section: no other keys, nothing converted, built when first used."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class SiteSection(Part):
    """The section of one system below ``systems:`` of a site file."""

    def words(self) -> Mapping[str, Any]:
        """Return the placeholders that runbooks may use, such as ``argocd.server``: a text, or several."""
        return {}

    def loops(self, roster: Roster, only: frozenset[CscId] | None) -> Mapping[str, Rows]:
        """Return what steps may be repeated for, by the name that ``for_each`` has.

        A row that names a ``namespace`` and no ``cscs`` gets the CSCs of that namespace. ``only``: the CSCs that a run
        for named ones is about, None where nobody has named them yet.
        """
        del roster, only
        return {}

    def named_cscs(self) -> Iterator[tuple[Path, str]]:
        """Yield every CSC that the section names, with its place; each must be in the roster."""
        yield from ()

    def hosts(self) -> Iterator[tuple[Path, str]]:
        """Yield every host that this system may reach, with its place.

        In a rehearsal a system that contacts anything may name loopback addresses only; at a site all end in
        :meth:`host_domain`.
        """
        yield from ()

    def names(self) -> Iterator[tuple[Path, str]]:
        """Yield what is this site's alone besides hosts, such as a cluster's context; no two sites have the same."""
        yield from ()

    def host_domain(self) -> str:
        """Return the domain that every host of the section is in; empty where it is in none."""
        return ""

    def contradictions(self, roster: Roster) -> Iterator[tuple[Path, str, str]]:
        """Yield what else does not fit together: where, a sentence, what to do."""
        del roster
        yield from ()
