"""Fernwick Parcel, an invented company, and Loftline, a map maker that it bought: what they run at AWS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from outlay.demo.story import MIGRATION_MONTHS_AGO, Story, six_digits
from outlay.period import BillingPeriod

PRODUCTS = {"tracking": "Tracking", "routing": "Routing", "data": "Insights", "platform": "Shared", "maps": "Maps"}
COST_CENTERS = {"tracking": "4100", "routing": "4200", "data": "5100", "platform": "9000", "maps": "4700"}


@dataclass(frozen=True)
class Line:
    """One resource and what it uses in a day. `pays` is od, free, spot, market, ri:KEY or sp:KEY.

    It exists from `since` months ago until `until` months ago.
    """

    account: str
    region: str
    meter: str
    resource: str
    team: str
    environment: str
    per_day: Decimal
    shape: str
    pays: str = "od"
    since: int = 10_000
    until: int = 0
    spikes: bool = False

    def exists(self, months_ago: int) -> bool:
        return self.until <= months_ago <= self.since

    def amount(self, story: Story, day: date) -> Decimal:
        """What is used on a day, in the unit of the meter."""
        if self.shape == "always":
            return self.per_day
        if self.shape == "office":
            return self.per_day if day.weekday() < 5 else Decimal(0)
        if self.shape == "flaky":
            return self.per_day - max(0, int(story.jitter(day, self.resource) * 7))
        amount = six_digits(self.per_day * story.level(day, self.resource, self.shape, spikes=self.spikes))
        return amount.to_integral_value() if self.per_day >= 100_000 else amount


@dataclass(frozen=True)
class Reservation:
    """`recurring` and `upfront` are per instance and hour, so that every amortised amount is exact."""

    key: str
    account: str
    region: str
    meter: str
    count: int
    recurring: Decimal
    upfront: Decimal
    bought_months_ago: int
    years: int

    @property
    def purchase_option(self) -> str:
        return "Partial Upfront" if self.upfront else "No Upfront"


@dataclass(frozen=True)
class SavingsPlan:
    """`recurring` and `upfront` together are the commitment of an hour. `rates`: discounted prices by meter."""

    key: str
    account: str
    recurring: Decimal
    upfront: Decimal
    bought_months_ago: int
    years: int
    rates: dict[str, Decimal]

    @property
    def payment_option(self) -> str:
        return "Partial Upfront" if self.upfront else "No Upfront"

    @property
    def per_day(self) -> Decimal:
        return 24 * (self.recurring + self.upfront)


@dataclass(frozen=True, eq=False)
class Payer:
    """An AWS organisation. `discounts`: `rows` has them as line items of their own, `net` in the net columns."""

    account: str
    name: str
    invoicing_entity: str
    accounts: dict[str, str]
    lines: tuple[Line, ...]
    reservations: tuple[Reservation, ...]
    savings_plans: tuple[SavingsPlan, ...]
    discounts: str
    edp: Decimal
    tax_type: str
    tax: Decimal
    credits: dict[int, Decimal]
    refund_months_ago: int | None
    marketplace_fee: Decimal
    cluster: str
    currency: str = "USD"

    def __str__(self) -> str:
        return self.name

    def lines_of(self, story: Story, period: BillingPeriod) -> list[Line]:
        return [line for line in self.lines if line.exists(story.months_ago(period))]


def read_lines(table: str, accounts: dict[str, str], region: str) -> tuple[Line, ...]:
    """What a payer runs, of a table whose first column is the end of an account's name."""
    by_name = {name.rsplit("-", 1)[-1]: account for account, name in accounts.items()}
    return tuple(_line(row, by_name, region) for row in table.strip().splitlines())


def _line(row: str, accounts: dict[str, str], region: str) -> Line:
    place, meter, resource, team, environment, per_day, shape, pays, *more = row.split()
    words = dict(word.split("=") for word in more)
    return Line(
        *(accounts[place], region, meter, resource, team.strip("-"), environment.strip("-"), Decimal(per_day), shape),
        pays=pays,
        since=int(words.get("since", 10_000)),
        until=int(words.get("until", 0)),
        spikes="spikes" in words,
    )


_FERNWICK_ACCOUNTS = {
    "041700259318": "fernwick-root",
    "093316420057": "fernwick-prod",
    "318840926614": "fernwick-data",
    "700415208836": "fernwick-dev",
}

# account meter resource team environment per-day shape pays
_FERNWICK_LINES = f"""
prod m6i.xlarge i-tracking-web-1 tracking prod 24 always sp:compute
prod m6i.xlarge i-tracking-web-2 tracking prod 24 always sp:compute
prod m6i.xlarge i-tracking-web-3 tracking prod 24 always sp:compute since=6
prod m6i.xlarge i-tracking-web-4 tracking prod 24 always sp:compute since=2
prod c6i.2xlarge i-routing-solver-1 routing prod 24 flaky ri:solver
prod c6i.2xlarge i-routing-solver-2 routing prod 24 flaky ri:solver
prod c6i.2xlarge i-routing-solver-3 routing prod 24 always od since=3
data spot i-batch-1 data prod 21 flaky spot
data spot i-batch-2 data prod 18 flaky spot since=8
data spot i-batch-3 data prod 14 flaky spot since=4
dev t3.medium i-dev-desk-1 tracking dev 10 office od
dev t3.medium i-dev-desk-2 routing dev 10 office od
dev t3.medium i-dev-left-over - - 24 always od since=9
prod gp3 vol-tracking-web tracking prod 21.5 steady od
prod gp3 vol-routing-solver routing prod 34 steady od
data gp3 vol-batch data prod 58 steady od
data snapshot snapshot/snap-batch data prod 44 steady od
prod s3 fernwick-parcel-photos tracking prod 1450 steady od
data s3 fernwick-lake data prod 1980 steady od
data s3-ia fernwick-lake-archive data prod 2700 steady od
dev s3 fernwick-artifacts platform dev 61 steady od
prod s3-put fernwick-parcel-photos tracking prod 912000 busy od
prod s3-get fernwick-parcel-photos tracking prod 7400000 busy od
prod mysql db:tracking-mysql tracking prod 24 always od until={MIGRATION_MONTHS_AGO}
prod rds-storage db:tracking-mysql tracking prod 66 steady od until={MIGRATION_MONTHS_AGO}
prod aurora cluster:tracking-aurora tracking prod 24 always od since={MIGRATION_MONTHS_AGO}
prod aurora-storage cluster:tracking-aurora tracking prod 48 steady od since={MIGRATION_MONTHS_AGO}
data mysql db:insights-mysql data prod 24 always ri:insights
prod lambda function:parcel-scan tracking prod 690000 busy od
prod lambda-request function:parcel-scan tracking prod 5200000 busy od
dev lambda-request function:nightly-checks platform dev 21000 busy free
prod logs log-group:/fernwick/tracking tracking prod 38 busy od spikes=1
data logs log-group:/fernwick/batch data prod 9.5 busy od
prod metrics - platform prod 33 steady od
prod nat natgateway/nat-prod platform prod 310 busy od
prod out i-tracking-web-1 tracking prod 265 busy od
prod interzone i-tracking-web-2 tracking prod 540 busy od
prod market i-routing-solver-1 routing prod 24 flaky market
"""

FERNWICK = Payer(
    account="041700259318",
    name="Fernwick Parcel",
    invoicing_entity="Amazon Web Services, Inc.",
    accounts=_FERNWICK_ACCOUNTS,
    lines=read_lines(_FERNWICK_LINES, _FERNWICK_ACCOUNTS, "us-east-1"),
    reservations=(
        Reservation(
            *("solver", "093316420057", "us-east-1", "c6i.2xlarge", 2),
            *(Decimal("0.1042"), Decimal("0.1038"), 9, 1),
        ),
        Reservation(
            *("insights", "318840926614", "us-east-1", "mysql", 1),
            *(Decimal("0.1512"), Decimal(0), 26, 3),
        ),
    ),
    savings_plans=(
        SavingsPlan(
            *("compute", "041700259318", Decimal("0.45"), Decimal(0), 30, 3),
            rates={"m6i.xlarge": Decimal("0.1407")},
        ),
    ),
    discounts="rows",
    edp=Decimal("0.05"),
    tax_type="USSalesTax",
    tax=Decimal("0.0825"),
    credits={10: Decimal(-300), 7: Decimal(-300), 4: Decimal("-150.25"), 1: Decimal("-42.5"), 0: Decimal("-42.5")},
    refund_months_ago=3,
    marketplace_fee=Decimal(190),
    cluster="",
)

_LOFTLINE_ACCOUNTS = {
    "507212984460": "loftline-root",
    "611408325587": "loftline-prod",
    "000914773205": "loftline-dev",
}

_LOFTLINE_LINES = """
prod m6i.large i-tiles-1 maps prod 24 always sp:maps
prod m6i.large i-tiles-2 maps prod 24 always sp:maps
prod m6i.large i-tiles-3 maps prod 24 always sp:maps since=5
prod m6i.xlarge i-render-1 maps prod 24 flaky ri:render
prod spot i-import-1 maps prod 12 flaky spot
dev t3.medium i-sandbox-1 maps dev 10 office od
prod eks cluster/maps maps prod 24 always od
prod gp3 vol-tiles maps prod 40 steady od
prod s3 loftline-tiles maps prod 2300 steady od
prod s3-get loftline-tiles maps prod 9800000 busy od
prod lambda function:geocode maps prod 410000 busy od
dev lambda-request function:geocode-dev maps dev 15000 busy free
prod logs log-group:/loftline/tiles maps prod 12 busy od
prod out i-tiles-1 maps prod 420 busy od
prod nat natgateway/nat-maps - - 95 busy od
dev s3 loftline-dev maps dev 36 steady od
"""

LOFTLINE = Payer(
    account="507212984460",
    name="Loftline",
    invoicing_entity="Amazon Web Services EMEA SARL",
    accounts=_LOFTLINE_ACCOUNTS,
    lines=read_lines(_LOFTLINE_LINES, _LOFTLINE_ACCOUNTS, "eu-central-1"),
    reservations=(
        Reservation(
            *("render", "611408325587", "eu-central-1", "m6i.xlarge", 1),
            *(Decimal("0.121"), Decimal(0), 14, 3),
        ),
    ),
    savings_plans=(
        SavingsPlan(
            *("maps", "507212984460", Decimal("0.08"), Decimal("0.08"), 7, 1),
            rates={"m6i.large": Decimal("0.0683")},
        ),
    ),
    discounts="net",
    edp=Decimal("0.06"),
    tax_type="VAT",
    tax=Decimal("0.19"),
    credits={5: Decimal(-80)},
    refund_months_ago=4,
    marketplace_fee=Decimal(0),
    cluster="maps",
)

PAYERS = (FERNWICK, LOFTLINE)
