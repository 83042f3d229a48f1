"""The sample's section of a site file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SampleSettings(BaseModel):
    """Where the machines' server is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
