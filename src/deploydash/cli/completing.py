"""What the shell may complete: the names of sites, runbooks and runs. Whatever cannot be read completes nothing."""

from __future__ import annotations

from deploydash.cli.places import places
from deploydash.cli.sites import shipped_sites
from deploydash.config.find import list_sites


def sites() -> list[str]:
    """Return the names of the sites that are known."""
    at = places()
    return sorted({site.name for site in list_sites(cwd=at.cwd, user_dir=at.user_config, shipped_dir=shipped_sites())})


def runbooks() -> list[str]:
    """Return the names of the runbooks in the places where they are looked for."""
    at = places()
    folders = (at.cwd / "sites", at.user_config / "sites", shipped_sites())
    return sorted({path.stem for folder in folders for path in (folder / "runbooks").glob("*.y*ml")})


def runs() -> list[str]:
    """Return the ids of the runs on this machine, the newest first."""
    folders = (places().state / "runs").glob("*/")
    return sorted((folder.name for folder in folders), reverse=True)
