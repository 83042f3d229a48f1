"""The first question holds up no loop: what it takes to ask at all is loaded beside it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.servers.http_server import HttpServer
from tests.servers.process import free_port

ASKED = """
import asyncio, ssl, sys, threading
from deploydash.systems.http import HttpClient, HttpError

on_the_loop = []

def note(what):
    if threading.current_thread() is threading.main_thread():
        on_the_loop.append(what)

class Imports:
    def find_spec(self, name, path=None, target=None):
        note("import of " + name)

def noting(method):
    def read(*args, **named):
        note(method.__name__)
        return method(*args, **named)
    return read

for name in ("load_verify_locations", "load_default_certs", "set_default_verify_paths"):
    setattr(ssl.SSLContext, name, noting(getattr(ssl.SSLContext, name)))

async def work():
    await asyncio.to_thread(int)
    sys.meta_path.insert(0, Imports())
    http = HttpClient("efd", sys.argv[1], budget=60, most_bytes=1000, hint="")
    try:
        results = await asyncio.gather(*(http.ask("/x") for _ in range(3)), return_exceptions=True)
    finally:
        await http.aclose()
    print(*{str(getattr(one, "status", None) or one.trouble) for one in results}, sep="; ")
    print(*on_the_loop, sep="; ")

asyncio.run(work())
"""


@pytest.mark.parametrize("secure", [False, True])
def test_nothing_is_loaded_and_no_certificate_read_on_the_loop(secure: bool) -> None:
    with HttpServer(lambda _: (200, {}, b"{}")) as server:
        url = f"https://127.0.0.1:{free_port()}" if secure else server.url
        done = subprocess.run([sys.executable, "-c", ASKED, url], capture_output=True, text=True, check=True)
    told, on_the_loop = done.stdout.splitlines()
    assert told == ("cannot be reached: Connection refused" if secure else "200")
    assert on_the_loop == ""
