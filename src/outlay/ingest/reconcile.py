"""Raw against charges: rows by count, amounts by control totals, both exact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir

from outlay.findings import Finding, finding
from outlay.focus.columns import COSTS
from outlay.formats.base import Audit
from outlay.ingest.result import Reconciliation, amount

# What rounding half to even can make of one value, against rounding half away from zero: one unit of the 18th place.
_UNIT = Decimal("0.000000000000000001")
_ZERO = Decimal(0)

Key = tuple[str | None, str | None]


def staged_totals(charges: ir.Table) -> ir.Table:
    """Sums of the staged charges per currency and account, and how many rows they are."""
    return charges.group_by(currency=charges.BillingCurrency, account=charges.SubAccountId).aggregate(
        rows=charges.count(), **{column: charges[column].sum() for column in COSTS}
    )


def reconcile(audit: Audit, staged: Iterable[Mapping[str, Any]], rounded: int) -> Reconciliation:
    """Compare the audit of the raw rows with the staged charges. `rounded` is how many raw amounts were rounded."""
    told = audit.sums
    rows_out = 0
    found: dict[Key, dict[str, Decimal]] = {}
    for row in staged:
        rows_out += row["rows"]
        found[(row["currency"], row["account"])] = {column: row[column] or _ZERO for column in COSTS}
    pairs = {
        key: {column: (told.get(key, {}).get(column, _ZERO), found.get(key, {}).get(column, _ZERO)) for column in COSTS}
        for key in sorted(told.keys() | found.keys(), key=str)
    }
    return Reconciliation(
        audit.rows,
        rows_out,
        audit.dropped,
        audit.split,
        _per_currency(pairs),
        [(currency, account, sums) for (currency, account), sums in pairs.items()],
        rounded * _UNIT,
    )


def _per_currency(
    pairs: Mapping[Key, Mapping[str, tuple[Decimal, Decimal]]],
) -> dict[str, dict[str, tuple[Decimal, Decimal]]]:
    sums: dict[str, dict[str, tuple[Decimal, Decimal]]] = {}
    for (currency, _), columns in pairs.items():
        total = sums.setdefault(str(currency), dict.fromkeys(COSTS, (_ZERO, _ZERO)))
        for column, (told, found) in columns.items():
            total[column] = (total[column][0] + told, total[column][1] + found)
    return sums


def not_reconciled(result: Reconciliation) -> list[Finding]:
    """What to tell when it does not hold; nothing when it does."""
    findings = [
        finding(
            "not-reconciled",
            column=column,
            value=amount(found),
            expected=amount(told),
            account=account or "(none)",
            currency=currency,
        )
        for currency, account, column, told, found in result.differences()
    ]
    if not result.rows_agree:
        findings.append(
            finding(
                "rows-not-reconciled",
                rows_in=result.rows_in,
                dropped=sum(result.dropped.values()),
                added=sum(result.split.values()),
                rows_out=result.rows_out,
            )
        )
    return findings
