"""The same payer's bills as a CUR and as a FOCUS export, in folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from outlay.period import BillingPeriod
from outlay.storage import Place, open_place
from tests.ingest.bills import CUR_ROW, FOCUS_ROW, put_cur, put_focus

PAYER, OTHER, ACCOUNT = CUR_ROW["bill/PayerAccountId"], "999900001111", CUR_ROW["lineItem/UsageAccountId"]


def put(folder: Path, name: str, bills: Mapping[tuple[str, str], str], *, account: str = ACCOUNT) -> None:
    """Its months as they are now. The kind goes by the name."""
    place = open_place(str(folder / name), create=True)
    for month in sorted({month for month, _ in bills}):
        its = {payer: cost for (each, payer), cost in bills.items() if each == month}
        _PUT[name.partition("-")[0]](place, month, its, account)


def _put_cur(place: Place, month: str, costs: Mapping[str, str], account: str) -> None:
    day = {"lineItem/UsageStartDate": f"{month}-03T10:00:00Z", "lineItem/UsageEndDate": f"{month}-03T11:00:00Z"}
    rows = [
        {
            **CUR_ROW,
            **day,
            "bill/PayerAccountId": payer,
            "lineItem/UsageAccountId": account,
            "lineItem/UnblendedCost": cost,
        }
        for payer, cost in costs.items()
    ]
    put_cur(place, rows, f"a{len(costs)}-{'-'.join(costs.values())}", BillingPeriod.parse(month))


def _put_focus(place: Place, month: str, costs: Mapping[str, str], account: str) -> None:
    start = {"BillingPeriodStart": f"{month}-01T00:00:00Z", "ChargePeriodStart": f"{month}-03T10:00:00Z"}
    rows = [
        {
            **FOCUS_ROW,
            **start,
            **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), cost),
            "ChargePeriodEnd": f"{month}-03T11:00:00Z",
            "BillingCurrency": "USD",
            "BillingAccountId": payer,
            "SubAccountId": account,
            "Tags": json.dumps({"of": payer}),
        }
        for payer, cost in costs.items()
    ]
    put_focus(place, rows, BillingPeriod.parse(month))


_PUT: dict[str, Callable[[Place, str, Mapping[str, str], str], None]] = {"cur": _put_cur, "focus": _put_focus}
KINDS = {"cur": "aws", "focus": "focus"}
