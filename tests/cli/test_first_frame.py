"""The first frame of ``watch`` comes before all that it does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.site_files import write_site

FIRST_FRAME = """
import asyncio, sys
from pathlib import Path
from deploydash.loading import loaded
loaded("deploydash.cli.app")
watch = loaded("deploydash.cli.watch")
site = watch.open_site_of_cscs(sys.argv[1])
began = []

class Session(type(watch.read_only(site, {}, Path(), watch.parse_target("startup")).session)):
    async def run(self):
        began.append(sorted(sys.modules))
        raise RuntimeError("seen enough")

async def headless(app, **_):
    await type(app).__mro__[1].run_async(app, headless=True)

watch.DeploydashApp.run_async = headless
reader = watch.read_only(site, {}, Path(), watch.parse_target("startup"))
reader.session.__class__ = Session
try:
    asyncio.run(watch.show(reader, None))
except* RuntimeError:
    print(*began[0])
"""

UNNEEDED = (
    *("aiokafka", "fastavro", "httpx2", "jsonschema", "typer.rich_utils"),
    *(
        "deploydash.systems.sal.feed",
        "deploydash.systems.registry.store",
        "deploydash.config.systems",
        "deploydash.config.runbook",
    ),
    *(
        "deploydash.core.run.decide",
        "deploydash.core.run.direct_commands",
        "deploydash.core.run.gate",
        "deploydash.journal",
    ),
    *(
        "deploydash.ui.run",
        "deploydash.ui.draw.run.",
        "deploydash.ui.screens.detail",
        "deploydash.ui.screens.help",
        "deploydash.session.run",
    ),
)


def test_nothing_is_loaded_or_read_before_the_first_frame_that_it_does_not_need(tmp_path: Path) -> None:
    site = write_site(tmp_path, "127.0.0.1:1", ["Watcher", "ESS:104"])
    done = subprocess.run(
        [sys.executable, "-c", FIRST_FRAME, str(site)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stdout, done.stderr
    modules = done.stdout.split()
    assert "deploydash.ui.screens.watch" in modules
    assert [name for name in modules if name.startswith(UNNEEDED)] == []
