"""What ``deploydash check`` asks of the EFD: one cheap question, with the credentials that a run would use."""

from __future__ import annotations

from deploydash.core.model import FeedName
from deploydash.systems.efd.client import EfdClient
from deploydash.systems.efd.credentials import from_service
from deploydash.systems.efd.query import NoInfluxError, probe, read_answer
from deploydash.systems.settings import EfdSettings
from deploydash.systems.table import Finding

EFD = FeedName.EFD.value
NOT_CONFIGURED = "not configured: nothing completes what Kafka no longer holds"


async def check(settings: EfdSettings, subname: str, limit_s: float) -> tuple[Finding, ...]:
    """Ask the EFD once, within ``limit_s`` seconds.

    Raises:
        EfdError: it does not answer, or not as InfluxDB does, or it does not let us read.
    """
    if not settings.url:
        return (Finding("warning", EFD, NOT_CONFIGURED, "add efd: to the site file"),)
    if not settings.username and settings.alias and settings.credential_service:
        settings = await from_service(settings.credential_service, settings.alias, settings.database, timeout=limit_s)
    async with EfdClient(settings, limit_s) as client:
        body = await client.query(probe(client.database, subname))
        try:
            answer = read_answer((), body, 0.0)
        except NoInfluxError as error:
            raise client.no_influx(str(error)) from None
        if answer.trouble:
            raise client.not_executed(answer.trouble)
        return (Finding("ok", EFD, f"{client.where} answers"),)
