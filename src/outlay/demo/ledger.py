"""One month of an AWS bill as line items, the same for every report that is written of it.

A row has the column names of CUR 2.0. Its maps (`product`, `resource_tags`, `cost_category`, `discount`) have AWS's
own keys (`instanceType`, `user:Team`); a writer turns them into what its report calls them. A column that says
nothing is not there. Amounts are exact decimals of at most 15 digits, so that a double carries them whole.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from outlay.demo.company import COST_CENTERS, PRODUCTS, Line, Payer
from outlay.demo.files import Row, Value, instant
from outlay.demo.prices import REGIONS, SERVICES, Meter
from outlay.demo.story import Story
from outlay.period import BillingPeriod

SPLIT_COST_OPERATIONS = ("EKSPod-EC2", "ECSTask-EC2")
MARKETPLACE_SELLER = "Sandpiper Software GmbH"


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def rate_text(rate: Decimal) -> str:
    return f"{rate:.10f}"


def number(row: Row, column: str) -> Decimal:
    """The row's amount; nothing counts as 0."""
    value = row.get(column)
    return value if isinstance(value, Decimal) else Decimal(0)


def kind_of(row: Row) -> Value:
    return row["line_item_line_item_type"]


def billed(row: Row) -> Decimal:
    """What the row adds to the invoice: net of discounts where the bill has net columns."""
    if row.get("line_item_operation") in SPLIT_COST_OPERATIONS:
        return Decimal(0)
    return number(row, "line_item_net_unblended_cost" if _has_net(row) else "line_item_unblended_cost")


def _has_net(row: Row) -> bool:
    return "line_item_net_unblended_cost" in row


def invoice_total(rows: Iterable[Row]) -> dict[str, Decimal]:
    """The sum of an AWS month by currency. Split cost rows repeat others and do not count."""
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        totals[str(row["line_item_currency_code"])] += billed(row)
    return dict(totals)


class Book:
    """Writes the rows of one month of one payer."""

    def __init__(self, payer: Payer, period: BillingPeriod, story: Story) -> None:
        self.payer, self.period, self.story = payer, period, story
        self.days = story.days(period)
        self.months_ago = story.months_ago(period)
        self.rows: list[Row] = []

    @property
    def hours(self) -> int:
        """Hours of the month that have passed."""
        return 24 * len(self.days)

    def add(
        self,
        kind: str,
        account: str,
        start: datetime,
        end: datetime,
        /,
        *,
        product_code: str,
        description: str,
        cost: Decimal,
        **columns: Any,
    ) -> Row:
        market = product_code not in SERVICES or SERVICES[product_code].startswith("Sandpiper")
        row: Row = {
            **self._bill(str(columns.get("bill_bill_type", "Anniversary")), market=market),
            "line_item_usage_account_id": account,
            "line_item_usage_account_name": self.payer.accounts[account],
            "line_item_line_item_type": kind,
            "line_item_usage_start_date": start,
            "line_item_usage_end_date": end,
            "line_item_product_code": product_code,
            "line_item_usage_amount": Decimal(1),
            "line_item_currency_code": self.payer.currency,
            "line_item_unblended_cost": cost,
            "line_item_blended_cost": cost,
            "line_item_line_item_description": description,
            "line_item_legal_entity": MARKETPLACE_SELLER if market else self.payer.invoicing_entity,
            "product": {"ProductName": SERVICES[product_code]},
            "cost_category": {"Product": "Shared"},
            **columns,
        }
        row["identity_line_item_id"] = self._line_id(row)
        row["identity_time_interval"] = f"{instant(start)}/{instant(end)}"
        self.rows.append(row)
        return row

    def add_month(self, kind: str, account: str, **columns: Any) -> Row:
        """A row of the whole month, or of as much of it as has passed."""
        return self.add(kind, account, self.period.start, midnight(self.days[-1]) + timedelta(days=1), **columns)

    def add_usage(self, kind: str, line: Line, meter: Meter, day: date, amount: Decimal, **columns: Any) -> Row:
        """A day of a resource, at the on-demand price unless `columns` say otherwise."""
        cost = amount * meter.rate
        given: dict[str, Value] = {
            **self._priced(line, meter, amount),
            "line_item_unblended_rate": rate_text(meter.rate),
            "line_item_blended_rate": rate_text(meter.rate),
            **columns,
        }
        words: dict[str, Any] = {"description": meter.description, "cost": cost} | given
        start = midnight(day)
        return self.add(kind, line.account, start, start + timedelta(days=1), product_code=meter.product_code, **words)

    def _bill(self, bill_type: str, *, market: bool) -> Row:
        entity = "AWS Marketplace" if market else "AWS"
        return {
            "bill_invoice_id": self.invoice_id(entity, bill_type),
            "bill_invoicing_entity": self.payer.invoicing_entity,
            "bill_billing_entity": entity,
            "bill_bill_type": bill_type,
            "bill_payer_account_id": self.payer.account,
            "bill_payer_account_name": self.payer.name,
            "bill_billing_period_start_date": self.period.start,
            "bill_billing_period_end_date": self.period.end,
        }

    def invoice_id(self, entity: str, bill_type: str) -> str | None:
        """AWS gives an invoice id to every row once the month is closed, and to none before."""
        if not self.story.closed(self.period):
            return None
        return str(int(self.story.code(self.payer.account, self.period, entity, bill_type), 16) % 900_000_000 + 10**9)

    def _priced(self, line: Line, meter: Meter, amount: Decimal) -> Row:
        region, prefix = REGIONS[line.region]
        sku = self.story.code("sku", meter.usage_type, line.region, length=16).upper()
        zone = meter.family in ("Compute Instance", "Database Instance")
        return {
            "line_item_usage_type": prefix + meter.usage_type,
            "line_item_operation": meter.operation,
            "line_item_availability_zone": f"{line.region}{'abc'[len(line.resource) % 3]}" if zone else None,
            "line_item_resource_id": resource_id(self.story, line),
            "line_item_usage_amount": amount,
            "pricing_public_on_demand_rate": rate_text(meter.rate),
            "pricing_public_on_demand_cost": amount * meter.rate,
            "pricing_term": "OnDemand",
            "pricing_unit": meter.unit,
            "pricing_currency": self.payer.currency,
            "pricing_rate_code": f"{sku}.JRTCKXETXF.6YS6EN2CT7",
            "pricing_rate_id": str(int(sku, 16) % 10**9),
            "product": _product(meter, line.region, region, prefix, sku),
            "resource_tags": _tags(line),
            "cost_category": {"Product": PRODUCTS.get(line.team, "Shared")},
        }

    def _line_id(self, row: Row) -> str:
        own = ("line_item_usage_account_id", "line_item_line_item_type", "line_item_product_code")
        thing = ("line_item_usage_type", "line_item_operation", "line_item_resource_id", "line_item_tax_type")
        deal = ("savings_plan_savings_plan_a_r_n", "reservation_reservation_a_r_n", "line_item_line_item_description")
        text = "|".join(str(row.get(column)) for column in own + thing + deal)
        return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=").lower()


def resource_id(story: Story, line: Line) -> str | None:
    """Instances and volumes have ids of AWS's making, the others ARNs or, as buckets do, their names."""
    kind, _, name = line.resource.partition("-")
    if not name:
        return None
    if kind in ("i", "vol"):
        return f"{kind}-0{story.code(line.resource, length=16)}"
    if ":" not in line.resource and "/" not in line.resource:
        return line.resource
    services = {"db": "rds", "cluster": "rds", "function": "lambda", "log": "logs"}
    service = services.get(kind.partition(":")[0], "ec2") if ":" in line.resource else "ec2"
    service = "eks" if line.resource.startswith("cluster/") else service
    return f"arn:aws:{service}:{line.region}:{line.account}:{line.resource}"


def _product(meter: Meter, region: str, location: str, prefix: str, sku: str) -> dict[str, str]:
    if not meter.family:
        return {"ProductName": SERVICES[meter.product_code]}
    return {
        "ProductName": SERVICES[meter.product_code],
        "servicecode": meter.servicecode,
        "servicename": SERVICES[meter.servicecode],
        "sku": sku,
        "productFamily": meter.family,
        "region": region,
        "regionCode": region,
        "location": location,
        "locationType": "AWS Region",
        "operation": meter.operation,
        "usagetype": prefix + meter.usage_type,
        **dict(meter.extras),
    }


def _tags(line: Line) -> dict[str, str]:
    if not line.team:
        return {}
    return {
        "user:Team": line.team,
        "user:Environment": line.environment,
        "user:CostCenter": COST_CENTERS[line.team],
        "aws:createdBy": f"IAMUser:{line.account}:deployer",
    }
