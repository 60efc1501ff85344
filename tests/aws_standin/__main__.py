"""`make aws-standin`: AWS on loopback with the sample organisation, until Ctrl-C.

Each payer has a legacy report, a CUR 2.0 and a FOCUS 1.2 export, by the day, delivered for the months asked for.
"""

from __future__ import annotations

import argparse
import sys
import threading
from datetime import UTC, datetime

from outlay.period import BillingPeriod
from tests.aws_standin.delivering import deliver
from tests.aws_standin.organisation import (
    EXTERNAL_ID,
    LINKED,
    OUTLAY_ACCOUNT,
    Member,
    Organisation,
    bill,
    build,
    export,
    report,
)
from tests.aws_standin.standin import StandIn, statement

EXPORTS = {"cur2": "COST_AND_USAGE_REPORT", "focus": "FOCUS_1_2_AWS"}


def main() -> int:
    asked = _asked()
    standin = StandIn(port=asked.port)
    try:
        organisation = build(standin)
        for member in organisation.members:
            _fill(standin, member, asked.months)
        sys.stdout.write(_said(organisation))
        sys.stdout.flush()
        threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    finally:
        standin.close()
    return 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.aws_standin", description=__doc__)
    parser.add_argument("--port", type=int, default=5005)
    parser.add_argument("--months", type=int, default=3, help="how many months of bills lie in the buckets")
    return parser.parse_args()


def _fill(standin: StandIn, member: Member, months: int) -> None:
    bucket, region = member.bucket, member.region
    legacy = report("legacy", bucket, region=region, TimeUnit="DAILY")
    standin.client("cur", member.account).put_report_definition(ReportDefinition=legacy)
    for name, table in EXPORTS.items():
        client = standin.client("bcm-data-exports", member.account)
        client.create_export(
            Export=export(name, bucket, region=region, table=table, settings={"TIME_GRANULARITY": "DAILY"})
        )
    last = datetime.now(UTC).date()
    for ago in reversed(range(months)):
        period = BillingPeriod.of(last).shift(-ago)
        rows = bill(member.payer, period, last)
        for name in ("legacy", *EXPORTS):
            deliver(standin, member.account, name, period, rows)


def _said(organisation: Organisation) -> str:
    own, standin = organisation.own_key, organisation.standin
    lines = [
        f"AWS stands in on {standin.endpoint}; Ctrl-C ends it, and nothing of it is kept.",
        "",
        "The user that Outlay runs as; it may assume the roles below and nothing else:",
        "",
        f"  export AWS_ENDPOINT_URL={standin.endpoint} AWS_ALLOW_HTTP=true AWS_REGION=us-east-1",
        *(f"  export {name}={value}" for name, value in own.environ.items()),
    ]
    for member in organisation.members:
        linked = len(LINKED[member.account])
        administrator = standin.admin(member.account)
        lines += [
            "",
            f"{member.payer.name}: management account {member.account}, {linked} linked, {member.payer.currency}",
            f"  role         {member.role_arn}",
            f"  external id  {EXTERNAL_ID}",
            f"  bucket       {member.bucket} in {member.region}",
            f"  legacy CUR   {_adding(member, 'legacy', 'cur')}",
            f"  CUR 2.0      {_adding(member, 'cur2', 'exports')}",
            f"  FOCUS 1.2    {_adding(member, 'focus', 'exports')}",
            *(f"  linked       {_adding_linked(standin, account, name)}" for account, name in _first(member)),
            f"  its administrator's key  {administrator.id} {administrator.secret}",
        ]
    return "\n".join(lines) + "\n"


def _first(member: Member) -> list[tuple[str, str]]:
    """One of the linked accounts will do to try."""
    return list(LINKED[member.account].items())[:1]


def _adding_linked(standin: StandIn, account: str, name: str) -> str:
    sees = statement("organizations:DescribeOrganization")
    trusts = f"arn:aws:iam::{OUTLAY_ACCOUNT}:root"
    role = standin.add_role(account, "outlay", sees, trusts=trusts, external_id=EXTERNAL_ID)
    return f"outlay connections add linked {name} --role-arn {role} --external-id {EXTERNAL_ID}"


def _adding(member: Member, name: str, prefix: str) -> str:
    connection = f"{member.bucket.removesuffix('-billing')}-{name}"
    return (
        f"outlay connections add aws {connection} --location s3://{member.bucket}/{prefix} --export {name} "
        f"--role-arn {member.role_arn} --external-id {EXTERNAL_ID}"
    )


if __name__ == "__main__":
    sys.exit(main())
