"""Label and field selectors, with the errors that Kubernetes gives for broken ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from deploydash.demo.fakes.cluster_kinds import Object, Resource
from deploydash.demo.fakes.cluster_status import bad_request

Matches = Callable[[Object], bool]
_TOKENS = re.compile(r"\s*(==|!=|=|!|,|\(|\)|[^\s=!,()]+)")


def _labels(item: Object) -> Mapping[str, str]:
    found: Mapping[str, str] = item["metadata"].get("labels") or {}
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _TOKENS.findall(text)

    def _next(self) -> str:
        return self._tokens.pop(0) if self._tokens else ""

    def _identifier(self) -> str:
        token = self._next()
        if not token or token in {"==", "!=", "=", "!", ",", "(", ")"}:
            raise bad_request(f"unable to parse requirement: found '{token}', expected: identifier")
        return token

    def _values(self) -> set[str]:
        opened = self._next()
        if opened != "(":
            raise bad_request(f"unable to parse requirement: found '{opened}', expected: '('")
        values = {self._identifier()}
        while (token := self._next()) == ",":
            values.add(self._identifier())
        if token != ")":
            raise bad_request(f"unable to parse requirement: found '{token}', expected: ',' or ')'")
        return values

    def _requirement(self) -> Matches:
        if self._tokens[:1] == ["!"]:
            self._next()
            absent = self._identifier()
            return lambda item: absent not in _labels(item)
        key = self._identifier()
        if not self._tokens or self._tokens[0] == ",":
            return lambda item: key in _labels(item)
        operator = self._next()
        if operator in {"in", "notin"}:
            values, wanted = self._values(), operator == "in"
            return lambda item: (_labels(item).get(key) in values) is wanted
        if operator not in {"=", "==", "!="}:
            expected = "in, notin, =, ==, !=, gt, lt"
            raise bad_request(f"unable to parse requirement: found '{operator}', expected: {expected}")
        value = "" if self._tokens[:1] in ([], [","]) else self._identifier()
        return lambda item: (_labels(item).get(key) == value) is (operator != "!=")

    def parse(self) -> list[Matches]:
        found = [self._requirement()] if self._tokens else []
        while self._tokens:
            token = self._next()
            if token != ",":
                raise bad_request(f"unable to parse requirement: found '{token}', expected: ',' or 'end of string'")
            found.append(self._requirement())
        return found


def _value(item: Object, path: str) -> str:
    found: Any = item
    for key in path.split("."):
        found = found.get(key, {}) if isinstance(found, dict) else {}
    return "" if found == {} else str(found)


def _field(path: str, zero: str, value: str, *, wanted: bool) -> Matches:
    return lambda item: ((_value(item, path) or zero) == value) is wanted


def _fields(resource: Resource, text: str) -> list[Matches]:
    known = {"metadata.name", *resource.fields} | ({"metadata.namespace"} if resource.namespaced else set())
    found: list[Matches] = []
    for part in filter(None, text.split(",")):
        key, operator, value = re.split(r"(==|!=|=)", part, maxsplit=1) if "=" in part else (part, "", "")
        if not operator:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        if key not in known:
            told = f'field label "{key}" not supported for {resource.kind}'
            raise bad_request(told if resource.group == "batch" else f"field label not supported: {key}")
        zero = "0" if key == "status.successful" else ""
        path = "status.succeeded" if key == "status.successful" else key

        found.append(_field(path, zero, value, wanted=operator != "!="))
    return found


def selector(resource: Resource, query: Mapping[str, str]) -> Matches:
    """What a request selects by ``labelSelector`` and ``fieldSelector``. Raises Refusal."""
    parts = [*_Parser(query.get("labelSelector", "")).parse(), *_fields(resource, query.get("fieldSelector", ""))]
    return lambda item: all(part(item) for part in parts)
