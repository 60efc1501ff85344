"""Small bills of the other formats, laid down as their sources do."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence

from outlay.period import BillingPeriod
from outlay.storage import Place
from tests.ingest.world import MAY, as_csv

Row = Mapping[str, str]

FOCUS_ROW = {
    "BilledCost": "10.00",
    "EffectiveCost": "8.00",
    "ListCost": "12.00",
    "ContractedCost": "9.00",
    "BillingCurrency": "EUR",
    "BillingPeriodStart": "2026-05-01T00:00:00Z",
    "ChargePeriodStart": "2026-05-03T10:00:00Z",
    "ChargePeriodEnd": "2026-05-03T11:00:00Z",
    "ChargeCategory": "Usage",
    "SubAccountId": "project-1",
}
CUR_ROW = {
    "identity/LineItemId": "l-1",
    "bill/PayerAccountId": "011254002932",
    "lineItem/UsageAccountId": "098765432109",
    "lineItem/LineItemType": "Usage",
    "lineItem/UsageStartDate": "2026-05-17T15:00:00Z",
    "lineItem/UsageEndDate": "2026-05-17T16:00:00Z",
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/CurrencyCode": "USD",
    "lineItem/UnblendedCost": "1.25",
    "lineItem/ResourceId": "i-1",
}


def put_focus(place: Place, rows: Sequence[Row], period: BillingPeriod = MAY) -> None:
    """A folder of a month with one file."""
    place.write(f"{period.month}/bill.csv", as_csv(rows))


def put_cur(place: Place, rows: Sequence[Row], assembly: str = "a1", period: BillingPeriod = MAY) -> None:
    """A legacy report in gzipped CSV, with a folder for each assembly."""
    home = f"reports/acme/{period.id}"
    data = f"{home}/{assembly}/acme-00001.csv.gz"
    place.write(data, gzip.compress(as_csv(rows)))
    manifest = {"assemblyId": assembly, "reportKeys": [data]}
    place.write(f"{home}/acme-Manifest.json", json.dumps(manifest).encode())
