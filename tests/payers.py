"""An installation that reads the bills of the stand-in's two payers: dollars and euros, twelve linked accounts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

import outlay
from outlay.app import Outlay
from outlay.period import BillingPeriod
from outlay.state.new import NewConnection
from tests.aws_standin.delivering import deliver
from tests.aws_standin.organisation import EXTERNAL_ID, OUTLAY_ACCOUNT, Member, Organisation, bill, build, report
from tests.aws_standin.standin import StandIn, statement
from tests.services.environment import FOREIGN

MAY = BillingPeriod(2026, 5)
LAST = date(2026, 5, 2)


@dataclass(frozen=True)
class World:
    """`environ` is for each test to set: no test keeps what another module's fixture has set."""

    o: Outlay
    organisation: Organisation
    environ: Mapping[str, str]

    @property
    def standin(self) -> StandIn:
        return self.organisation.standin

    def add_payer(self, name: str, member: Member) -> None:
        """Its connection and its bill of two days of May, brought in."""
        client = self.standin.client("cur", member.account)
        client.put_report_definition(ReportDefinition=report("daily", member.bucket, TimeUnit="DAILY"))
        deliver(self.standin, member.account, "daily", MAY, bill(member.payer, MAY, LAST))
        self.o.add(
            NewConnection(name, "aws", f"s3://{member.bucket}/cur", role_arn=member.role_arn, external_id=EXTERNAL_ID)
        )
        (result,) = self.o.ingest([name])
        assert result.outcome == "committed", result

    def role(self, account: str, name: str = "outlay") -> str:
        """A role of a linked account that sees nothing but its own organisation."""
        found = statement("organizations:DescribeOrganization")
        trusts = f"arn:aws:iam::{OUTLAY_ACCOUNT}:root"
        return self.standin.add_role(account, name, found, trusts=trusts, external_id=EXTERNAL_ID)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    with aws() as (organisation, environ), outlay.open(home=folder / "home", threads=1) as o:
        yield World(o, organisation, environ)


@contextmanager
def aws() -> Iterator[tuple[Organisation, Mapping[str, str]]]:
    """The stand-in, and the environment of whom Outlay runs as; it is set meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(FOREIGN):
                patch.delenv(name)
        standin = StandIn()
        try:
            organisation = build(standin)
            given = {"AWS_ENDPOINT_URL": standin.endpoint, "AWS_REGION": "us-east-1", "NO_PROXY": "127.0.0.1"}
            missing = {"AWS_CONFIG_FILE": "no-config", "AWS_SHARED_CREDENTIALS_FILE": "no-credentials"}
            environ = {**given, **missing, **organisation.own_key.environ}
            for name, value in environ.items():
                patch.setenv(name, value)
            yield organisation, environ
        finally:
            standin.close()
