"""A year of the sample organisation's bills in its buckets, in four formats."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from outlay.demo.aws_bill import aws_month
from outlay.demo.files import Row
from outlay.demo.story import Story
from outlay.period import BillingPeriod
from tests.aws_standin.data_exports import CUR2
from tests.aws_standin.delivering import deliver
from tests.aws_standin.organisation import FERNWICK_GROUP, LOFTLINE_GROUP, Member, Organisation, export, report

SCRIPT, TABLE = (Path(__file__).with_name(name) for name in ("work_out.py", "totals.csv"))

LAST = date(2026, 9, 4)
# A year of Fernwick's closed months: reservations are bought, credits are given, a refund is made. And one month of
# Loftline's that has all of it: a Savings Plan is bought, partly upfront, and there are a credit and a refund.
LOFTLINE = replace(LOFTLINE_GROUP, credits={7: Decimal(-80)}, refund_months_ago=7)
_BILLED = {FERNWICK_GROUP.account: (FERNWICK_GROUP, range(12, 0, -1)), LOFTLINE.account: (LOFTLINE, (7,))}


class FewDays(Story):
    """A company at work on the first and the third of a month alone, so that a year has few rows."""

    def days(self, period: BillingPeriod) -> list[date]:
        return [day for day in super().days(period) if day.day in (1, 3)]


@dataclass(frozen=True)
class Form:
    """How one payer has its bill delivered in a format."""

    table: str
    parquet: bool
    new: bool
    granularity: str

    @property
    def prefix(self) -> str:
        return "exports" if self.table else "cur"


# Format: Fernwick's export and Loftline's. AWS gives no choice of granularity for FOCUS 1.0: its rows are of an hour.
FORMS: dict[str, tuple[Form, Form]] = {
    "legacy-cur": (Form("", False, True, "DAILY"), Form("", False, False, "MONTHLY")),
    "cur-2": (Form(CUR2, True, False, "MONTHLY"), Form(CUR2, False, True, "DAILY")),
    "focus-1-2": (Form("FOCUS_1_2_AWS", False, True, "DAILY"), Form("FOCUS_1_2_AWS", True, False, "MONTHLY")),
    "focus-1-0": (Form("FOCUS_1_0_AWS", True, False, ""), Form("FOCUS_1_0_AWS", False, True, "")),
}


@cache
def bills_of(account: str) -> dict[BillingPeriod, list[Row]]:
    """The line items of each of a payer's months."""
    story, (payer, months_ago) = FewDays(LAST), _BILLED[account]
    months = [story.back(ago) for ago in months_ago]
    return {month: aws_month(payer, month, story) for month in months}


def fill(organisation: Organisation) -> None:
    """Every report and export made through AWS's APIs, and each month delivered."""
    for place, member in enumerate(organisation.members):
        for name, forms in FORMS.items():
            _make(organisation, member, name, forms[place])
            _deliver(organisation, member, name)


def _make(organisation: Organisation, member: Member, name: str, form: Form) -> None:
    where: dict[str, Any] = {"prefix": form.prefix, "region": member.region}
    if form.table:
        settings = {"TIME_GRANULARITY": form.granularity} if form.granularity else {}
        if form.table == CUR2:
            settings["INCLUDE_SPLIT_COST_ALLOCATION_DATA"] = "TRUE"
        how: dict[str, Any] = {"table": form.table, "settings": settings, "parquet": form.parquet, "new": form.new}
        client = organisation.standin.client("bcm-data-exports", member.account)
        client.create_export(Export=export(name, member.bucket, **where, **how))
        return
    definition = report(
        *(name, member.bucket),
        **where,
        TimeUnit=form.granularity,
        AdditionalSchemaElements=["RESOURCES", "SPLIT_COST_ALLOCATION_DATA"],
        ReportVersioning="CREATE_NEW_REPORT" if form.new else "OVERWRITE_REPORT",
    )
    organisation.standin.client("cur", member.account).put_report_definition(ReportDefinition=definition)


def _deliver(organisation: Organisation, member: Member, name: str) -> None:
    """The last month twice: what was delivered first is unfinished, and in more parts."""
    bills = bills_of(member.account)
    for month, rows in bills.items():
        if month == max(bills):
            deliver(organisation.standin, member.account, name, month, rows[: len(rows) // 3], parts=3)
        deliver(organisation.standin, member.account, name, month, rows, parts=2)


def raw_reports(organisation: Organisation, folder: Path) -> list[Path]:
    """The files of the legacy reports that the months' manifests name, fetched from the buckets."""
    return [
        path
        for member in organisation.members
        for month in bills_of(member.account)
        for path in _fetched(organisation, member, month, folder)
    ]


def _fetched(organisation: Organisation, member: Member, month: BillingPeriod, folder: Path) -> list[Path]:
    client = organisation.standin.client("s3", member.account, region=member.region)
    bucket, manifest = member.bucket, f"cur/legacy-cur/{month.id}/legacy-cur-Manifest.json"
    keys = json.loads(client.get_object(Bucket=bucket, Key=manifest)["Body"].read())["reportKeys"]
    paths = [folder / bucket / key for key in keys]
    for key, path in zip(keys, paths, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())
    return paths


def worked_out(reports: Sequence[Path]) -> bytes:
    """The table, by the script alone: it sees neither the project nor any package."""
    command = [sys.executable, "-I", "-S", str(SCRIPT), *map(str, reports)]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=SCRIPT.parent).stdout
