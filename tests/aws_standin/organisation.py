"""The sample organisation: two payers with twelve linked accounts, their bills, exports, roles and people.

Fernwick Parcel pays in dollars and has its discounts as rows; Loftline pays in euros and has them in net columns. Both
have reserved instances, Savings Plans, credits, refunds, tax and Marketplace charges. The same arguments give the same
bills; keys are of moto's making.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from outlay.demo.aws_bill import aws_month
from outlay.demo.company import FERNWICK, LOFTLINE, Payer, read_lines
from outlay.demo.files import Row
from outlay.demo.story import Story
from outlay.period import BillingPeriod
from tests.aws_standin.data_exports import CUR2, columns_of, select
from tests.aws_standin.standin import Key, StandIn, statement

# The account in which Outlay itself runs: neither payer's.
OUTLAY_ACCOUNT = "860513077401"
EXTERNAL_ID = "outlay-sample-0001"

_FERNWICK_MORE = {
    "224461870935": "fernwick-staging",
    "405518226073": "fernwick-security",
    "558920317746": "fernwick-logs",
    "016623984415": "fernwick-sandbox",
}
_LOFTLINE_MORE = {
    "739900481152": "loftline-staging",
    "882240659301": "loftline-data",
    "007731846290": "loftline-research",
}

_FERNWICK_LINES = """
staging m6i.large i-staging-web-1 tracking staging 24 always od
staging gp3 vol-staging-web tracking staging 12 steady od
security logs log-group:/security/trail platform prod 14 busy od
logs s3 fernwick-all-logs platform prod 5200 steady od
logs logs log-group:/shared/flow platform prod 22 busy od
sandbox t3.medium i-sandbox-1 - - 10 office od
"""
_LOFTLINE_LINES = """
staging m6i.large i-tiles-staging maps staging 24 always od
data s3 loftline-imagery maps prod 7600 steady od
data s3-put loftline-imagery maps prod 410000 busy od
research spot i-model-1 maps research 16 flaky spot
prod market i-tiles-1 maps prod 24 always market
"""


def _larger(payer: Payer, more: dict[str, str], table: str, region: str, **changes: Any) -> Payer:
    accounts = payer.accounts | more
    return replace(payer, accounts=accounts, lines=payer.lines + read_lines(table, accounts, region), **changes)


FERNWICK_GROUP = _larger(FERNWICK, _FERNWICK_MORE, _FERNWICK_LINES, "us-east-1")
LOFTLINE_GROUP = _larger(
    LOFTLINE, _LOFTLINE_MORE, _LOFTLINE_LINES, "eu-central-1", currency="EUR", marketplace_fee=Decimal(75)
)
PAYERS = (FERNWICK_GROUP, LOFTLINE_GROUP)
LINKED = {payer.account: {a: name for a, name in payer.accounts.items() if a != payer.account} for payer in PAYERS}
# By the end of an account's name.
UNITS = {"Production": ("prod", "data"), "Development": ("dev", "staging", "sandbox", "research")}


@dataclass(frozen=True)
class Member:
    """A payer as it stands in the organisation. `role_arn` may be assumed by Outlay's own user with the external id."""

    payer: Payer
    bucket: str
    region: str
    role_arn: str

    @property
    def account(self) -> str:
        return self.payer.account


@dataclass(frozen=True)
class Organisation:
    """`own_key` is that of the user Outlay runs as, who may assume roles and nothing else."""

    standin: StandIn
    own_key: Key
    fernwick: Member
    loftline: Member

    @property
    def members(self) -> tuple[Member, Member]:
        return self.fernwick, self.loftline


def build(standin: StandIn) -> Organisation:
    """Accounts, units, buckets, roles, and Outlay's own user; no exports yet."""
    own = standin.add_user(OUTLAY_ACCOUNT, "outlay", statement("sts:AssumeRole"))
    fernwick = _member(standin, FERNWICK_GROUP, "fernwick-billing", "us-east-1")
    return Organisation(standin, own, fernwick, _member(standin, LOFTLINE_GROUP, "loftline-billing", "eu-central-1"))


def _member(standin: StandIn, payer: Payer, bucket: str, region: str) -> Member:
    standin.add_organisation(payer.account, payer.name, _units(LINKED[payer.account]))
    standin.add_bucket(payer.account, bucket, region=region)
    role = standin.add_role(
        *(payer.account, "outlay-reads-bills"),
        statement("s3:Get*", "s3:List*", resources=(f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*")),
        statement("cur:DescribeReportDefinitions", "bcm-data-exports:List*", "bcm-data-exports:Get*"),
        statement("organizations:List*", "organizations:Describe*"),
        trusts=f"arn:aws:iam::{OUTLAY_ACCOUNT}:root",
        external_id=EXTERNAL_ID,
    )
    return Member(payer, bucket, region, role)


def _units(linked: dict[str, str]) -> dict[str, dict[str, str]]:
    by_end = {end: unit for unit, ends in UNITS.items() for end in ends}
    units: dict[str, dict[str, str]] = {}
    for account, name in linked.items():
        units.setdefault(by_end.get(name.rpartition("-")[2], "Shared"), {})[account] = name
    return units


def bill(payer: Payer, period: BillingPeriod, last: date) -> list[Row]:
    """A month of the payer's line items; `last` is the last day with charges."""
    return aws_month(payer, period, Story(last))


# Definitions, as the APIs take them


def report(name: str, bucket: str, *, prefix: str = "cur", region: str = "us-east-1", **changes: Any) -> dict[str, Any]:
    """A legacy report as Outlay asks for it; `changes` by the API's names."""
    return {
        "ReportName": name,
        "TimeUnit": "HOURLY",
        "Format": "textORcsv",
        "Compression": "GZIP",
        "AdditionalSchemaElements": ["RESOURCES"],
        "S3Bucket": bucket,
        "S3Prefix": prefix,
        "S3Region": region,
        "RefreshClosedReports": True,
        "ReportVersioning": "OVERWRITE_REPORT",
    } | changes


def export(
    name: str,
    bucket: str,
    *,
    table: str = CUR2,
    prefix: str = "exports",
    region: str = "us-east-1",
    settings: dict[str, str] | None = None,
    columns: Sequence[str] = (),
    query: str = "",
    parquet: bool = True,
    new: bool = False,
) -> dict[str, Any]:
    """A data export; of all columns that the table has with the settings, unless columns or a query are given."""
    default = {"TIME_GRANULARITY": "HOURLY", "INCLUDE_RESOURCES": "TRUE"} if table == CUR2 else {}
    given = default | (settings or {})
    statement = query or select(columns or columns_of(table, given), table)
    return {
        "Name": name,
        "DataQuery": {"QueryStatement": statement, "TableConfigurations": {table: given}},
        "DestinationConfigurations": {
            "S3Destination": {
                "S3Bucket": bucket,
                "S3Prefix": prefix,
                "S3Region": region,
                "S3OutputConfigurations": {
                    "OutputType": "CUSTOM",
                    "Format": "PARQUET" if parquet else "TEXT_OR_CSV",
                    "Compression": "PARQUET" if parquet else "GZIP",
                    "Overwrite": "CREATE_NEW_REPORT" if new else "OVERWRITE_REPORT",
                },
            }
        },
        "RefreshCadence": {"Frequency": "SYNCHRONOUS"},
    }
