"""Why the API server did not do what was asked, in an operator's words; neither headers nor whole bodies."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from typing import Any

from deploydash.core.outside_text import visible
from deploydash.errors import FeedError

SYSTEM = "kubernetes"
MOST_WORDS = 240
"""So many characters of what a server says are kept: a refused template is quoted whole, in 3 kB."""

_EXPIRED = "does not accept our credentials: they are unknown or have ended"
_LOG_IN = "log in to the cluster again, or fetch its kubeconfig"


class KubernetesError(FeedError):
    """The API server refused, failed, or did not answer. ``status``: of HTTP, 0 where no answer came.

    ``again_s``: after how many seconds it may be asked again, where it says so.
    """

    def __init__(self, message: str, *, status: int = 0, hint: str = "", again_s: float = 0.0) -> None:
        super().__init__(SYSTEM, message, hint=hint)
        self.status = status
        self.again_s = again_s

    @property
    def answered(self) -> bool:
        """Whether the server decided about the request, so that it is known that nothing was done."""
        return 400 <= self.status < 500


def refusal(address: str, status: int, body: Any, retry_after: str = "") -> KubernetesError:
    """Return what an answer other than 2xx means. ``body``: its JSON, or its text where it is none."""
    said = short(body.get("message") if isinstance(body, dict) else body)
    if status == 401:
        return KubernetesError(f"{address} {_EXPIRED} (401)", status=status, hint=_LOG_IN)
    if status == 403:
        if "system:anonymous" in said:
            return KubernetesError(f"{address} got no credentials: {said}", status=status, hint=_LOG_IN)
        hint = "ask for this right, or use an account that has it"
        return KubernetesError(f"no right: {said or address}", status=status, hint=hint)
    if status == 429:
        again_s = min(60.0, float(retry_after)) if retry_after.isdigit() else 1.0
        return KubernetesError(
            f"{address} has too many requests at the moment (429)",
            status=status,
            hint=f"it wants to be asked again after {again_s:g} s",
            again_s=again_s,
        )
    if status == 410:
        return KubernetesError(f"{address} does not keep that version any more (410): {said}", status=status)
    if 400 <= status < 500 and said:
        return KubernetesError(said, status=status)
    what = f": {said}" if said and not said.lstrip().startswith("<") else ""
    return KubernetesError(f"{address} answers HTTP {status}{what}", status=status)


def short(text: object) -> str:
    """Return what a server says in one line of bounded length; empty where it is no text."""
    line = " ".join(text.split()) if isinstance(text, str) else ""
    return line if len(line) <= MOST_WORDS else f"{line[: MOST_WORDS - 1]}…"


def no_answer(address: str, error: BaseException) -> KubernetesError:
    """Return why no answer came, in the operating system's words where it has any."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ssl.SSLCertVerificationError):
            why = inner.verify_message if hasattr(inner, "verify_message") else ""
            why = why or _verify_words(inner)
            hint = "see certificate-authority of its cluster in the kubeconfig"
            return KubernetesError(f"{address}: its certificate is not trusted: {why}", hint=hint)
        if isinstance(inner, socket.gaierror):
            return KubernetesError(f"{address} cannot be reached: {inner.strerror}", hint=_REACH)
        if isinstance(inner, OSError) and inner.errno is not None and inner.errno in errno.errorcode:
            return KubernetesError(f"{address} cannot be reached: {os.strerror(inner.errno)}", hint=_REACH)
        inner = inner.__cause__ or inner.__context__
    if isinstance(error, TimeoutError):
        return KubernetesError(f"{address} does not answer in time", hint=_REACH)
    if isinstance(error, OSError):
        return KubernetesError(f"{address} cannot be reached: {short(visible(str(error)))}", hint=_REACH)
    return KubernetesError(f"{address} breaks off ({type(error).__name__})", hint=_REACH)


_REACH = "is the VPN up, and the API server?"


def _verify_words(error: ssl.SSLCertVerificationError) -> str:
    """Return why a certificate was not trusted, of an error that a library made of the real one."""
    inner = error.__cause__
    text = str(getattr(inner, "verify_message", "") or inner or "")
    return short(visible(text)) or "it is signed by an unknown authority"
