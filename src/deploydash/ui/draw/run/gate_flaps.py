"""How often gates of a run cried wolf, for the page about its step. Pure."""

from __future__ import annotations

from collections import Counter

from deploydash.ui.draw.ink import Ink, Line
from deploydash.ui.draw.run.reading import Reading, folded


def closure_lines(reading: Reading, width: int) -> list[Line]:
    """Return how often gates were shut by what could not be seen, while no CSC had changed; nothing if never."""
    closures = reading.run.spurious_closures
    if not closures:
        return []
    causes = Counter(closure.cause for closure in closures)
    told = ", ".join(f"{cause} {count}" for cause, count in causes.most_common())
    seconds = sum(closure.seconds for closure in closures)
    words = f"Spurious gate closures of this run: {len(closures)}, {seconds:.0f} s in all ({told})"
    return [Line(), *folded(words, width, Ink.DIM)]
