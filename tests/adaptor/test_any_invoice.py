"""Whatever an invoice holds: texts come out as they went in, and amounts add up to the last digit."""

from __future__ import annotations

import csv
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from outlay.adaptor.running import open_run
from outlay.settings import Settings

# What YAML can hold on one line.
NAMES = st.text(st.characters(categories=("L", "N", "P", "S", "Zs", "Mn")), min_size=1, max_size=8)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)
AMOUNTS = st.decimals(-(10**6), 10**6, places=12)
# As YAML writes them.
DELIMITERS = {",": "','", ";": ";", "\t": '"\\t"'}
ROWS = st.lists(st.tuples(TEXTS, AMOUNTS), min_size=1, max_size=30)


def european(amount: Decimal) -> str:
    return f"{amount:,f}".translate(str.maketrans(",.", ".,"))


def quoted(text: str, mark: str) -> str:
    return mark + text.replace(mark, mark * 2) + mark


@how(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(name=NAMES, rows=ROWS, delimiter=st.sampled_from(sorted(DELIMITERS)))
def test_texts_and_sums_survive(
    tmp_path_factory: pytest.TempPathFactory,
    settings: Settings,
    name: str,
    rows: list[tuple[str, Decimal]],
    delimiter: str,
) -> None:
    folder: Path = tmp_path_factory.mktemp("any")
    own = replace(settings, home=folder / "home", spool=folder / "spool")
    header = [name, "an amount", "twice", "day"]
    if len({each.casefold() for each in header}) < len(header):
        return
    with (folder / "in.csv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([text, european(amount), f"{amount:f}", "2026-05-01"] for text, amount in rows)
    column = quoted(quoted(name, '"'), "'")
    (folder / "m.yaml").write_text(
        f"source: {{from: in.csv, delimiter: {DELIMITERS[delimiter]}}}\n"
        "publish: {to: drops}\ncolumns:\n  time/usage_start: day\n"
        "  cost/cost: {column: an amount, decimal: ',', thousands: .}\n"
        "  cost/on_demand_cost: {sql: 'twice::DECIMAL(38,18) * 2'}\n"
        f"  lineitem/description: {{sql: {column}}}\n",
        encoding="utf-8",
    )
    found = open_run(folder / "m.yaml", settings=own).rehearse().rehearsal
    assert found
    ((_, contents),) = found.periods.items()
    total = sum((amount for _, amount in rows), Decimal(0))
    assert contents.sums == {"cost/cost": total, "cost/on_demand_cost": 2 * total}
    assert [row["lineitem/description"] or "" for row in found.first] == [text for text, _ in rows][: len(found.first)]
