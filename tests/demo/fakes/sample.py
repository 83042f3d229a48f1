"""A fake of one more system, wholly outside the demo observatory: a host whose service is stopped and started."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from aiohttp import web

from deploydash.demo.__main__ import main
from deploydash.demo.fake import Fault, Kind, Section
from deploydash.demo.fakes.table import FAKES
from deploydash.demo.http_fake import HttpFake, kinds
from deploydash.demo.site import Csc
from deploydash.demo.world import World

_ROUTES = (("POST", "/stop/{csc}", "stop"), ("POST", "/start/{csc}", "start"))
FAULTS: Mapping[str, Fault] = {
    "down": Fault("503 for everything"),
    "stalled": Fault("every answer takes so many seconds longer", {"seconds": 7.0}),
    "kept": Fault("says that it stopped a service and leaves it running", {"word": "done"}),
}


class Host(HttpFake):
    """Services of all ESS, under ``systems`` of the site file."""

    def __init__(self, world: World) -> None:
        super().__init__(_ROUTES, FAULTS)
        self._world = world
        self._services = {csc.name: csc for csc in world.site.cscs if csc.component == "ESS"}
        world.claim("host", self._services.values())

    async def start(self) -> Section:
        """Open the port."""
        return {"systems": {"host": {"url": await self.listen()}}}

    def _service(self, request: web.Request) -> Csc:
        return self._services[request.match_info["csc"]]

    async def on_stop(self, request: web.Request) -> web.Response:
        """Stop a service."""
        kept = self.faults["kept"]
        if kept is None:
            self._world.stop(self._service(request))
        return web.Response(text="stopped" if kept is None else str(kept["word"]))

    async def on_start(self, request: web.Request) -> web.Response:
        """Start a service."""
        return web.Response(text="started" if self._world.start(self._service(request)) else "ran already")


KIND = Kind("host", FAULTS, kinds(_ROUTES), Host)

if __name__ == "__main__":
    sys.exit(main(fakes=(*FAKES, KIND)))
