from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from outlay.adaptor.running import Run, open_run
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage import open_place
from tests.drops.reading import rows_of

HEAD = """\
source: {from: in.csv}
publish: {to: drops}
columns:
"""
USUAL = """\
  time/usage_start: day
  cost/cost: cost
"""


@dataclass(frozen=True)
class Bench:
    """A folder with a mapping and an invoice."""

    folder: Path
    settings: Settings

    def invoice(self, text: str, name: str = "in.csv") -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def mapping(self, text: str) -> Path:
        path = self.folder / "m.yaml"
        path.write_text(text)
        return path

    def run(self, text: str, **how: object) -> Run:
        """A run of a mapping that is written out."""
        return open_run(self.mapping(text), settings=self.settings, **how)  # type: ignore[arg-type]

    def rule(self, *rules: str, more: str = "") -> Run:
        """A run of the usual mapping with these rules besides."""
        return self.run(f"{HEAD}{USUAL}{''.join(f'  {rule}{chr(10)}' for rule in rules)}{more}")

    def published(self, *months: str) -> list[dict[str, str]]:
        """The rows of the current drops of these months; without them of May."""
        place = open_place(str(self.folder / "drops"))
        periods = [BillingPeriod.parse(month).id for month in months or ("2026-05",)]
        return [row for period in periods for row in rows_of(place, period)]

    def made(self, target: str, *months: str) -> list[str | None]:
        return [row.get(target) for row in self.published(*months)]


@pytest.fixture
def settings(outlay_home: Path) -> Settings:
    return Settings.read(threads=2)


@pytest.fixture
def bench(tmp_path: Path, settings: Settings) -> Bench:
    return Bench(tmp_path, settings)
