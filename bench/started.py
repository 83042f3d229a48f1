"""``deploydash status`` taken apart: the same calls, with the moments at which each part was reached on stdout.

Run as ``python -m bench.started SITE BEGAN``, BEGAN being the parent's monotonic clock (one for the whole machine)
just before this process was made.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploydash.core.fleet.snapshot import Snapshot


def main() -> None:
    """Print one JSON object: seconds since BEGAN at which each part was reached, and what became of each CSC."""
    began = float(sys.argv[2])
    reached = {"interpreter": time.monotonic() - began}

    def reach(part: str) -> None:
        reached.setdefault(part, time.monotonic() - began)

    from deploydash.cli import app, status  # noqa: F401, PLC0415 - what is measured
    from deploydash.cli.headless import until  # noqa: PLC0415 - as above
    from deploydash.cli.places import places  # noqa: PLC0415 - as above
    from deploydash.cli.sites import open_site  # noqa: PLC0415 - as above
    from deploydash.core.model import FeedState, Liveness, Phase  # noqa: PLC0415 - as above
    from deploydash.wiring.read_only import read_only  # noqa: PLC0415 - as above

    reach("imports")
    site = open_site(sys.argv[1])
    reader = read_only(site, os.environ, places().cache, Phase(), began)
    reach("site file")

    def look(snapshot: Snapshot) -> bool:
        if snapshot.feeds[0].state is not FeedState.CONNECTING or "connected" in snapshot.feeds[0].detail:
            reach("connected")
        beating = sum(view.liveness is Liveness.BEATING for view in snapshot.cscs)
        reached["first beat" if beating else "no beat"] = reached.get("first beat", time.monotonic() - began)
        heard = sum(view.liveness in {Liveness.BEATING, Liveness.SILENT} for view in snapshot.cscs)
        if sum(view.reported is not None for view in snapshot.cscs) == len(snapshot.cscs):
            reach("all states")
        if heard == len(snapshot.cscs):
            reach("all beats or proven silent")
        if snapshot.decided:
            reach("decided")
        return snapshot.decided

    snapshot = asyncio.run(until(reader, look, 60.0))
    reached.pop("no beat", None)
    reach("closed")
    seen = {str(view.csc): [view.effective.value, view.liveness.value] for view in snapshot.cscs}
    print(json.dumps({"reached": reached, "seen": seen}))


if __name__ == "__main__":
    main()
