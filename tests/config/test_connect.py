"""Who wins, the site file or the environment; and that a rehearsal sees no environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploydash.config.connect import _READ, connections
from deploydash.config.load import Site, load_site, parse_site
from deploydash.errors import ConfigurationError, Problem
from deploydash.systems.settings import EfdSettings, KafkaSettings, RegistrySettings

SITES = Path(__file__).parents[2] / "sites"
CREDENTIALS = {
    "LSST_KAFKA_SECURITY_USERNAME": "reader",
    "LSST_KAFKA_SECURITY_PASSWORD": "kafka-secret",
}
EVERY_VARIABLE = {
    **CREDENTIALS,
    "LSST_KAFKA_BROKER_ADDR": "sasquatch-summit-kafka-bootstrap.lsst.codes:9094",
    "LSST_SCHEMA_REGISTRY_URL": "https://summit-lsp.lsst.codes/schema-registry",
    "LSST_TOPIC_SUBNAME": "sal2",
    "LSST_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "LSST_KAFKA_SECURITY_MECHANISM": "PLAIN",
    "LSST_KAFKA_SECURITY_PASSWORD_FILE": "/nonexistent/password",
    "LSST_KAFKA_BROKER_CLIENT_CONFIGURATION": "/nonexistent/client.yaml",
    "LSST_KAFKA_CONSUMER_CONFIGURATION": "/nonexistent/consumer.yaml",
    "LSST_KAFKA_PRODUCER_CONFIGURATION": "/nonexistent/producer.yaml",
    "LSST_KAFKA_REPLICATION_FACTOR": "3",
    "LSST_KAFKA_PRODUCER_WAIT_ACKS": "all",
    "LSST_KAFKA_HOST": "sasquatch-summit-kafka-bootstrap.lsst.codes",
    "LSST_KAFKA_BROKER_PORT": "9094",
    "LSST_KAFKA_PREFIX": "/opt/kafka",
    "LSST_KAFKA_IP": "139.229.0.1",
    "LSST_SITE": "summit",
    "LSST_HISTORY_READ_CONFIG": "/nonexistent/history.yaml",
    "LSST_MAX_HISTORY_READ": "1",
    "EFD_USERNAME": "efdreader",
    "EFD_PASSWORD": "efd-secret",
    "EFD_PASSWORD_FILE": "/nonexistent/efd",
}


def summit() -> Site:
    return load_site(SITES / "summit.yaml")


def tiny(kafka: str = "", path: Path = Path("tiny.yaml")) -> Site:
    """Return a site that says of Kafka only its address and ``kafka``."""
    return parse_site(
        f'site: tiny\nkafka: {{bootstrap: "kafka.example.org:9094"{kafka}}}\n'
        "schema_registry: {url: https://registry.example.org}\ngroups: [AT]\ncscs: [{csc: ATDome, group: AT}]\n",
        path,
    )


def kafka(site: Site, **environ: str) -> KafkaSettings:
    return connections(site, environ).kafka


def problems(site: Site, **environ: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigurationError) as caught:
        connections(site, environ)
    return caught.value.problems


def test_the_site_file_is_used_where_the_environment_gives_only_credentials() -> None:
    outside = connections(summit(), {**CREDENTIALS, "EFD_USERNAME": "efdreader", "EFD_PASSWORD": "efd-secret"})
    assert outside.kafka == KafkaSettings(
        bootstrap="sasquatch-summit-kafka-bootstrap.lsst.codes:9094",
        security_protocol="SASL_SSL",
        mechanism="SCRAM-SHA-512",
        topic_subname="sal",
        source="site file",
        username="reader",
        password="kafka-secret",
    )
    assert outside.registry == RegistrySettings("https://summit-lsp.lsst.codes/schema-registry", "site file")
    assert outside.efd == EfdSettings(
        url="https://summit-lsp.lsst.codes/influxdb",
        database="efd",
        source="site file",
        username="efdreader",
        password="efd-secret",
        alias="summit_efd",
        credential_service="https://roundtable.lsst.codes/segwarides",
    )


def test_salobj_s_variables_win_and_are_named() -> None:
    environ = {
        **CREDENTIALS,
        "LSST_KAFKA_BROKER_ADDR": "SASQUATCH-summit-kafka-7.lsst.codes.:9094",
        "LSST_SCHEMA_REGISTRY_URL": "https://summit-lsp.lsst.codes./schema-registry/",
        "LSST_TOPIC_SUBNAME": "test",
        "LSST_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "LSST_KAFKA_SECURITY_MECHANISM": "SCRAM-SHA-256",
    }
    outside = connections(summit(), environ)
    assert (outside.kafka.bootstrap, outside.kafka.source, outside.kafka.foreign) == (
        "SASQUATCH-summit-kafka-7.lsst.codes.:9094",
        "LSST_KAFKA_BROKER_ADDR",
        False,
    )
    assert outside.registry == RegistrySettings(
        "https://summit-lsp.lsst.codes./schema-registry", "LSST_SCHEMA_REGISTRY_URL"
    )
    assert outside.kafka.topic_subname == "test"
    assert (outside.kafka.security_protocol, outside.kafka.mechanism) == ("SASL_PLAINTEXT", "SCRAM-SHA-256")


@pytest.mark.parametrize(
    "address",
    [
        "sasquatch-base-kafka-bootstrap.lsst.codes:9094",
        "sasquatch-kafka-bootstrap.sasquatch:9092",
        "sasquatch-summit-kafka-6.lsst.codes:9094,sasquatch-tts-kafka-0.lsst.codes:9094",
        "127.0.0.1:9094",
    ],
)
def test_an_address_of_another_site_is_foreign(address: str) -> None:
    found = kafka(summit(), **CREDENTIALS, LSST_KAFKA_BROKER_ADDR=address)
    assert found.foreign
    assert found.source == "LSST_KAFKA_BROKER_ADDR"


def test_a_registry_of_another_site_is_foreign() -> None:
    url = "https://base-lsp.lsst.codes/schema-registry"
    registry = connections(summit(), {**CREDENTIALS, "LSST_SCHEMA_REGISTRY_URL": url}).registry
    assert registry == RegistrySettings(url, "LSST_SCHEMA_REGISTRY_URL", foreign=True)


def test_an_empty_variable_counts_as_unset() -> None:
    assert connections(summit(), {**dict.fromkeys(EVERY_VARIABLE, ""), **CREDENTIALS}) == connections(
        summit(), CREDENTIALS
    )


@pytest.mark.parametrize(
    ("kafka_keys", "environ", "protocol"),
    [
        ("", {}, "PLAINTEXT"),
        ("", CREDENTIALS, "SASL_PLAINTEXT"),
        ("", {"LSST_KAFKA_SECURITY_USERNAME": "reader"}, "PLAINTEXT"),
        ("", {"LSST_KAFKA_SECURITY_PASSWORD": "kafka-secret"}, "PLAINTEXT"),
        ("", {"LSST_KAFKA_SECURITY_PROTOCOL": "SSL"}, "SSL"),
        ("", {"LSST_KAFKA_SECURITY_PROTOCOL": "sasl_ssl", **CREDENTIALS}, "SASL_SSL"),
        (", security_protocol: PLAINTEXT", CREDENTIALS, "PLAINTEXT"),
        (", security_protocol: SASL_SSL", CREDENTIALS, "SASL_SSL"),
        (", security_protocol: SSL", {}, "SSL"),
    ],
)
def test_sasl_is_used_with_both_credentials_as_salobj_does(
    kafka_keys: str, environ: dict[str, str], protocol: str
) -> None:
    found = kafka(tiny(kafka_keys), **environ)
    signed = ("reader", "kafka-secret") if protocol.startswith("SASL") else ("", "")
    assert (found.security_protocol, found.mechanism) == (protocol, "SCRAM-SHA-512")
    assert (found.username, found.password) == signed


@pytest.mark.parametrize(
    ("environ", "lacking"),
    [
        ({}, "LSST_KAFKA_SECURITY_USERNAME"),
        ({"LSST_KAFKA_SECURITY_PASSWORD": "kafka-secret"}, "LSST_KAFKA_SECURITY_USERNAME"),
        ({"LSST_KAFKA_SECURITY_USERNAME": "reader"}, "LSST_KAFKA_SECURITY_PASSWORD"),
    ],
)
def test_a_site_that_wants_sasl_asks_for_what_is_lacking(environ: dict[str, str], lacking: str) -> None:
    (problem,) = problems(summit(), **environ)
    assert (problem.file, problem.key) == ("environment", lacking)
    assert problem.message == "not set, but Kafka at summit is reached with SASL_SSL"
    assert "LSST_KAFKA_SECURITY_USERNAME and LSST_KAFKA_SECURITY_PASSWORD (or" in problem.hint


def test_a_password_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("file-secret \n", "utf-8")
    environ = {"LSST_KAFKA_SECURITY_USERNAME": "reader", "LSST_KAFKA_SECURITY_PASSWORD_FILE": str(path)}
    efd = {"EFD_USERNAME": "efdreader", "EFD_PASSWORD_FILE": str(path)}
    outside = connections(summit(), {**environ, **efd})
    assert (outside.kafka.password, outside.efd.password) == ("file-secret", "file-secret")
    assert kafka(summit(), **environ, LSST_KAFKA_SECURITY_PASSWORD="kafka-secret").password == "kafka-secret"


def test_an_unreadable_password_file_names_the_variable() -> None:
    found = problems(summit(), **{**CREDENTIALS, "EFD_USERNAME": "x", "EFD_PASSWORD_FILE": "/nonexistent/efd"})
    assert [(problem.key, problem.message) for problem in found] == [
        ("EFD_PASSWORD_FILE", "/nonexistent/efd cannot be read: No such file or directory")
    ]


def test_salobj_s_client_configuration_file_wins_over_its_variables(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()
    client = tmp_path / "client.yaml"
    client.write_text(
        "bootstrap.servers: sasquatch-summit-kafka-6.lsst.codes:9094\nsecurity.protocol: sasl_ssl\n"
        "sasl.mechanism: SCRAM-SHA-256\nsasl.username: other\nsasl.password: 'file-secret'\n"
        f"ssl.ca.location: {authority}\nsocket.timeout.ms: 1000\n"
    )
    found = kafka(summit(), **CREDENTIALS, LSST_KAFKA_BROKER_CLIENT_CONFIGURATION=str(client))
    assert found == KafkaSettings(
        bootstrap="sasquatch-summit-kafka-6.lsst.codes:9094",
        security_protocol="SASL_SSL",
        mechanism="SCRAM-SHA-256",
        topic_subname="sal",
        source="LSST_KAFKA_BROKER_CLIENT_CONFIGURATION",
        username="other",
        password="file-secret",
        ca_file=authority,
    )


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        ("sasl.username: a\nsasl.password: 0123\n", 2, "sasl.password", "must be text"),
        ("- a\n", 1, "", "must be a mapping of librdkafka settings"),
        ("a: [\n", 2, "", "not YAML"),
        ("sasl.username: a\nsasl.username: b\n", 2, "sasl.username", "stands twice"),
    ],
)
def test_a_client_configuration_that_cannot_be_used_names_its_line(
    tmp_path: Path, text: str, line: int, key: str, message: str
) -> None:
    client = tmp_path / "client.yaml"
    client.write_text(text)
    (problem,) = problems(summit(), **CREDENTIALS, LSST_KAFKA_BROKER_CLIENT_CONFIGURATION=str(client))
    assert (problem.file, problem.line, problem.key) == (str(client), line, key)
    assert message in problem.message
    assert "0123" not in str(problem)


def test_an_empty_client_configuration_says_nothing(tmp_path: Path) -> None:
    client = tmp_path / "client.yaml"
    client.write_text("# nothing\n")
    found = kafka(summit(), **CREDENTIALS, LSST_KAFKA_BROKER_CLIENT_CONFIGURATION=str(client))
    assert found == kafka(summit(), **CREDENTIALS)


def test_the_authorities_of_a_site_stand_beside_its_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    site = tiny(", security_protocol: SSL, ca_file: ca.pem", tmp_path / "tiny.yaml")
    assert kafka(site).ca_file == tmp_path / "ca.pem"
    missing = tiny(", security_protocol: SSL, ca_file: none.pem", tmp_path / "tiny.yaml")
    (problem,) = problems(missing)
    assert (problem.file, problem.key) == (str(tmp_path / "tiny.yaml"), "kafka.ca_file")
    assert problem.message == f"{tmp_path / 'none.pem'} cannot be read: No such file or directory"
    os.mkfifo(tmp_path / "none.pem")
    (problem,) = problems(missing)
    assert problem.message == f"{tmp_path / 'none.pem'} cannot be read: it is a FIFO, not a file"


def test_every_problem_of_the_environment_is_told_at_once() -> None:
    found = problems(
        summit(),
        LSST_KAFKA_BROKER_ADDR="nowhere",
        LSST_SCHEMA_REGISTRY_URL="https://user:word@registry.example.org",
        LSST_TOPIC_SUBNAME="a b",
        LSST_KAFKA_SECURITY_PROTOCOL="SASL_TLS",
        LSST_KAFKA_SECURITY_MECHANISM="GSSAPI",
        LSST_KAFKA_BROKER_CLIENT_CONFIGURATION="/nonexistent/client.yaml",
    )
    assert {problem.file for problem in found} == {"environment"}
    assert {problem.key for problem in found} == {
        "LSST_KAFKA_BROKER_ADDR",
        "LSST_SCHEMA_REGISTRY_URL",
        "LSST_TOPIC_SUBNAME",
        "LSST_KAFKA_SECURITY_PROTOCOL",
        "LSST_KAFKA_SECURITY_MECHANISM",
        "LSST_KAFKA_BROKER_CLIENT_CONFIGURATION",
        "LSST_KAFKA_SECURITY_USERNAME",
    }
    assert all(problem.hint for problem in found)
    assert not any("word" in str(problem) for problem in found)


def test_a_site_without_an_efd_has_it_off() -> None:
    efd = connections(tiny(), {"EFD_USERNAME": "efdreader", "EFD_PASSWORD": "efd-secret"}).efd
    assert efd == EfdSettings("", "", "site file")


def test_an_alias_without_a_credential_service_leads_nowhere() -> None:
    text = (SITES / "summit.yaml").read_text("utf-8")
    without = "\n".join(line for line in text.splitlines() if "credential_service" not in line)
    efd = connections(parse_site(without, Path("summit.yaml")), CREDENTIALS).efd
    assert (efd.alias, efd.credential_service, efd.username) == ("", "", "")


def test_no_secret_is_in_a_repr() -> None:
    environ = {**CREDENTIALS, "EFD_USERNAME": "efdreader", "EFD_PASSWORD": "efd-secret"}
    outside = connections(summit(), environ)
    assert (outside.kafka.password, outside.efd.password) == ("kafka-secret", "efd-secret")
    assert "secret" not in repr(outside)


def test_a_rehearsal_ignores_every_variable() -> None:
    rehearsal = parse_site(
        'site: summit\nrehearsal: true\nkafka: {bootstrap: "127.0.0.1:9094", hosts: [127.0.0.1]}\n'
        'schema_registry: {url: "http://127.0.0.1:8081"}\nefd: {url: "http://127.0.0.1:8086", alias: summit_efd, '
        'credential_service: "http://127.0.0.1:1"}\n'
        "groups: [AT]\ncscs: [{csc: ATDome, group: AT}]\n",
        Path("rehearsal.yaml"),
    )
    outside = connections(rehearsal, EVERY_VARIABLE)
    assert outside == connections(rehearsal, {})
    assert outside.kafka == KafkaSettings(
        "127.0.0.1:9094", "PLAINTEXT", "SCRAM-SHA-512", "sal", "site file", rehearsal=True
    )
    assert outside.registry == RegistrySettings("http://127.0.0.1:8081", "site file")
    assert outside.efd == EfdSettings("http://127.0.0.1:8086", "efd", "site file")


class Forbidden(dict[str, str]):
    """An environment in which nobody may look anything up."""

    def get(self, *_: object) -> None:  # type: ignore[override]
        pytest.fail("a rehearsal read the environment")

    __getitem__ = __contains__ = __iter__ = get  # type: ignore[assignment]


def test_a_rehearsal_does_not_even_look_at_the_environment() -> None:
    rehearsal = parse_site(
        'site: summit\nrehearsal: true\nkafka: {bootstrap: "localhost:9094"}\n'
        'schema_registry: {url: "http://localhost:8081"}\ngroups: [AT]\ncscs: [{csc: ATDome, group: AT}]\n',
        Path("rehearsal.yaml"),
    )
    assert connections(rehearsal, Forbidden()).kafka.bootstrap == "localhost:9094"


def test_white_space_around_a_value_does_not_count_as_shells_and_files_leave_it() -> None:
    kept = ("_PASSWORD", "_FILE", "CONFIGURATION")
    odd = {name: f" {value}\n" for name, value in EVERY_VARIABLE.items() if not name.endswith(kept)}
    odd |= {"LSST_KAFKA_SECURITY_PASSWORD": "kafka-secret\r\n", "EFD_PASSWORD": "efd-secret\n"}
    clean = {name: value.strip() for name, value in odd.items()}
    assert connections(summit(), odd) == connections(summit(), clean)
    assert kafka(summit(), **CREDENTIALS, LSST_KAFKA_BROKER_ADDR="127.0.0.1:9092\n").bootstrap == "127.0.0.1:9092"
    assert kafka(tiny(), **{**CREDENTIALS, "LSST_KAFKA_SECURITY_PASSWORD": " two blanks "}).password == " two blanks "


@pytest.mark.parametrize("name", [name for name in EVERY_VARIABLE if name in _READ])
@pytest.mark.parametrize("odd", ["a\nb", "a\x1b[2Jb", "a\x00b", "a\x9bb", "a\u2028b"])
def test_a_control_character_inside_a_value_is_refused_without_showing_it(name: str, odd: str) -> None:
    found = problems(summit(), **{**CREDENTIALS, name: odd})
    assert (name, "holds a control character or a line end") in [(one.key, one.message) for one in found]
    assert not any("\x1b" in str(one) or "\n" in str(one) for one in found)


def test_a_variable_that_is_not_read_here_may_hold_anything() -> None:
    assert connections(summit(), {**CREDENTIALS, "LSST_ANYTHING": "a\nb"}) == connections(summit(), CREDENTIALS)


def test_values_of_the_client_file_are_trimmed_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "client.yaml"
    path.write_text('bootstrap.servers: " 127.0.0.1:9092 "\nsasl.username: "re\\nader"\n')
    [problem] = problems(summit(), **CREDENTIALS, LSST_KAFKA_BROKER_CLIENT_CONFIGURATION=f"{path}\n")
    assert (problem.key, problem.message) == ("sasl.username", "holds a control character or a line end")
    path.write_text('bootstrap.servers: " 127.0.0.1:9092 "\n')
    assert (
        kafka(summit(), **CREDENTIALS, LSST_KAFKA_BROKER_CLIENT_CONFIGURATION=f"{path}\n").bootstrap == "127.0.0.1:9092"
    )
