"""The bill of Simple Cloud, an invented provider, in the Common Bill Format, and the AnyCost drops that carry it.

Over a month the billed, discounted, amortised and discounted amortised costs have equal totals: they tell the same
money in different places. `Discount` rows stand for what usage was too dear by, fees for what it was too cheap by.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from outlay.demo.files import Row, csv_bytes, gzipped, instant, json_text, put, put_json, split, text
from outlay.demo.story import Story, six_digits
from outlay.period import BillingPeriod

PROVIDER = "Simple Cloud"
DISCOUNT = Decimal("0.08")
CENT = Decimal("0.01")

COLUMNS = (
    *("lineitem/id", "lineitem/type", "lineitem/description", "lineitem/cloud_provider"),
    *("time/usage_start", "time/usage_end", "resource/id", "resource/service", "resource/account"),
    *("resource/region", "resource/usage_family", "action/operation", "action/usage_type"),
    *("usage/amount", "usage/units", "cost/cost", "cost/discounted_cost", "cost/amortized_cost"),
    *("cost/discounted_amortized_cost", "cost/on_demand_cost", "bill/invoice_id"),
    *("k8s/cluster", "k8s/namespace", "k8s/deployment", "k8s/labels"),
    *("resource/tag:team", "resource/tag:env", "resource/tag:cost-center"),
)


class _Resource(NamedTuple):
    id: str
    service: str
    account: str
    region: str
    family: str
    usage_type: str
    units: str
    price: Decimal
    per_day: Decimal
    shape: str
    pays: str
    team: str
    k8s: str


# id | service | account | region | family | usage type | units | price | per day | shape | pays | team | k8s
_TABLE = """
compute/vm-label-1 | Compute | fernwick-hub | east-1 | Virtual Machine | vm.4x16 | Hours | 0.152 | 24 | always | fee | tracking |
compute/vm-label-2 | Compute | fernwick-hub | east-1 | Virtual Machine | vm.4x16 | Hours | 0.152 | 24 | always | fee | tracking |
compute/vm-label-3 | Compute | fernwick-hub | east-1 | Virtual Machine | vm.4x16 | Hours | 0.152 | 16 | always | fee | tracking |
compute/vm-portal-1 | Compute | fernwick-hub | east-1 | Virtual Machine | vm.2x8 | Hours | 0.076 | 24 | always | list | platform |
compute/gpu-forecast | Compute | fernwick-labs | west-1 | GPU Machine | gpu.1 | Hours | 1.86 | 24 | always | prepaid | data |
compute/vm-forgotten | Compute | fernwick-labs | west-1 | Virtual Machine | vm.2x8 | Hours | 0.076 | 24 | always | list | |
disk/label-data | Block Storage | fernwick-hub | east-1 | Disk | ssd | GB-Months | 0.09 | 44 | steady | list | tracking |
disk/forecast-data | Block Storage | fernwick-labs | west-1 | Disk | ssd | GB-Months | 0.09 | 37 | steady | list | data |
bucket/labels | Object Storage | fernwick-hub | east-1 | Bucket | standard | GB-Months | 0.021 | 630 | steady | list | tracking |
bucket/training-sets | Object Storage | fernwick-labs | west-1 | Bucket | standard | GB-Months | 0.021 | 1240 | steady | list | data |
db/portal | Database | fernwick-hub | east-1 | PostgreSQL | pg.ha.4 | Hours | 0.284 | 24 | always | list | platform |
cache/portal | Cache | fernwick-hub | east-1 | Key-Value | cache.2 | Hours | 0.058 | 24 | always | list | platform |
net/egress-hub | Network | fernwick-hub | east-1 | Egress | egress | GB | 0.055 | 190 | busy | list | platform |
net/egress-labs | Network | fernwick-labs | west-1 | Egress | egress | GB | 0.055 | 48 | busy | list | data |
queue/label-jobs | Queue | fernwick-hub | east-1 | Messages | messages | Requests | 0.0000005 | 6100000 | busy | list | tracking |
k8s/parcels:label-api | Kubernetes | fernwick-hub | east-1 | Pod | vcpu-hours | vCPU-Hours | 0.031 | 88 | busy | list | tracking | parcels/web/label-api
k8s/parcels:label-worker | Kubernetes | fernwick-hub | east-1 | Pod | vcpu-hours | vCPU-Hours | 0.031 | 140 | busy | list | tracking | parcels/jobs/label-worker
k8s/parcels:pricing | Kubernetes | fernwick-hub | east-1 | Pod | vcpu-hours | vCPU-Hours | 0.031 | 52 | busy | list | routing | parcels/web/pricing
k8s/parcels:idle | Kubernetes | fernwick-hub | east-1 | Pod | vcpu-hours | vCPU-Hours | 0.031 | 30 | steady | list | | parcels/idle/idle
"""  # noqa: E501

# What an hour costs under the commitment that is paid by the month, and under the one paid ahead.
RATES = {"fee": Decimal("0.0988"), "prepaid": Decimal("1.209")}
FEE_HOURS_PER_DAY = 72
COST_CENTERS = {"tracking": "4100", "routing": "4200", "data": "5100", "platform": "9000"}


def _resource(line: str) -> _Resource:
    cells = [cell.strip() for cell in line.split("|")]
    return _Resource._make([*cells[:7], Decimal(cells[7]), Decimal(cells[8]), *cells[9:]])


RESOURCES = tuple(_resource(line) for line in _TABLE.strip().splitlines())


def anycost_month(period: BillingPeriod, story: Story | None = None) -> list[Row]:
    """A month of Simple Cloud, rows with CBF's column names; every line item type that CBF has occurs over a year."""
    story = story or Story(last=period.end.date())
    month = _Month(period, story, story.days(period))
    if month.days:
        month.add_usage()
        month.add_commitments()
        month.add_rest()
    return month.rows


def anycost_total(rows: Iterable[Row]) -> Decimal:
    return sum((cost for row in rows if isinstance(cost := row["cost/cost"], Decimal)), Decimal(0))


def write_drop(
    directory: Path,
    rows: Sequence[Row],
    *,
    period: BillingPeriod,
    drop_id: str,
    parts: int = 1,
    version: str = "1.3.0",
) -> Path:
    """Write `<directory>/<period>/<drop id>/data_export-0001.csv.gz` and so on, then the manifest naming the drop."""
    for number, chunk in enumerate(split(rows, parts), 1):
        content = csv_bytes(COLUMNS, ([text(row.get(column)) for column in COLUMNS] for row in chunk))
        put(directory / period.id / drop_id / f"data_export-{number:04}.csv.gz", gzipped(content))
    return put_json(directory / period.id / "manifest.json", {"version": version, "current_drop_id": drop_id})


def drop_id(period: BillingPeriod, story: Story) -> str:
    """The time of delivery: two days after a closed month, the morning after the last day of the open one."""
    day = period.end.date() + timedelta(days=2) if story.closed(period) else story.last + timedelta(days=1)
    return f"{day:%Y%m%d}T041209Z"


class _Month:
    def __init__(self, period: BillingPeriod, story: Story, days: list[date]) -> None:
        self.period, self.story, self.days = period, story, days
        self.rows: list[Row] = []
        self.covered: dict[str, Decimal] = dict.fromkeys(RATES, Decimal(0))
        self.discounts: dict[tuple[str, str], Decimal] = {}

    def add(self, kind: str, day: date, words: str, cost: Decimal, **costs: Decimal) -> Row:
        """`costs` may say what the discounted, amortized and discounted_amortized costs are; else they are `cost`."""
        row: Row = {
            "lineitem/id": f"sc-{self.period.month}-{len(self.rows) + 1:06}",
            "lineitem/type": kind,
            "lineitem/description": words,
            "lineitem/cloud_provider": PROVIDER,
            "time/usage_start": instant(datetime.combine(day, time(), UTC)),
            "time/usage_end": instant(datetime.combine(day + timedelta(days=1), time(), UTC)),
            "cost/cost": cost,
            "bill/invoice_id": self._invoice(),
        }
        row |= {f"cost/{name}_cost": amount for name, amount in costs.items()}
        self.rows.append(row)
        return row

    def _invoice(self) -> str | None:
        if not self.story.closed(self.period):
            return None
        return f"SC-{self.period.month}-{self.story.code(self.period, 'anycost', length=5).upper()}"

    def add_usage(self) -> None:
        for day in self.days:
            for resource in RESOURCES:
                self._add_day(resource, day)

    def _add_day(self, resource: _Resource, day: date) -> None:
        amount = _amount(resource, self.story, day)
        listed = amount * resource.price
        words = f"{resource.usage_type} in {resource.region}, {resource.price} USD"
        if resource.pays in RATES:
            share = amount * RATES[resource.pays]
            self.covered[resource.pays] += share
            row = self.add("Usage", day, words, Decimal(0), **_costs(Decimal(0), share, share, listed))
        else:
            less = listed * DISCOUNT
            key = resource.service, resource.account
            self.discounts[key] = self.discounts.get(key, Decimal(0)) + less
            row = self.add("Usage", day, words, listed, **_costs(listed - less, listed, listed - less, listed))
        row |= _facts(resource, amount)

    def add_commitments(self) -> None:
        fee = FEE_HOURS_PER_DAY * len(self.days) * RATES["fee"]
        first, nothing = self.days[0], Decimal(0)
        commitment = {"resource/id": "commitment/vm-4x16-yearly", "resource/service": "Compute"}
        commitment |= {"resource/account": "fernwick-hub", "resource/region": "east-1"}
        paid = _costs(fee, nothing, nothing, nothing)
        row = self.add("CommittedUseRecurringFee", first, "vm.4x16 commitment, month", fee, **paid)
        row |= commitment
        idle = fee - self.covered["fee"]
        row = self.add(
            "CommittedUseVacancy", first, "vm.4x16 commitment, idle", nothing, **_costs(nothing, idle, idle, nothing)
        )
        row |= commitment
        ahead = self.covered["prepaid"]
        row = self.add(
            "CommittedUsePurchase", first, "gpu.1 prepaid", ahead, **_costs(ahead, nothing, nothing, nothing)
        )
        row |= commitment | {"resource/id": "commitment/gpu-1-month", "resource/account": "fernwick-labs"}
        row["resource/region"] = "west-1"
        for (service, account), less in self.discounts.items():
            row = self.add(
                "Discount", first, f"Volume discount on {service}", -less, **_costs(nothing, -less, nothing, nothing)
            )
            row |= {"resource/service": service, "resource/account": account}

    def add_rest(self) -> None:
        """Support, a fee, and each of the rare types in a month of its own; tax on all of them."""
        first, ago = self.days[0], self.story.months_ago(self.period)
        rare = {
            9: ("Purchase", "Migration workshop, two days", Decimal("640.00")),
            5: ("Credit", "Loyalty credit", Decimal("-75.00")),
            3: ("Adjustment", "Correction of the price of egress", Decimal("-12.68")),
        }
        support = (anycost_total(self.rows) * Decimal("0.04")).quantize(CENT)
        flat = [("Support", "Standard support", support), ("Fee", "Static addresses", Decimal("9.90"))]
        flat += [rare[ago]] if ago in rare else []
        for kind, words, cost in flat:
            self.add(kind, first, words, cost)["resource/account"] = "fernwick-hub"
        tax = (anycost_total(self.rows) * Decimal("0.075")).quantize(CENT)
        self.add("Tax", first, "Sales tax", tax)["resource/account"] = "fernwick-hub"


def _costs(discounted: Decimal, amortized: Decimal, both: Decimal, listed: Decimal) -> dict[str, Decimal]:
    return {"discounted": discounted, "amortized": amortized, "discounted_amortized": both, "on_demand": listed}


def _amount(resource: _Resource, story: Story, day: date) -> Decimal:
    if resource.shape == "always":
        return resource.per_day
    amount = six_digits(resource.per_day * story.level(day, resource.id, resource.shape))
    return amount.to_integral_value() if resource.units == "Requests" else amount


def _facts(resource: _Resource, amount: Decimal) -> Row:
    row: Row = {
        "resource/id": resource.id,
        "resource/service": resource.service,
        "resource/account": resource.account,
        "resource/region": resource.region,
        "resource/usage_family": resource.family,
        "action/operation": "Run",
        "action/usage_type": resource.usage_type,
        "usage/amount": amount,
        "usage/units": resource.units,
    }
    if resource.team:
        tags = {"team": resource.team, "env": "prod", "cost-center": COST_CENTERS[resource.team]}
        row |= {f"resource/tag:{key}": value for key, value in tags.items()}
    if resource.k8s:
        cluster, namespace, deployment = resource.k8s.split("/")
        row |= {"k8s/cluster": cluster, "k8s/namespace": namespace, "k8s/deployment": deployment}
        row["k8s/labels"] = json_text({"app": deployment, "tier": namespace})
    return row
