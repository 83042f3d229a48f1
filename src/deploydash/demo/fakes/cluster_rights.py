"""Who may do what in the demo observatory's cluster: bearer tokens, rules, and the reviews that tell of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from deploydash.demo.fakes.cluster_kinds import Object, Where

Denies = Callable[[str, str, str], bool]
"""Whether a verb on a resource in a namespace is denied to everybody now."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One right. ``namespace`` empty: in all, and at the cluster scope. ``by`` is what the review says of it."""

    verbs: tuple[str, ...]
    group: str
    resources: tuple[str, ...]
    namespace: str = ""
    by: str = ""

    def allows(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Whether this is the right for it."""
        return (
            verb in self.verbs
            and group == self.group
            and resource in self.resources
            and self.namespace in {"", namespace}
        )


@dataclass(frozen=True, slots=True)
class User:
    """Who a token belongs to. ``rules`` None: may do everything, as group system:masters. ``throttled``: always 429."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    rules: tuple[Rule, ...] | None = ()
    throttled: bool = False


ANONYMOUS = User("system:anonymous", groups=("system:unauthenticated",))

_SELF = Rule(("create",), "authorization.k8s.io", ("selfsubjectaccessreviews", "selfsubjectrulesreviews"))
_WHO = Rule(("create",), "authentication.k8s.io", ("selfsubjectreviews",))
_PUBLIC = (
    [
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
    ],
    ["/healthz", "/livez", "/readyz", "/version", "/version/"],
)


class Rights:
    """The users by their tokens, and what is denied beside."""

    def __init__(self, denies: Denies) -> None:
        self.users: dict[str, User] = {}
        self._denies = denies

    def user(self, authorization: str) -> User | None:
        """Who asks, by the header ``Authorization``; None for a token that nobody has."""
        if not authorization:
            return ANONYMOUS
        return self.users.get(authorization.removeprefix("Bearer "))

    def why(self, user: User, verb: str, group: str, resource: str, namespace: str) -> str | None:
        """Which rule allows it; None when none does."""
        if self._denies(verb, resource, namespace):
            return None
        if user.rules is None:
            return ""
        rules: Iterable[Rule] = user.rules if user is ANONYMOUS else (*user.rules, _SELF, _WHO)
        return next((rule.by for rule in rules if rule.allows(verb, group, resource, namespace)), None)

    def may(self, user: User, verb: str, at: Where) -> bool:
        """Whether a request may be made."""
        return self.why(user, verb, at.group, at.plural, at.namespace) is not None

    def access_review(self, user: User, body: Object) -> Object:
        """The answer to a SelfSubjectAccessReview."""
        asked = body.get("spec", {}).get("resourceAttributes", {})
        group, namespace = asked.get("group", ""), asked.get("namespace", "")
        why = self.why(user, asked.get("verb", ""), group, asked.get("resource", ""), namespace)
        told = {"allowed": why is not None, **({"reason": why} if why else {})}
        return {
            "kind": "SelfSubjectAccessReview",
            "apiVersion": "authorization.k8s.io/v1",
            "metadata": {},
            "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
            "status": told,
        }

    def rules_review(self, user: User, body: Object) -> Object:
        """The answer to a SelfSubjectRulesReview: what a user may do in one namespace."""
        namespace = body.get("spec", {}).get("namespace", "")
        everything = Rule(("*",), "*", ("*",))
        rules = (everything,) if user.rules is None else user.rules
        here = [rule for rule in (_SELF, _WHO, *rules) if rule.namespace in {"", namespace}]
        told = [{"verbs": [*r.verbs], "apiGroups": [r.group], "resources": [*r.resources]} for r in here]
        return {
            "kind": "SelfSubjectRulesReview",
            "apiVersion": "authorization.k8s.io/v1",
            "metadata": {},
            "spec": {},
            "status": {
                "resourceRules": told,
                "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": urls} for urls in _PUBLIC],
                "incomplete": False,
            },
        }

    @staticmethod
    def who(user: User, created: str) -> Object:
        """The answer to a SelfSubjectReview."""
        about = {"username": user.name, "uid": user.uid, "groups": [*user.groups, "system:authenticated"]}
        return {
            "kind": "SelfSubjectReview",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"creationTimestamp": created},
            "status": {"userInfo": {key: value for key, value in about.items() if value}},
        }
