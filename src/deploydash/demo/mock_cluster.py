"""librdkafka's mock cluster, from the shared library inside the confluent-kafka wheel.

It is bound to the loopback address by librdkafka itself and takes a free port. It has no CreateTopics, so the
topics are made through its C functions; SAL topics have one partition (ts_xml topic_info.py).
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import confluent_kafka.cimpl

_BROKER_ID = 1


def _library() -> ctypes.CDLL:
    """The C library that confluent-kafka has already loaded, with the signatures used here."""
    lib = ctypes.CDLL(confluent_kafka.cimpl.__file__)
    pointer, text, integer = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (integer, [pointer, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (pointer, [integer, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, integer]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (integer, [pointer, text, integer, integer]),
        "rd_kafka_mock_set_controller_id": (integer, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_broker_set_down": (integer, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_broker_set_up": (integer, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_broker_set_rtt": (integer, [pointer, ctypes.c_int32, integer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


class MockCluster:
    """One broker on 127.0.0.1. Raises RuntimeError when librdkafka cannot make one."""

    def __init__(self) -> None:
        self._lib = _library()
        error = ctypes.create_string_buffer(512)
        conf = self._lib.rd_kafka_conf_new()
        self._lib.rd_kafka_conf_set(conf, b"log_level", b"0", error, len(error))
        self._handle = self._lib.rd_kafka_new(0, conf, error, len(error))
        if not self._handle:
            raise RuntimeError(f"librdkafka gave no handle: {error.value.decode()}")
        self._cluster = self._lib.rd_kafka_mock_cluster_new(self._handle, 1)
        if not self._cluster:
            raise RuntimeError("librdkafka gave no mock cluster")
        self.bootstrap: str = self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        with self._awake():
            self._lib.rd_kafka_mock_set_controller_id(self._cluster, _BROKER_ID)

    @contextlib.contextmanager
    def _awake(self) -> Any:
        """Keep the cluster's thread awake: it serves our calls only between two polls of its sockets."""
        done = threading.Event()
        host, port = self.bootstrap.rsplit(":", 1)

        def knock() -> None:
            while not done.wait(0.001):
                with contextlib.suppress(OSError):
                    socket.create_connection((host, int(port)), timeout=1).close()

        knocker = threading.Thread(target=knock, name="demo-broker-knock", daemon=True)
        knocker.start()
        try:
            yield
        finally:
            done.set()
            knocker.join()

    def create_topics(self, topics: Iterable[str]) -> None:
        """Make topics of one partition. Raises RuntimeError when the cluster refuses one."""

        def create(topic: str) -> int:
            code: int = self._lib.rd_kafka_mock_topic_create(self._cluster, topic.encode(), 1, 1)
            return code

        names = list(topics)
        with self._awake(), ThreadPoolExecutor(16) as pool:
            refused = [name for name, code in zip(names, pool.map(create, names), strict=True) if code]
        if refused:
            raise RuntimeError(f"the mock cluster refused the topics {', '.join(refused[:3])}")

    def set_up(self, up: bool) -> None:
        """Let the broker go down (connections are cut and refused) or come back on the same port, data kept."""
        name = "rd_kafka_mock_broker_set_up" if up else "rd_kafka_mock_broker_set_down"
        with self._awake():
            getattr(self._lib, name)(self._cluster, _BROKER_ID)

    def set_delay(self, seconds: float) -> None:
        """Let every answer take so many seconds longer; 0 for as fast as it can."""
        with self._awake():
            self._lib.rd_kafka_mock_broker_set_rtt(self._cluster, _BROKER_ID, int(seconds * 1000))

    def close(self) -> None:
        """End the cluster."""
        self._lib.rd_kafka_mock_cluster_destroy(self._cluster)
        self._lib.rd_kafka_destroy(self._handle)
