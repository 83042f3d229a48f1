"""Whatever answers at an address, who asks gets an answer within limits or a sentence, and no password leaks."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploydash.systems.address import shown
from deploydash.systems.http import Answer as HttpAnswer
from deploydash.systems.http import HttpClient, HttpError
from tests.servers.certificates import make_certificates
from tests.servers.http_server import Answer, HttpServer, Request
from tests.servers.process import free_port

LIMIT = 100_000


def client(url: str, budget: float = 5.0, **account: Any) -> HttpClient:
    return HttpClient("efd", url, budget=budget, most_bytes=LIMIT, hint="look there", **account)


async def refused(url: str, budget: float = 5.0, **account: str) -> HttpError:
    http = client(url, budget, **account)
    try:
        with pytest.raises(HttpError) as caught:
            await http.ask("/x")
    finally:
        await http.aclose()
    error = caught.value
    assert str(error) == f"{error.address} {error.trouble} (look there)"
    assert (error.system, error.hint, error.__cause__) == ("efd", "look there", None)
    return error


def always(body: bytes, status: int = 200, **headers: str) -> Answer:
    return lambda _: (status, {name.replace("_", "-"): text for name, text in headers.items()}, body)


async def trouble(answer: Answer) -> str:
    with HttpServer(answer) as server:
        return (await refused(server.url)).trouble


async def test_an_answer_is_told_with_its_status_its_kind_and_its_json() -> None:
    with HttpServer(always(b'{"a": [1]}', 418, content_type="Application/JSON; charset=utf-8")) as server:
        http = client(server.url + "/base/")
        answer = await http.ask("/x")
        assert (answer.status, answer.content_type, answer.body) == (418, "application/json", b'{"a": [1]}')
        assert answer.json() == answer.fields() == {"a": [1]}
        await http.ask("/query", form={"q": "a b"})
        await http.aclose()
        got, posted = server.requests
    assert (got.method, got.path, got.headers["user-agent"]) == ("GET", "/base/x", "deploydash")
    assert (posted.method, posted.path, posted.body) == ("POST", "/base/query", b"q=a+b")


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe\x00", b"[" * 90_000, b"1" * 90_000, b'{"a":'])
async def test_a_body_that_is_no_json_is_none_and_never_a_crash(body: bytes) -> None:
    with HttpServer(always(body)) as server:
        http = client(server.url)
        answer = await http.ask("/x")
        await http.aclose()
    assert answer.json() is None
    assert answer.fields() == {}


async def test_a_web_page_is_called_one() -> None:
    with HttpServer(always(b"<html>Sign in</html>", content_type="text/html; charset=utf-8")) as server:
        http = client(server.url)
        answer = await http.ask("/x")
        await http.aclose()
    assert answer.what == "HTTP 200, a web page: is there a proxy or a login in between?"


async def test_an_answer_has_a_limit() -> None:
    with HttpServer(always(b" " * LIMIT)) as server:
        http = client(server.url)
        assert len((await http.ask("/x")).body) == LIMIT
        await http.aclose()
    assert await trouble(always(b" " * (LIMIT + 1))) == "answers with more than 0.1 MB"


async def test_an_answer_that_unpacks_to_a_thousand_times_its_size_is_given_up_at_the_limit() -> None:
    bomb = gzip.compress(bytes(200_000_000), 1)
    with HttpServer(always(bomb, content_encoding="gzip")) as server:
        tracemalloc.start()
        try:
            assert (await refused(server.url)).trouble == "answers with more than 0.1 MB"
            assert tracemalloc.get_traced_memory()[1] < 20_000_000, "no more was unpacked than the limit and a piece"
        finally:
            tracemalloc.stop()


async def test_what_cannot_be_unpacked_is_told() -> None:
    garbage = always(b"no gzip at all", content_encoding="gzip")
    assert await trouble(garbage) == "answers with a body that cannot be unpacked"
    packed = always(gzip.compress(b'{"a": 1}'), content_encoding="gzip")
    with HttpServer(packed) as server:
        http = client(server.url)
        assert (await http.ask("/x")).fields() == {"a": 1}
        await http.aclose()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nothing_is_asked_where_an_answer_sends_us_so_no_password_goes_there(status: int) -> None:
    with HttpServer(always(b"")) as other:
        place = f"{other.url}/login?next=%2Fx&token=abc#top"
        with HttpServer(always(b"", status, location=place)) as server:
            error = await refused(server.url, user="reader", password="geheim")
            assert server.requests[0].headers["authorization"].startswith("Basic ")
        assert other.requests == []
    assert error.trouble == f"sends us to {other.url}/login (HTTP {status}), where nothing is asked"


async def test_the_account_of_an_address_goes_into_a_header_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with HttpServer(always(b"{}")) as server:
        url = server.url.replace("//", "//lead:g%2Fheim@")
        http = client(url)
        await http.ask("/x")
        await http.aclose()
        (request,) = server.requests
    assert request.headers["authorization"] == "Basic bGVhZDpnL2hlaW0="
    assert request.path == "/x"
    assert "heim" not in caplog.text
    assert http.address == server.url


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://host:8081/apis/", "http://host:8081/apis"),
        ("https://lead:geheim@host/x", "https://host/x"),
        ("https://lead:ge/heim@host/x", "https://host/x"),
        ("https://lead:ge@heim@host", "https://host"),
        ("lead:geheim@host:8081", "host:8081"),
        ("https://host/x?token=geheim#geheim", "https://host/x"),
        ("https://lead:ge?heim@host/x", "https://host/x"),
        ("http://[lead:geheim@", "http:"),
        ("http://host/\x1b]0;x\x07", "http://host/␛]0;x␇"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_what_is_nobodys_business(url: str, address: str) -> None:
    assert shown(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "http://[",
        "registry:8081",
        "ftp://host/x",
        "http://127.0.0.1:99999",
        "http://lead:geheim/x@host",
        "http://lead:geheim@127.0.0.1:geheim",
        "http://127.0.0.1:0",
        "http://127.0.0.1/\x00geheim",
    ],
)
async def test_what_is_no_address_is_told_without_a_part_of_its_password(url: str) -> None:
    error = await refused(url)
    assert error.trouble.startswith("cannot be reached: it is no address of HTTP (http://host:port/path")
    assert "geheim" not in error.trouble


async def test_why_a_connection_fails_is_told_in_the_systems_words(tmp_path: Path) -> None:
    assert (await refused(f"http://127.0.0.1:{free_port()}")).trouble == "cannot be reached: Connection refused"
    assert (await refused("http://no-such-host.invalid")).trouble.startswith("cannot be reached: ")
    with HttpServer(always(b""), keystore=make_certificates(tmp_path).keystore) as server:
        assert "its certificate is not trusted: " in (await refused(server.url)).trouble
        plain = server.url.replace("https", "http")
        assert (await refused(plain)).trouble.startswith("breaks off")
    with HttpServer(always(b"")) as server:
        assert "SSL" in (await refused(server.url.replace("http", "https"))).trouble


@contextmanager
def saying(words: bytes) -> Iterator[str]:
    """A server that says these words to everybody and hangs up."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                connection.sendall(words)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: \x1b[2J\r\n\r\n",
        b"\x1b]0;gotcha\x07\x9b2J\r\n\r\n",
    ],
    ids=["hangs up", "ssh", "half", "endless header", "escape in a header", "escapes"],
)
async def test_what_speaks_no_http_is_told_and_nothing_it_said_steers_the_terminal(words: bytes) -> None:
    with saying(words) as url:
        error = await refused(url)
    assert error.trouble.startswith("breaks off, or does not speak HTTP: ")
    assert error.trouble.isprintable()
    assert len(error.trouble) < 300


async def test_a_proxy_of_the_shell_is_asked_except_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpServer(always(b'{"from": "proxy"}')) as proxy, HttpServer(always(b'{"from": "here"}')) as here:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        answers = []
        for url in ("http://registry.example.org/base", here.url, here.url.replace("127.0.0.1", "localhost")):
            http = client(url)
            answers.append((await http.ask("/x")).fields()["from"])
            await http.aclose()
    assert answers == ["proxy", "here", "here"]
    assert [request.path for request in proxy.requests] == ["http://registry.example.org/base/x"]


async def test_a_proxy_that_refuses_is_named_as_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_: Request) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b""

    with HttpServer(answer) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:geheim@"))
        error = await refused("https://registry.example.org")
    assert error.trouble.startswith("cannot be reached through the proxy that the environment names: 501 ")
    assert "geheim" not in error.trouble


async def test_a_question_has_one_budget_and_the_sentence_names_it() -> None:
    slow = threading.Event()

    def answer(_: Request) -> tuple[int, dict[str, str], bytes]:
        slow.wait(30)
        return 200, {}, json.dumps({}).encode()

    with HttpServer(answer) as server:
        try:
            error = await refused(server.url, 0.2)
        finally:
            slow.set()
    assert error.trouble == "did not answer within 0.2 s"
    assert error.timed_out


async def test_documents_methods_and_headers_go_as_they_were_given() -> None:
    with HttpServer(always(b"{}")) as server:
        http = client(server.url)
        await http.ask("/sync", document={"prune": False}, headers={"Authorization": "Bearer x"})
        await http.ask("/operation", method="DELETE", headers={"Content-Type": "application/json"})
        await http.aclose()
        posted, deleted = server.requests
    assert (posted.method, posted.body, posted.headers["authorization"]) == ("POST", b'{"prune":false}', "Bearer x")
    assert posted.headers["content-type"] == "application/json"
    assert (deleted.method, deleted.headers["content-type"], deleted.body) == ("DELETE", "application/json", b"")


async def test_no_cookie_of_an_answer_is_ever_sent_back() -> None:
    with HttpServer(always(b"{}", set_cookie="argocd.token=of-somebody; path=/; httpOnly")) as server:
        http = client(server.url)
        await http.ask("/session")
        await http.ask("/list")
        await http.aclose()
    assert "cookie" not in server.requests[1].headers


async def test_only_what_found_no_connection_is_surely_unsent() -> None:
    assert (await refused(f"http://127.0.0.1:{free_port()}")).unsent
    assert (await refused("http://127.0.0.1:notaport")).unsent
    with HttpServer(always(b"x" * (LIMIT + 1))) as server:
        assert not (await refused(server.url)).unsent


async def listened(url: str, silence: float = 5.0) -> list[HttpAnswer | str]:
    http = client(url)
    try:
        return [one async for one in http.listen("/stream", silence=silence)]
    finally:
        await http.aclose()


async def test_events_of_a_stream_are_told_with_its_signs_of_life() -> None:
    pieces = [b'data: {"a":\ndata: 1}\n', b" \n\n\n", b":\n", b"data: x \r\n\r\n", "data: \u00e9\n\n".encode()]
    with HttpServer(lambda _: (200, {"content-type": "text/event-stream; charset=utf-8"}, pieces)) as server:
        head, *told = await listened(server.url)
    assert isinstance(head, HttpAnswer)
    assert (head.status, head.body) == (200, b"")
    assert [text for text in told if text] == ['{"a":\n1}', "x ", "\u00e9"]
    assert "" in told


async def test_what_is_no_stream_is_told_whole() -> None:
    with HttpServer(always(b'data: {"error": {}}\n\n', 403, content_type="text/event-stream")) as server:
        (only,) = await listened(server.url)
    assert isinstance(only, HttpAnswer)
    assert (only.status, only.body) == (403, b'data: {"error": {}}\n\n')


async def test_a_stream_that_says_nothing_any_more_is_an_error() -> None:
    done = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"data: 1\n\n"
        done.wait(60)

    with HttpServer(lambda _: (200, {"content-type": "text/event-stream"}, pieces())) as server:
        with pytest.raises(HttpError, match=r"was silent for 0\.2 s") as caught:
            await listened(server.url, 0.2)
        done.set()
    assert caught.value.timed_out
