"""What two organisations paid AWS in a year, added up from their raw legacy Cost and Usage Reports.

    python work_out.py REPORT.csv.gz ... > totals.csv

One line for each payer, month, account and service, with two sums:

billed     what the invoices say: every line item counts by its net unblended cost, which is after discounts and which
           a report has where there are any, else by its unblended cost
effective  the same money where it was used: fees of reservations and Savings Plans are shared out as AWS's user guide
           says in its pages on reservation line items and on Savings Plans, below function by function

The service is `product/ProductName`, the service's full name, which AWS's FOCUS exports show as ServiceName. Line items
with a `splitLineItem/ParentResourceId` are left out: split cost allocation data tells a second time, by pod or task,
what an instance's own line item has charged.

This needs Python's standard library and nothing else, and knows nothing of the project beside which it lies: it is what
the project is held against. So it is to be read next to AWS's dictionary of columns, and need not be quick.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal, getcontext

getcontext().prec = 60
Row = dict[str, str]


def amount(row: Row, column: str) -> Decimal:
    """The net column where the report has one and the line item a value in it, else the column itself."""
    category, _, name = column.partition("/")
    return Decimal(row.get(f"{category}/Net{name}") or row.get(column) or 0)


def billed(row: Row) -> Decimal:
    return amount(row, "lineItem/UnblendedCost")


def nothing(row: Row) -> Decimal:
    return Decimal(0)


def used_reservation(row: Row) -> Decimal:
    """Its share of the upfront fee, and its hourly rate."""
    return amount(row, "reservation/EffectiveCost")


def unused_reservation(row: Row) -> Decimal:
    """Of the month's fee what no usage took, the upfront part of it and the recurring part; usage has the rest."""
    upfront = amount(row, "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod")
    return upfront + amount(row, "reservation/UnusedRecurringFee")


def used_plan(row: Row) -> Decimal:
    return amount(row, "savingsPlan/SavingsPlanEffectiveCost")


def unused_plan(row: Row) -> Decimal:
    """What was committed less what was used. Both are before discounts: the fee tells how much discounts lower it."""
    left = Decimal(row["savingsPlan/TotalCommitmentToDate"]) - Decimal(row["savingsPlan/UsedCommitment"])
    for paid in ("RecurringCommitmentForBillingPeriod", "AmortizedUpfrontCommitmentForBillingPeriod"):
        before = Decimal(row[f"savingsPlan/{paid}"] or 0)
        if before:
            return left * amount(row, f"savingsPlan/{paid}") / before
    return left


def fee(row: Row) -> Decimal:
    """An upfront fee of a reservation is spread over its term; any other fee is of its month."""
    return Decimal(0) if row["reservation/ReservationARN"] else billed(row)


# lineItem/LineItemType: what of the line item is effective. A type that is not here stops the work.
EFFECTIVE = {
    "Usage": billed,
    "DiscountedUsage": used_reservation,
    "RIFee": unused_reservation,
    "SavingsPlanCoveredUsage": used_plan,
    "SavingsPlanNegation": nothing,
    "SavingsPlanRecurringFee": unused_plan,
    "SavingsPlanUpfrontFee": nothing,
    "Fee": fee,
    "EdpDiscount": billed,
    "PrivateRateDiscount": billed,
    "Credit": billed,
    "Refund": billed,
    "Tax": billed,
}


def key(row: Row) -> tuple[str, ...]:
    return (
        row["bill/PayerAccountId"],
        row["bill/BillingPeriodStartDate"][:7],
        row["lineItem/UsageAccountId"],
        row["product/ProductName"],
        row["lineItem/CurrencyCode"],
    )


def line_items(paths: Iterable[str]) -> Iterator[Row]:
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def main(paths: Iterable[str]) -> None:
    totals: defaultdict[tuple[str, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in line_items(paths):
        if row.get("splitLineItem/ParentResourceId"):
            continue
        sums = totals[key(row)]
        sums[0] += billed(row)
        sums[1] += EFFECTIVE[row["lineItem/LineItemType"]](row)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["payer", "month", "account", "service", "currency", "billed", "effective"])
    for group, sums in sorted(totals.items()):
        out.writerow([*group, *(format(each.normalize() + 0, "f") for each in sums)])


if __name__ == "__main__":
    main(sys.argv[1:])
