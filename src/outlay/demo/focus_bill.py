"""Bills that come as FOCUS: Nordlicht Cloud, an invented provider that bills in euros, and AWS's own FOCUS export."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from outlay.demo.files import Row
from outlay.demo.story import Story, six_digits
from outlay.period import BillingPeriod

CENT = Decimal("0.01")

_Costs = dict[str, Decimal]


@dataclass(frozen=True)
class FocusProvider:
    """`resources`: service, category, subcategory, SKU, unit, list price, per day, shape, type, name, team."""

    name: str
    issuer: str
    currency: str
    account: str
    account_name: str
    sub_accounts: dict[str, str]
    region: tuple[str, str]
    discount: Decimal
    tax: Decimal
    commitment_rate: Decimal
    commitment_hours: int
    resources: str
    aws: bool = False


NORDLICHT = FocusProvider(
    name="Nordlicht Cloud",
    issuer="Nordlicht Rechenzentren AG",
    currency="EUR",
    account="NL-0008812",
    account_name="Fernwick Parcel Europe",
    sub_accounts={"nl-prj-0117": "sorting-hub", "nl-prj-0233": "customs"},
    region=("eu-lubeck-1", "Lübeck"),
    discount=Decimal("0.07"),
    tax=Decimal("0.19"),
    commitment_rate=Decimal("0.0791"),
    commitment_hours=96,
    resources="""
Nordlicht Compute | Compute | Virtual Machines | n2.medium | Hours | 0.0684 | 24 | always | instance | sorter-1 | tracking
Nordlicht Compute | Compute | Virtual Machines | n2.medium | Hours | 0.0684 | 24 | always | instance | sorter-2 | tracking
Nordlicht Compute | Compute | Virtual Machines | n2.large | Hours | 0.1368 | 24 | committed | instance | customs-1 | routing
Nordlicht Compute | Compute | Virtual Machines | n2.large | Hours | 0.1368 | 24 | committed | instance | customs-2 | routing
Nordlicht Compute | Compute | Virtual Machines | n2.large | Hours | 0.1368 | 24 | committed | instance | customs-3 | routing
Nordlicht Compute | Compute | Virtual Machines | n2.large | Hours | 0.1368 | 12 | committed | instance | customs-4 | routing
Nordlicht Block | Storage | Block Storage | block-ssd | GB-Months | 0.094 | 33 | steady | volume | sorter-data | tracking
Nordlicht Block | Storage | Block Storage | block-ssd | GB-Months | 0.094 | 21 | steady | volume | customs-data | routing
Nordlicht Objects | Storage | Object Storage | objects-standard | GB-Months | 0.0193 | 720 | steady | bucket | scans-eu | tracking
Nordlicht Objects | Storage | Object Storage | objects-archive | GB-Months | 0.0041 | 1900 | steady | bucket | scans-eu-archive | data
Nordlicht SQL | Databases | Relational Databases | sql-ha-4 | Hours | 0.312 | 24 | always | database | customs-sql | routing
Nordlicht SQL | Databases | Relational Databases | sql-storage | GB-Months | 0.127 | 9.5 | steady | database | customs-sql | routing
Nordlicht Queue | Integration | Messaging | queue-messages | Requests | 0.0000006 | 4100000 | busy | queue | parcel-events | tracking
Nordlicht Net | Networking | Network Connectivity | egress | GB | 0.061 | 118 | busy | network | egress-eu | platform
Nordlicht Net | Networking | Application Networking | lb-hours | Hours | 0.021 | 24 | always | loadbalancer | lb-sorting | platform
Nordlicht Logs | Management and Governance | Observability | logs-ingest | GB | 0.42 | 8.4 | busy | logstream | hub-logs |
Nordlicht AI | AI and Machine Learning | Machine Learning | vision-scan | Requests | 0.00091 | 6200 | busy | model | label-reader | data
""",  # noqa: E501
)

AWS_FOCUS = FocusProvider(
    name="AWS",
    issuer="Amazon Web Services, Inc.",
    currency="USD",
    account="041700259318",
    account_name="Fernwick Parcel",
    sub_accounts={"093316420057": "fernwick-prod", "700415208836": "fernwick-dev"},
    region=("us-east-1", "US East (N. Virginia)"),
    discount=Decimal("0.05"),
    tax=Decimal("0.0825"),
    commitment_rate=Decimal("0.1204"),
    commitment_hours=48,
    aws=True,
    resources="""
Amazon Elastic Compute Cloud | Compute | Virtual Machines | BoxUsage:m6i.xlarge | Hours | 0.192 | 24 | committed | instance | web-1 | tracking
Amazon Elastic Compute Cloud | Compute | Virtual Machines | BoxUsage:m6i.xlarge | Hours | 0.192 | 20 | committed | instance | web-2 | tracking
Amazon Simple Storage Service | Storage | Object Storage | TimedStorage-ByteHrs | GB-Months | 0.023 | 1400 | steady | bucket | photos | tracking
Amazon Relational Database Service | Databases | Relational Databases | InstanceUsage:db.r6g.large | Hours | 0.215 | 24 | always | database | orders | data
AWS Lambda | Compute | Serverless Compute | Lambda-GB-Second | Seconds | 0.0000166667 | 690000 | busy | function | scan | routing
AmazonCloudWatch | Management and Governance | Observability | DataProcessing-Bytes | GB | 0.5 | 38 | busy | log-group | all |
""",  # noqa: E501
)


class _Resource(NamedTuple):
    service: str
    category: str
    subcategory: str
    sku: str
    unit: str
    price: Decimal
    per_day: Decimal
    shape: str
    kind: str
    name: str
    team: str


def _resources(provider: FocusProvider) -> list[_Resource]:
    return [_resource(line) for line in provider.resources.strip().splitlines()]


def _resource(line: str) -> _Resource:
    cells = [cell.strip() for cell in line.split("|")]
    return _Resource._make([*cells[:5], Decimal(cells[5]), Decimal(cells[6]), *cells[7:]])


def focus_month(provider: FocusProvider, period: BillingPeriod, story: Story | None = None) -> list[Row]:
    """The charges of a month in FOCUS 1.2's columns, amounts exact, maps as dictionaries, nulls left out.

    Without a story the month is closed, and the newest of them.
    """
    month = _Month(provider, period, story or Story(last=period.end.date()))
    if month.days:
        month.add_usage()
        month.add_commitment()
        month.add_rest()
    return month.rows


def focus_total(rows: Iterable[Row]) -> dict[str, Decimal]:
    """The invoice by currency."""
    totals: dict[str, Decimal] = {}
    for row in rows:
        if isinstance(cost := row["BilledCost"], Decimal):
            currency = str(row["BillingCurrency"])
            totals[currency] = totals.get(currency, Decimal(0)) + cost
    return totals


class _Month:
    def __init__(self, provider: FocusProvider, period: BillingPeriod, story: Story) -> None:
        self.provider, self.period, self.story = provider, period, story
        self.days = story.days(period)
        self.rows: list[Row] = []
        self.used: dict[date, Decimal] = {}

    @property
    def commitment(self) -> str:
        return f"{self.provider.name.split()[0].lower()}-commit-{self.story.code(self.provider.name, length=8)}"

    def add(self, start: date, end: date, category: str, frequency: str, costs: _Costs, /, **more: Any) -> None:
        own = self.provider
        row: Row = {
            "BillingAccountId": own.account,
            "BillingAccountName": own.account_name,
            "BillingAccountType": "Contract",
            "BillingCurrency": own.currency,
            "BillingPeriodStart": self.period.start,
            "BillingPeriodEnd": self.period.end,
            "ChargePeriodStart": datetime.combine(start, time(), UTC),
            "ChargePeriodEnd": datetime.combine(end, time(), UTC),
            "ChargeCategory": category,
            "ChargeFrequency": frequency,
            "InvoiceId": self._invoice(),
            "InvoiceIssuerName": own.issuer,
            "ProviderName": own.name,
            "PublisherName": own.issuer,
            "PricingCurrency": own.currency,
            "PricingCurrencyEffectiveCost": costs["EffectiveCost"],
            **costs,
            **more,
        }
        self.rows.append(row)

    def _invoice(self) -> str | None:
        if not self.story.closed(self.period):
            return None
        return f"{self.provider.account[:2]}{self.period.start:%Y%m}-{self.story.code(self.period, length=6)}"

    def add_usage(self) -> None:
        for day in self.days:
            for resource in _resources(self.provider):
                self._add_day(resource, day)

    def _add_day(self, resource: _Resource, day: date) -> None:
        amount = _amount(resource, self.story, day)
        listed = amount * resource.price
        price = resource.price * (1 - self.provider.discount)
        costs = {"ListCost": listed, "ContractedCost": amount * price}
        costs["BilledCost"] = costs["EffectiveCost"] = costs["ContractedCost"]
        words: Row = {"PricingCategory": "Standard"}
        if resource.shape == "committed":
            self.used[day] = self.used.get(day, Decimal(0)) + amount
            costs |= {"BilledCost": Decimal(0), "EffectiveCost": amount * self.provider.commitment_rate}
            words = {"PricingCategory": "Committed", **self._commitment("Used", amount)}
        self.add(
            *(day, day + timedelta(days=1), "Usage", "Usage-Based", costs),
            **{**self._described(resource), **self._priced(resource.price, price, amount, resource.unit), **words},
            ConsumedQuantity=amount,
            ConsumedUnit=resource.unit,
        )

    def _described(self, resource: _Resource) -> Row:
        accounts = list(self.provider.sub_accounts)
        account = accounts[int(self.story.code("home", resource.name), 16) % len(accounts)]
        sku = self.story.code("sku", resource.sku, length=12).upper()
        row: Row = {
            "ServiceName": resource.service,
            "ServiceCategory": resource.category,
            "ServiceSubcategory": resource.subcategory,
            "ChargeDescription": f"{resource.sku} at {resource.price} {self.provider.currency}",
            "RegionId": self.provider.region[0],
            "RegionName": self.provider.region[1],
            "ResourceId": f"{resource.kind}/{self.story.code(resource.name, length=10)}",
            "ResourceName": resource.name,
            "ResourceType": resource.kind,
            "SubAccountId": account,
            "SubAccountName": self.provider.sub_accounts[account],
            "SubAccountType": "Project",
            "SkuId": sku,
            "SkuPriceId": f"{sku}.{self.provider.currency}.1",
            "SkuMeter": resource.sku,
            "Tags": {"team": resource.team, "environment": "prod"} if resource.team else None,
        }
        code = resource.service.replace(" ", "")
        extra: Row = {"x_Operation": "Run", "x_ServiceCode": code, "x_UsageType": resource.sku}
        return row | extra if self.provider.aws else row

    @staticmethod
    def _priced(listed: Decimal, contracted: Decimal, amount: Decimal, unit: str) -> Row:
        return {
            "ListUnitPrice": listed,
            "ContractedUnitPrice": contracted,
            "PricingCurrencyListUnitPrice": listed,
            "PricingCurrencyContractedUnitPrice": contracted,
            "PricingQuantity": amount,
            "PricingUnit": unit,
        }

    def _commitment(self, status: str | None, hours: Decimal) -> Row:
        return {
            "CommitmentDiscountCategory": "Usage",
            "CommitmentDiscountId": self.commitment,
            "CommitmentDiscountName": "One year of large instances",
            "CommitmentDiscountType": "Reserved Instance" if self.provider.aws else "Reservation",
            "CommitmentDiscountStatus": status,
            "CommitmentDiscountQuantity": hours,
            "CommitmentDiscountUnit": "Hours",
        }

    def add_commitment(self) -> None:
        """Paid by the month: one Purchase that is billed, and per day what of it lay idle."""
        own, rate = self.provider, self.provider.commitment_rate
        resource = next(found for found in _resources(own) if found.shape == "committed")
        hours = Decimal(own.commitment_hours * len(self.days))
        paid, bought = hours * rate, self._described(resource) | {"ResourceId": self.commitment, "Tags": None}
        bought |= {"ResourceName": None, "ResourceType": "commitment", "ChargeDescription": "Commitment, monthly fee"}
        self.add(
            *(self.days[0], self.days[-1] + timedelta(days=1), "Purchase", "Recurring"),
            {"BilledCost": paid, "EffectiveCost": Decimal(0), "ListCost": paid, "ContractedCost": paid},
            **{**bought, **self._priced(rate, rate, hours, "Hours"), **self._commitment(None, hours)},
            PricingCategory="Standard",
        )
        for day in self.days:
            idle = own.commitment_hours - self.used[day]
            if idle > 0:
                costs = dict.fromkeys(("BilledCost", "ListCost", "ContractedCost"), Decimal(0))
                self.add(
                    *(day, day + timedelta(days=1), "Usage", "Usage-Based", costs | {"EffectiveCost": idle * rate}),
                    **{**bought, **self._priced(rate, rate, idle, "Hours"), **self._commitment("Unused", idle)},
                    PricingCategory="Committed",
                )

    def add_rest(self) -> None:
        """Tax on all before it; a credit and a correction in one month each."""
        ago = self.story.months_ago(self.period)
        tax = (focus_total(self.rows)[self.provider.currency] * self.provider.tax).quantize(CENT)
        self._add_flat("Tax", "Recurring", tax, "Value added tax")
        if ago == 6:
            self._add_flat("Credit", "One-Time", Decimal("-120.00"), "Welcome credit", PricingCategory="Other")
        if ago == 2:
            self._add_flat(
                *("Usage", "Usage-Based", Decimal("-18.32"), f"Correction of egress in {self.period.previous().month}"),
                ChargeClass="Correction",
            )

    def _add_flat(self, category: str, frequency: str, cost: Decimal, words: str, **more: Any) -> None:
        costs = dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), cost)
        service = next(found for found in _resources(self.provider) if found.unit == "GB")
        named: Row = {"ServiceName": service.service, "ServiceCategory": service.category}
        named |= {"ServiceSubcategory": service.subcategory, "ChargeDescription": words}
        self.add(self.days[0], self.days[-1] + timedelta(days=1), category, frequency, costs, **{**named, **more})


def _amount(resource: _Resource, story: Story, day: date) -> Decimal:
    if resource.shape in ("always", "committed"):
        return resource.per_day
    amount = six_digits(resource.per_day * story.level(day, resource.name + resource.sku, resource.shape))
    return amount.to_integral_value() if resource.unit == "Requests" else amount
