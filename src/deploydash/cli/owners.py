"""The owners of a site's CSCs, as this user's own file names them."""

from __future__ import annotations

from deploydash.cli.places import places
from deploydash.config.load import Site
from deploydash.config.owners import FILE, load_me, load_owners, load_speakers
from deploydash.core.owners import Owners, Speakers


def known_speakers() -> Speakers:
    """Return who answers for each owner whose yes a run asks for, as far as this user's own file names them.

    Raises:
        ConfigurationError: as in known_owners.
    """
    return load_speakers(places().user_config / FILE)


def known_me() -> str:
    """Return the name of this user, offered where something is signed off for the first time in a run.

    Raises:
        ConfigurationError: as in known_owners.
    """
    return load_me(places().user_config / FILE)


def known_owners(site: Site) -> Owners:
    """Return the owner of each CSC of a site of which one is known.

    Raises:
        ConfigurationError: there is a file of owners that cannot be used; all its problems are named.
    """
    return load_owners(places().user_config / FILE, site.roster)
