"""Who may do what in the demo observatory's Argo CD: tokens that are JWTs, accounts, and the rules of its RBAC."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from deploydash.demo.fakes.argocd_status import NO_SESSION, Refusal
from deploydash.demo.fakes.cluster_store import stamp

RESOURCES = (
    "clusters projects applications applicationsets repositories write-repositories certificates accounts gpgkeys logs "
    "exec extensions"
)
Right = tuple[str, str, str]
"""Resource, action and object, each a pattern."""

ALL: tuple[Right, ...] = (("*", "*", "*"),)
READER: tuple[Right, ...] = tuple(
    (each, "get", "*/*" if each in {"applications", "applicationsets", "logs"} else "*") for each in RESOURCES.split()
)


@dataclass(frozen=True, slots=True)
class Account:
    """One account. ``password`` empty: it cannot log in by one."""

    name: str
    rights: tuple[Right, ...] = ()
    password: str = ""
    issuer: str = "argocd"
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was given out, by whom it is used; ``expires`` and ``issued`` are UTC unix seconds, 0 for never."""

    account: Account
    issued: float = 0.0
    expires: float = 0.0
    id: str = ""
    revoked: bool = False


def _part(value: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


class Accounts:
    """The accounts, and the tokens given out. ``clock`` gives UTC unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.accounts: dict[str, Account] = {}
        self.tokens: dict[str, Token] = {}
        self.all_expired = False

    def issue(self, account: Account, lives: float = 0.0, name: str = "") -> str:
        """Give an account a token that lives so many seconds, 0 for ever."""
        now = self._clock()
        expires = now + lives if lives else 0.0
        claims: dict[str, object] = {"iss": account.issuer, "sub": account.name, "iat": int(now), "nbf": int(now)}
        claims |= {"jti": name or str(len(self.tokens)), **({"exp": int(expires)} if lives else {})}
        if "@" in account.name:
            claims |= {"email": account.name, "groups": [*account.groups]}
        head = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
        digest = hashlib.sha256(f"{head} {id(self)}".encode()).digest()
        text = f"{head}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
        self.tokens[text] = Token(account, now, expires, name)
        return text

    def who(self, text: str) -> Token:
        """Whose token this is. Raises Refusal."""
        if text.count(".") != 2:
            raise NO_SESSION
        found = self.tokens.get(text)
        if found is None:
            raise Refusal(16, "invalid session: token signature is invalid: signature is invalid")
        if self.all_expired or (found.expires and found.expires <= self._clock()):
            raise Refusal(16, "invalid session: token has invalid claims: token is expired")
        if found.revoked:
            raise Refusal(16, f"invalid session: account {found.account.name} does not have token with id {found.id}")
        return found

    def revoke(self, text: str) -> None:
        """Let a token be one that was deleted."""
        self.tokens[text] = replace(self.tokens[text], revoked=True)

    def login(self, username: str, password: str) -> str:
        """A token for a local account. Raises Refusal."""
        account = self.accounts.get(username)
        if account is None or not account.password or account.password != password:
            raise Refusal(16, "Invalid username or password")
        return self.issue(account, 86_400.0)

    @staticmethod
    def may(account: Account, resource: str, action: str, about: str) -> bool:
        """Whether an account may do something to something."""
        return any(
            fnmatchcase(resource, kind) and fnmatchcase(action, verb) and fnmatchcase(about, pattern)
            for kind, verb, pattern in account.rights
        )

    @staticmethod
    def issued(token: Token) -> str:
        """When a token was given out, as errors say it."""
        return stamp(token.issued)
