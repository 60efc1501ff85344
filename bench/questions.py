"""Questions to a large lake: `python -m bench.questions [charges a month] [months]`, 2,500,000 and 12 by default.

Makes a lake of made-up charges with its roll-ups (kept in `bench/data`), asks one question after another in this
process, then serves the lake by a site of its own: people ask it by HTTP and pause 2 seconds between their questions
while another looks at `/healthz`, and a browser opens its pages. No question is asked twice, so that no answer is a
remembered one. The tables go into `bench/results.md`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

import outlay
from bench import pages, results
from outlay.app import Outlay
from outlay.costs.question import Question
from outlay.focus.columns import COLUMNS, DECIMAL, MAP
from outlay.lake import Partition
from outlay.period import BillingPeriod
from tests.web.sites import Home, Site, serving

DATA = Path(__file__).parent / "data"
LAST = BillingPeriod(2026, 10)
SERVICES, ACCOUNTS, REGIONS, RESOURCES = 40, 50, 20, 200_000
KEYS = ("team", "app", "env", "cost-center", "owner")
ROUNDS = 20
WARMING = 6
PAUSE = 2.0


def main() -> int:
    asked = _arguments()
    folder = _lake(asked.rows, asked.months)
    with outlay.open(home=folder / "home") as o:
        alone = [_measured(o, name, questions) for name, questions in QUESTIONS.items()]
    with serving(Home(folder, {})) as site:
        people = _signed_in(site)
        together = _load(site.url, people["token"], asked.people, asked.seconds)
        pages_seen = pages.look(replace(site, home=Home(folder, people["cookies"])))
    report = "\n".join(_report(asked, alone, together, pages_seen))
    results.write("Questions", report, asked.results)
    print(report)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=2_500_000, help="charges a month")
    parser.add_argument("months", type=int, nargs="?", default=12)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--results", type=Path, default=results.PATH, help="the file that the tables go into")
    return parser.parse_args()


def _signed_in(site: Site) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.people"], env=dict(site.environ), stdout=subprocess.PIPE, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# The lake


def _lake(rows: int, months: int) -> Path:
    """A folder with the home of an installation whose lake holds the charges; made once."""
    folder = DATA / f"lake-{rows}-{months}"
    if (folder / "done").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "home").mkdir(parents=True)
    with outlay.open(home=folder / "home") as o:
        for shift in range(months):
            period = LAST.shift(shift - months + 1)
            began = time.monotonic()
            _bring(o, period, rows)
            brought = time.monotonic()
            list(o.roll_up())
            took = f"{brought - began:.1f} s, roll-ups {time.monotonic() - brought:.1f} s"
            print(f"{period.month}: {rows:,} charges, {took}", file=sys.stderr)
    (folder / "done").touch()
    return folder


def _bring(o: Outlay, period: BillingPeriod, rows: int) -> None:
    partition, delivery, lake = Partition("bench", period), f"made-{rows}", o.lake
    path = o.settings.spool / f"bench-{period.id}.parquet"
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(
            f"COPY (SELECT {', '.join(_columns(period, delivery))} FROM range({rows}) AS made(n) "  # noqa: S608
            f"ORDER BY ChargePeriodStart) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
        )
    lake.replace(partition, delivery, lake.stage(partition, delivery, [path], {}), expected=None)


def _columns(period: BillingPeriod, delivery: str) -> Iterator[str]:
    """Every lake column: what a question looks at is made up, the rest is null.

    A resource belongs to one service, account and region, and to one value of each tag; some have no tags.
    """
    of_resource = f"(hash(n * 31) % {RESOURCES})"
    hours = (period.end - period.start).days * 24
    start = f"TIMESTAMPTZ '{period.start:%Y-%m-%d} 00:00:00+00' + INTERVAL 1 HOUR * (hash(n) % {hours})::BIGINT"
    service = f"({of_resource} % {SERVICES})"
    account = f"({of_resource} // {SERVICES} % {ACCOUNTS})"
    region = f"({of_resource} // {SERVICES * ACCOUNTS} % {REGIONS})"
    cost = "((hash(n * 7) % 100000000)::DECIMAL(38, 18) / 10000000)::DECIMAL(38, 18)"
    values = ", ".join(
        f"'{key}-' || ({of_resource} // {place + 3} % {5 * (place + 4)})" for place, key in enumerate(KEYS)
    )
    names = ", ".join(f"'{key}'" for key in KEYS)
    made = {
        "BilledCost": cost,
        "EffectiveCost": f"{cost} * 0.8",
        "ListCost": f"{cost} * 1.25",
        "ContractedCost": cost,
        "x_AmortizedCost": f"{cost} * 0.9",
        "BillingCurrency": "'USD'",
        "BillingPeriodStart": f"TIMESTAMPTZ '{period.start:%Y-%m-%d} 00:00:00+00'",
        "BillingPeriodEnd": f"TIMESTAMPTZ '{period.end:%Y-%m-%d} 00:00:00+00'",
        "BillingAccountId": "'000000000001'",
        "ChargeCategory": "CASE WHEN n % 50 = 0 THEN 'Tax' ELSE 'Usage' END",
        "ChargeDescription": f"'usage of service ' || {service}",
        "ChargePeriodStart": start,
        "ChargePeriodEnd": f"{start} + INTERVAL 1 HOUR",
        "ConsumedQuantity": "(hash(n * 3) % 1000)::DECIMAL(38, 18)",
        "ConsumedUnit": f"CASE {service} % 3 WHEN 0 THEN 'Hours' WHEN 1 THEN 'GB' ELSE 'Requests' END",
        "ServiceName": f"'Service ' || {service}",
        "ServiceCategory": f"'Category ' || ({service} % 12)",
        "ServiceSubcategory": f"'Subcategory ' || {service}",
        "ServiceProviderName": "'Cloud'",
        "HostProviderName": "'Cloud'",
        "ProviderName": "'Cloud'",
        "PublisherName": "'Cloud'",
        "InvoiceIssuerName": "'Cloud'",
        "SubAccountId": f"lpad({account}::VARCHAR, 12, '0')",
        "SubAccountName": f"'Account ' || {account}",
        "RegionId": f"'region-' || {region}",
        "RegionName": f"'Region ' || {region}",
        "ResourceId": f"'arn:cloud:resource/' || {of_resource}",
        "Tags": f"CASE WHEN {of_resource} % 10 > 0 THEN MAP([{names}], [{values}]) END",
        "x_BillingPeriod": f"'{period.id}'",
        "x_Connection": "'bench'",
        "x_Delivery": f"'{delivery}'",
        "x_SourceFile": "'made.csv'",
        "x_SourceRow": "n",
    }
    types = {DECIMAL: "DECIMAL(38, 18)", MAP: "MAP(VARCHAR, VARCHAR)", "string": "VARCHAR", "int64": "BIGINT"}
    for column in COLUMNS:
        value = made.get(column.name, "NULL")
        yield f"({value})::{types.get(column.type, 'TIMESTAMPTZ')} AS {column.name}"


# The questions

_YEAR = {"start": LAST.shift(-11).month, "end": LAST.month}


def _top() -> Iterator[Question]:
    """12 months by service and day, 10 series; every other one leaves a region out besides two services."""
    pairs = itertools.combinations(range(SERVICES), 2)
    for pair, metric, has_region in itertools.product(pairs, ("effective", "billed"), (False, True)):
        where = [f"ServiceName!=Service {service}" for service in pair]
        where += [f"RegionId!=region-{pair[0] % REGIONS}"] if has_region else []
        yield Question.parse(metric=metric, by=["ServiceName"], granularity="day", top=10, where=where, **_YEAR)


def _tag() -> Iterator[Question]:
    for key, number in itertools.product(KEYS, range(SERVICES)):
        where = [f"ServiceName!=Service {number}"]
        yield Question.parse(by=[f"Tags.{key}"], granularity="month", top=10, where=where, **_YEAR)


def _resource() -> Iterator[Question]:
    for number in range(ACCOUNTS):
        where = [f"SubAccountName!=Account {number}"]
        yield Question.parse(by=["ResourceId"], granularity="month", top=10, where=where, **_YEAR)


def _account() -> Iterator[Question]:
    for number in range(SERVICES):
        where = [f"ServiceName!=Service {number}"]
        yield Question.parse(by=["SubAccountName", "ServiceName"], granularity="month", top=10, where=where, **_YEAR)


QUESTIONS: dict[str, Callable[[], Iterator[Question]]] = {
    "by service and day, 12 months, 10 series": _top,
    "by account and service, month": _account,
    "by one tag key": _tag,
    "by resource": _resource,
}


@dataclass(frozen=True)
class Measured:
    """Milliseconds of each question, and how many went wrong."""

    what: str
    times: list[float]
    errors: int = 0

    def line(self) -> str:
        ordered = sorted(self.times) or [0.0]
        middle, high = statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        return f"| {self.what} | {len(self.times)} | {middle:,.0f} | {high:,.0f} | {ordered[-1]:,.0f} | {self.errors} |"


def _measured(o: Outlay, what: str, questions: Callable[[], Iterator[Question]]) -> Measured:
    """Warm: the first of each sort is not counted."""
    every = questions()
    o.ask(next(every))
    times = []
    for question in itertools.islice(every, ROUNDS):
        began = time.perf_counter()
        o.ask(question)
        times.append((time.perf_counter() - began) * 1000)
    # What drawing the table beneath takes besides.
    began = time.perf_counter()
    o.desk.table(next(every))
    print(f"{what}: its table {(time.perf_counter() - began) * 1000:,.0f} ms", file=sys.stderr)
    return Measured(what, times)


def _report(
    asked: argparse.Namespace, alone: list[Measured], together: list[Measured], seen: list[pages.Seen]
) -> Iterator[str]:
    yield (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores; {asked.rows * asked.months:,} charges in "
        f"{asked.months} months with their roll-ups. Peak memory of this process: {_peak():,} MiB. Over HTTP: "
        f"{asked.people} people who pause {PAUSE:g} s, for {asked.seconds:g} s, on the same machine."
    )
    yield ""
    yield "| question | asked | median ms | p95 ms | longest ms | errors |"
    yield "|---|---:|---:|---:|---:|---:|"
    yield from (each.line() for each in (*alone, *together))
    yield ""
    yield from pages.lines(seen)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


# Over HTTP


def _load(url: str, token: str, people: int, seconds: float) -> list[Measured]:
    """People who ask and pause, while another looks at `/healthz` ten times a second."""
    found = {"top-level question over HTTP": _Tally(), "/healthz meanwhile": _Tally()}
    every = _top()
    for question in itertools.islice(every, WARMING):
        _Tally().get(f"{url}/api/v1/costs?{question.to_query()}", token)
    until = time.monotonic() + seconds
    lock = threading.Lock()

    def person() -> None:
        while time.monotonic() < until:
            with lock:
                question = next(every)
            found["top-level question over HTTP"].get(f"{url}/api/v1/costs?{question.to_query()}", token)
            time.sleep(PAUSE)

    def doctor() -> None:
        while time.monotonic() < until:
            found["/healthz meanwhile"].get(f"{url}/healthz", "")
            time.sleep(0.1)

    threads = [threading.Thread(target=person) for _ in range(people)] + [threading.Thread(target=doctor)]
    for thread in threads:
        thread.start()
        time.sleep(PAUSE / people)
    for thread in threads:
        thread.join()
    return [Measured(what, tally.times, tally.errors) for what, tally in found.items()]


class _Tally:
    def __init__(self) -> None:
        self.times: list[float] = []
        self.errors = 0

    def get(self, url: str, token: str) -> None:
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310
        began = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                body = answer.read()
            if url.endswith("/healthz") or json.loads(body):
                self.times.append((time.perf_counter() - began) * 1000)
        except OSError:
            self.errors += 1


if __name__ == "__main__":
    raise SystemExit(main())
