"""Asking InfluxDB's query API, and saying in an operator's words why it did not answer."""

from __future__ import annotations

from typing import Any, Self

from deploydash.core.model import FeedName
from deploydash.core.outside_text import visible
from deploydash.errors import FeedError
from deploydash.systems.http import MOST_WORDS, Answer, HttpClient, HttpError
from deploydash.systems.settings import EfdSettings

TIMEOUT_S = 20.0
"""For the whole exchange; the sites' servers give a query 15 s (phalanx, applications/sasquatch/values.yaml)."""

MOST_BYTES = 16_000_000
"""A thousand CSCs are answered with half of one."""


class EfdError(FeedError):
    """The EFD, or the service that has its credentials, did not answer; says why and what to do."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(FeedName.EFD.value, message, hint=hint)


class EfdClient:
    """One connection to the EFD, closed on leaving its context.

    ``address`` names it without credentials, ``where`` says also where the address came from.
    """

    def __init__(self, settings: EfdSettings, timeout: float = TIMEOUT_S) -> None:
        self._http = HttpClient(
            FeedName.EFD.value,
            settings.url,
            budget=timeout,
            most_bytes=MOST_BYTES,
            hint=f"see that InfluxDB runs there; the address is from the {settings.source}",
            user=settings.username,
            password=settings.password,
        )
        self.address = self._http.address
        self.where = f"{self.address} ({settings.source})"
        self.database = settings.database
        self._settings = settings

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def query(self, text: str) -> Any:
        """Return the JSON of a query's answer; times in it are UTC nanoseconds.

        The query and the credentials travel in the body and in a header, never in the URL, which is logged.

        Raises:
            EfdError: there was no such answer.
        """
        try:
            answer = await self._http.ask("/query", form={"db": self.database, "epoch": "ns", "q": text})
        except HttpError as error:
            hint = "see whether InfluxDB is overloaded there" if error.timed_out else error.hint
            raise EfdError(error.message, hint=hint) from None
        body = answer.json()
        if answer.status != 200:
            raise self._refusal(answer, words(body))
        if body is None:
            raise self.no_influx("its answer is no JSON" if answer.what == "HTTP 200" else answer.what)
        return body

    def no_influx(self, why: str) -> EfdError:
        """Return the error of something that answers, but not as InfluxDB does."""
        return EfdError(
            f"{self.address} does not answer as InfluxDB does: {why}",
            hint=f"check the EFD's address from the {self._settings.source}, its path included",
        )

    def not_executed(self, trouble: str) -> EfdError:
        """Return the error of a statement that InfluxDB understood and did not execute."""
        if trouble.startswith("database not found"):
            return EfdError(
                f"{self.address} has no database {self.database!r}", hint="correct efd.database in the site file"
            )
        return EfdError(
            f"{self.address} did not execute the query: {visible(trouble)[:MOST_WORDS]}",
            hint="it is asked again; if it stays so, show this to the EFD's keepers",
        )

    def _refusal(self, answer: Answer, said: str) -> EfdError:
        status, user, database = answer.status, self._settings.username, self.database
        if status == 401 and not user:
            message, hint = "wants a user and a password", "export EFD_USERNAME and EFD_PASSWORD"
        elif status == 401:
            message = f"does not accept user {user!r} with this password"
            hint = "check EFD_USERNAME and EFD_PASSWORD"
        elif status == 403:
            message = f"does not let {f'user {user!r}' if user else 'us'} read database {database!r}{_because(said)}"
            hint = "have READ on it granted, or correct efd.database in the site file"
        elif status == 400:
            message = f"does not understand the query{_because(said)}"
            hint = "is it InfluxDB 1.x? The EFD is asked in InfluxQL"
        elif status >= 500:
            message = f"is in trouble itself: HTTP {status}{_because(said)}"
            hint = "it is asked again; tell the EFD's keepers if it stays so"
        else:
            return self.no_influx(answer.what)
        return EfdError(f"{self.address} {message}", hint=hint)


def _because(said: str) -> str:
    return f": {said}" if said else ""


def words(body: Any) -> str:
    """Return InfluxDB's own reason from the body of a refusal, short and on one line, or nothing."""
    said = body.get("error") if isinstance(body, dict) else None
    return visible(" ".join(said.split()))[:MOST_WORDS] if isinstance(said, str) else ""
