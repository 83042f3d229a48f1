"""The command line with one system more: what a team adds that has a system of its own."""

from __future__ import annotations

from deploydash.cli import main
from deploydash.systems.table import Reading
from deploydash.wiring.tables import ACTING, READING, Tables
from tests.sample_system.feed import feed
from tests.sample_system.settings import SampleSettings
from tests.sample_system.steps import SAMPLE, SampleSteps

TABLES = Tables(
    reading={**READING, SAMPLE: Reading(SAMPLE, SampleSettings, SampleSteps(), feed)},
    acting={**ACTING, SAMPLE: "tests.sample_system.act:action"},
)

if __name__ == "__main__":
    main(TABLES)
