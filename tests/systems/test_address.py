"""Addresses: checked, taken apart, compared, and known as this machine's or not."""

from __future__ import annotations

import pytest

from deploydash.systems.address import bootstrap_hosts, host_name, is_loopback, same_host, url_host


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("kafka.example.org:9094", ("kafka.example.org",)),
        ("a:1, b_c:65535", ("a", "b_c")),
        ("[::1]:9092,127.0.0.1:9092", ("::1", "127.0.0.1")),
    ],
)
def test_the_hosts_of_a_kafka_address(text: str, hosts: tuple[str, ...]) -> None:
    assert bootstrap_hosts(text) == hosts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kafka",
        "kafka:",
        ":9092",
        "kafka:0",
        "kafka:65536",
        "kafka:9x",
        "::1:9092",
        "a:1,",
        "http://a:1",
        "a b:1",
        "a:+1",
    ],
)
def test_no_kafka_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not (host:port|a host)"):
        bootstrap_hosts(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://registry.example.org/schema-registry", "registry.example.org"),
        ("http://127.0.0.1:8081", "127.0.0.1"),
        ("http://[::1]:8081/", "::1"),
        ("https://Tucson.example.org./x", "tucson.example.org."),
    ],
)
def test_the_host_of_a_url(text: str, host: str) -> None:
    assert url_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        "registry.example.org",
        "ftp://a.example.org",
        "http://",
        "http://a:99999",
        "http://a:0",
        "http://[::1",
        "http://127.0.0.1\\@evil.example.org/",
        "http://127.0.0.1 .example.org",
        "http://127.0.0.1@evil.example.org/",
        "http://a\n.example.org",
        "http://a/?q=1",
        "http://a/#f",
        "http://[v1.x]/",
        "http://[127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
    ],
)
def test_no_url(text: str) -> None:
    with pytest.raises(ValueError, match=r"URL|is not a host"):
        url_host(text)


@pytest.mark.parametrize("text", ["-a", "a-.b", "a..b", "", "a:1", "x" * 64, "é", "[::1]", "::1%lo"])
def test_no_host(text: str) -> None:
    with pytest.raises(ValueError, match="is not a host"):
        host_name(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.255.0.9", "::1", "0:0:0:0:0:0:0:1", "localhost", "LOCALHOST"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        *("128.0.0.1", "126.255.255.255", "0.0.0.0", "::", "::2", "::ffff:127.0.0.1", "127.1", "0x7f.1", "2130706433"),
        *(
            "localhost.",
            "localhost.example.org",
            "127.0.0.1.nip.example.org",
            "",
            "127.0.0.01",
            "summit-lsp.lsst.codes",
        ),
    ],
)
def test_another_machine_or_a_doubtful_one(host: str) -> None:
    assert not is_loopback(host)


def test_letter_case_and_a_dot_at_the_end_make_no_other_host() -> None:
    assert same_host("Kafka.Example.org.", "kafka.example.org")
    assert not same_host("kafka.example.org", "kafka2.example.org")
