"""`aws_month`: the bill of a payer for a month. Usage and commitments first, then what follows from their sums."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from outlay.demo.commitments import Coverage
from outlay.demo.company import Line, Payer
from outlay.demo.files import Row
from outlay.demo.ledger import Book, billed, kind_of, number, rate_text, resource_id
from outlay.demo.prices import METERS, Meter
from outlay.demo.story import Story, six_digits
from outlay.period import BillingPeriod

CENT = Decimal("0.01")
TEN_PLACES = Decimal("1e-10")
SUPPORT_SHARE = Decimal("0.03")
PRIVATE_RATE = Decimal("0.004")

# Line item types on which the negotiated discount is given.
DISCOUNTED_TYPES = frozenset(
    (
        *("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanNegation"),
        *("RIFee", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee"),
    )
)

BLANK_FOR_SPOT = tuple(
    f"pricing_{name}" for name in ("public_on_demand_rate", "rate_code", "rate_id", "term", "unit", "currency")
)

# net column: what it is the net of
NET_COLUMNS = {
    "line_item_net_unblended_cost": "line_item_unblended_cost",
    "reservation_net_effective_cost": "reservation_effective_cost",
    "reservation_net_recurring_fee_for_usage": "reservation_recurring_fee_for_usage",
    "reservation_net_amortized_upfront_cost_for_usage": "reservation_amortized_upfront_cost_for_usage",
    "reservation_net_amortized_upfront_fee_for_billing_period": "reservation_amortized_upfront_fee_for_billing_period",
    "reservation_net_unused_recurring_fee": "reservation_unused_recurring_fee",
    "reservation_net_unused_amortized_upfront_fee_for_billing_period": (
        "reservation_unused_amortized_upfront_fee_for_billing_period"
    ),
    "reservation_net_upfront_value": "reservation_upfront_value",
    "savings_plan_net_savings_plan_effective_cost": "savings_plan_savings_plan_effective_cost",
    "savings_plan_net_recurring_commitment_for_billing_period": (
        "savings_plan_recurring_commitment_for_billing_period"
    ),
    "savings_plan_net_amortized_upfront_commitment_for_billing_period": (
        "savings_plan_amortized_upfront_commitment_for_billing_period"
    ),
    "split_line_item_net_split_cost": "split_line_item_split_cost",
    "split_line_item_net_unused_cost": "split_line_item_unused_cost",
}


def aws_month(payer: Payer, period: BillingPeriod, story: Story | None = None) -> list[Row]:
    """The line items of a month, in CUR 2.0's names; see `ledger` for what a row is.

    Without a story the month is closed, and the newest of them. A month after the story's last day has no rows.
    """
    book = Book(payer, period, story or Story(last=period.end.date()))
    if not book.days:
        return []
    _add_usage(book)
    _add_pods(book)
    _add_fees(book)
    if payer.discounts == "rows":
        _add_discounts(book)
    _add_credits_and_refunds(book)
    if payer.discounts == "net":
        for row in book.rows:
            _add_net(row, payer.edp)
    _add_taxes(book)
    return book.rows


def _add_usage(book: Book) -> None:
    coverage = Coverage(book)
    for day in book.days:
        for line in book.payer.lines_of(book.story, book.period):
            amount = line.amount(book.story, day)
            if amount > 0:
                _add_day(book, coverage, line, day, amount)
    coverage.add_fees()


def _add_day(book: Book, coverage: Coverage, line: Line, day: date, amount: Decimal) -> None:
    meter = METERS[line.meter]
    match line.pays:
        case "spot":
            _add_spot(book, line, meter, day, amount)
        case "free":
            free = {"cost": Decimal(0), "line_item_unblended_rate": rate_text(Decimal(0))}
            text = f"$0.00 per {meter.unit} under the monthly global free tier"
            book.add_usage("Usage", line, meter, day, amount, **free, description=text)
        case _:
            coverage.add_usage(line, meter, day, amount)


def _add_spot(book: Book, line: Line, meter: Meter, day: date, amount: Decimal) -> None:
    """A price that moves, and no public price beside it: term, rate and unit are blank in real bills."""
    price = (meter.rate * (1 + book.story.jitter(day, "spot", line.region) / 8)).quantize(Decimal("0.0001"))
    blank: dict[str, Any] = dict.fromkeys(BLANK_FOR_SPOT)
    book.add_usage(
        *("Usage", line, meter, day, amount),
        **blank,
        cost=amount * price,
        line_item_unblended_rate=rate_text(price),
        line_item_blended_rate=rate_text(price),
        pricing_public_on_demand_cost=Decimal(0),
    )


def _add_pods(book: Book) -> None:
    """Split cost rows: they share out the cost of instances among pods, and so repeat what other rows have billed."""
    nodes = [line for line in book.payer.lines_of(book.story, book.period) if line.meter == "m6i.large"]
    if not book.payer.cluster:
        return
    for day in book.days:
        for line in nodes[:1]:
            for pod in ("tile-server", "kube-system"):
                _add_pod(book, line, pod, day)


def _add_pod(book: Book, node: Line, pod: str, day: date) -> None:
    cpu = six_digits(Decimal(16) * book.story.level(day, pod, "steady"))
    meter = METERS["pod-cpu"]
    name = f"{book.payer.cluster}/{pod}/{book.story.uuid(pod, node.resource)}"
    split, unused = cpu * meter.rate, (cpu / 8).quantize(Decimal("0.001")) * meter.rate
    book.add_usage(
        *("Usage", node, meter, day, cpu),
        description=meter.description,
        cost=split + unused,
        line_item_resource_id=f"arn:aws:eks:{node.region}:{node.account}:pod/{name}",
        line_item_availability_zone=None,
        pricing_public_on_demand_cost=Decimal(0),
        split_line_item_parent_resource_id=resource_id(book.story, node),
        split_line_item_split_usage=cpu,
        split_line_item_actual_usage=cpu,
        split_line_item_reserved_usage=cpu,
        split_line_item_split_cost=split,
        split_line_item_unused_cost=unused,
        split_line_item_public_on_demand_split_cost=split,
        split_line_item_public_on_demand_unused_cost=unused,
        resource_tags={"aws:eks:cluster-name": book.payer.cluster, "aws:eks:namespace": pod},
    )


def _add_fees(book: Book) -> None:
    spent = sum((billed(row) for row in book.rows), Decimal(0))
    support = max(Decimal(100), spent * SUPPORT_SHARE).quantize(CENT)
    book.add_month(
        *("Fee", book.payer.account),
        product_code="AWSSupportBusiness",
        description="AWS Support (Business): 3% of monthly AWS usage, 100 USD at least",
        cost=support,
        line_item_usage_type="Dollar",
    )
    if book.payer.marketplace_fee:
        book.add_month(
            *("Fee", book.payer.lines[0].account),
            product_code="6k2xq9w4b1sandpiper",
            description="Sandpiper Route Optimizer, monthly subscription",
            cost=book.payer.marketplace_fee,
            line_item_usage_type="SoftwareSubscription",
        )


def _sums(book: Book, kinds: frozenset[str]) -> dict[tuple[str, str], Decimal]:
    """What is billed by (account, product) over the given line item types; the Marketplace is another seller's."""
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in book.rows:
        if kind_of(row) in kinds and row["bill_billing_entity"] == "AWS":
            sums[str(row["line_item_usage_account_id"]), str(row["line_item_product_code"])] += billed(row)
    return dict(sums)


def _add_discounts(book: Book) -> None:
    for (account, product), amount in _sums(book, DISCOUNTED_TYPES).items():
        _add_discount(book, "EdpDiscount", account, product, amount * book.payer.edp, "Enterprise Program Discount")
        if product == "AmazonS3":
            words = "PRC for product AmazonS3 - TimedStorage"
            _add_discount(book, "PrivateRateDiscount", account, product, amount * PRIVATE_RATE, words)


def _add_discount(book: Book, kind: str, account: str, product: str, amount: Decimal, words: str) -> None:
    cost = -amount.quantize(TEN_PLACES)
    if cost:
        book.add_month(kind, account, product_code=product, description=words, cost=cost)


def _add_credits_and_refunds(book: Book) -> None:
    payer = book.payer
    if given := payer.credits.get(book.months_ago):
        promotion = f"Promotion {book.story.code(payer.account, 'credit', length=8).upper()}"
        book.add_month("Credit", payer.account, product_code="AmazonEC2", description=promotion, cost=given)
    if book.months_ago == payer.refund_months_ago:
        line = next(line for line in payer.lines if line.meter == "nat")
        book.add_month(
            *("Refund", line.account),
            product_code="AmazonEC2",
            description=f"Refund of NAT Gateway charges billed in {book.period.previous().month}",
            cost=Decimal("-37.41"),
            bill_bill_type="Refund",
            line_item_usage_type="NatGateway-Bytes",
        )


def _add_taxes(book: Book) -> None:
    types = frozenset(str(kind_of(row)) for row in book.rows) - {"Credit", "Refund"}
    for (account, product), amount in _sums(book, types).items():
        tax = (amount * book.payer.tax).quantize(CENT)
        if tax:
            row = book.add_month(
                *("Tax", account),
                product_code=product,
                description=f"Tax for product code {product} usage type Tax",
                cost=tax,
                line_item_tax_type=book.payer.tax_type,
            )
            if book.payer.discounts == "net":
                row["line_item_net_unblended_cost"] = tax


def _add_net(row: Row, discount: Decimal) -> None:
    """What is left after the discount, for each amount of the row; and the discount itself, as CUR 2.0's map has it."""
    eligible = kind_of(row) in DISCOUNTED_TYPES and row["bill_billing_entity"] == "AWS"
    factor = 1 - discount if eligible else Decimal(1)
    for net, gross in NET_COLUMNS.items():
        if gross in row:
            row[net] = number(row, gross) * factor
    if eligible and (cost := number(row, "line_item_unblended_cost")):
        row["discount"] = {"EdpDiscount": -cost * discount, "TotalDiscount": -cost * discount}
