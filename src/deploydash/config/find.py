"""Where site files are looked for: ``./sites``, the user's configuration directory, those shipped with the package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from deploydash.errors import ConfigurationError, Problem

ENDINGS = (".yaml", ".yml")

PRACTICES = "practices.yaml"
"""How services are deployed, beside the sites; it is none itself."""


@dataclass(frozen=True, slots=True)
class KnownSite:
    """A site file. ``shadowed``: its name stands for a file found earlier; only its path leads to this one."""

    name: str
    path: Path
    shadowed: bool = False


def find_site(reference: str, *, cwd: Path, user_dir: Path, shipped_dir: Path) -> Path:
    """Return the file of a site given as a path to a YAML file or as a name.

    Names are looked up in ``cwd/sites``, then ``user_dir/sites``, then ``shipped_dir``. A path is not opened here.

    Raises:
        ConfigurationError: no site has that name; it says which there are.
    """
    if "/" in reference or reference.endswith(ENDINGS):
        return cwd / Path(reference).expanduser() if reference.startswith("~/") else cwd / reference
    known = list_sites(cwd=cwd, user_dir=user_dir, shipped_dir=shipped_dir)
    for site in known:
        if site.name == reference:
            return site.path
    names = sorted({site.name for site in known})
    near = get_close_matches(reference.lower(), names, 1)
    listed = (
        f"known are {', '.join(names)}; or give the path of a YAML file" if names else "give the path of a YAML file"
    )
    hint = f"did you mean {near[0]}? {listed}" if near else listed
    raise ConfigurationError((Problem("site", 0, "", f"{reference!r} is no known site", hint),))


def list_sites(*, cwd: Path, user_dir: Path, shipped_dir: Path) -> list[KnownSite]:
    """Return every site file that has a name, in the order of the look-up; directories that are missing are empty."""
    known: list[KnownSite] = []
    names: set[str] = set()
    searched: set[Path] = set()
    for directory in (cwd / "sites", user_dir / "sites", shipped_dir):
        if directory.resolve() in searched:
            continue
        searched.add(directory.resolve())
        for path in _site_files(directory):
            known.append(KnownSite(path.stem, path, shadowed=path.stem in names))
            names.add(path.stem)
    return known


def _site_files(directory: Path) -> Iterator[Path]:
    try:
        files = [path for path in directory.iterdir() if path.suffix in ENDINGS and path.is_file()]
        yield from sorted(path for path in files if path.name != PRACTICES)
    except OSError:
        return
