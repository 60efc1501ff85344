"""AWS data exports, CUR 2.0 and FOCUS: `<export>/metadata/BILLING_PERIOD=2026-05/<export>-Manifest.json` and
`<export>/data/BILLING_PERIOD=2026-05/…`, the data overwritten or with a folder for each delivery.

Source: AWS, "Understanding export delivery". The manifest's shape is not documented; it was taken from manifests that
users have published: `dataFiles` are `s3://` addresses, `columns` have names, FOCUS exports write `billing_period=`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from outlay.errors import DeliveryError
from outlay.findings import Finding, finding
from outlay.layouts.aws_months import MANIFEST_LIMIT, Month, exports, named_files, sightings
from outlay.layouts.base import Bucket, Delivery, Export, FormatName, delivery_id, rejected
from outlay.layouts.manifest import bad, read_manifest
from outlay.storage import StoredFile

_MONTH = r"/(?i:billing_period)=(?P<month>[^/]+)/(?:(?P<version>[^/]+)/)?"
_MANIFEST = re.compile(r"(?:(?P<home>.+)/)?metadata" + _MONTH + r"(?:(?P<named>[^/]+)-)?[Mm]anifest\.json")
_DATA = re.compile(r"(?:(?P<home>.+)/)?data" + _MONTH + r"[^/]+")
_LISTS = ("dataFiles", "reportKeys")

# Lower-case columns that tell a format, whichever others an export's query selects.
_FOCUS_COLUMNS = frozenset({"billedcost", "chargeperiodstart"})
_CUR_PREFIX = "line_item_"
# Tables by the names that a query or a table setting in the manifest has.
_TABLES: tuple[tuple[str, FormatName], ...] = (("FOCUS_", "focus"), ("COST_AND_USAGE_REPORT", "cur"))
_QUERY_KEY = re.compile(r"query|table", re.IGNORECASE)


class DataExport:
    """`only` limits the layout to exports of one format."""

    name = "data export"

    def __init__(self, only: FormatName | None = None) -> None:
        self.only = only

    def exports(self, bucket: Bucket) -> tuple[Export, ...]:
        manifests = list(sightings(bucket.files, _MANIFEST))
        data = list(sightings(bucket.files, _DATA))
        if self.only and not manifests and not any(each.version for each in data):
            # Just a folder a month, as any provider's: nothing of AWS's in it.
            return ()
        found = exports(bucket, self.name, manifests, data, partial(_load, self.only), "content")
        if not self.only or bucket.export or len(found) < 2:
            return found
        return tuple(export for export in found if not _is_other(export)) or found


def _is_other(export: Export) -> bool:
    """Reads the newest manifest of one of several exports, to spare the user from naming the only FOCUS one."""
    newest = export.survey().candidates[-1:]
    return any(each.code == "export-not-focus" for candidate in newest for each in candidate.load().findings)


def _load(only: FormatName | None, bucket: Bucket, month: Month) -> Delivery:
    source = month.manifest or month.newest[0]
    try:
        content = read_manifest(bucket.place, source, limit=MANIFEST_LIMIT) if month.manifest else {}
        format = _format(bucket, month, content, only)
        files = named_files(month, month.manifest, content, _LISTS) if month.manifest else month.newest
    except DeliveryError as error:
        return rejected(month.period, only or "cur", source, error.findings)
    return Delivery(month.period, _id(month, files), format, files, _without_manifest(month))


def _id(month: Month, files: Iterable[StoredFile]) -> str:
    of = [month.manifest] if month.manifest else []
    return delivery_id(month.period.month, *(f"{file.path} {file.etag}" for file in (*of, *files)))


def _without_manifest(month: Month) -> tuple[Finding, ...]:
    return () if month.manifest else (finding("manifest-missing", file=month.folder),)


def _format(bucket: Bucket, month: Month, content: dict[str, Any], only: FormatName | None) -> FormatName:
    """By the manifest's columns, else by its query, else by the columns of a data file."""
    found = _by_columns(_names(content.get("columns"))) or _by_query(content)
    if not found and only and not month.manifest:
        return only
    if not found and month.data:
        found = _by_columns(bucket.columns_of(month.newest[0]))
    where = month.manifest.path if month.manifest else month.folder
    if not found:
        raise bad(finding("export-format-unknown", file=where))
    if only and found != only:
        raise bad(finding("export-not-focus", file=where))
    return found


def _names(columns: object) -> Iterator[str]:
    for column in columns if isinstance(columns, list) else ():
        name = column.get("name") if isinstance(column, dict) else column
        if isinstance(name, str):
            yield name


def _by_columns(names: Iterable[str]) -> FormatName | None:
    lower = {name.lower() for name in names}
    if lower >= _FOCUS_COLUMNS:
        return "focus"
    return "cur" if any(name.startswith(_CUR_PREFIX) for name in lower) else None


def _by_query(content: dict[str, Any]) -> FormatName | None:
    said = " ".join(_queries(content)).upper()
    return next((format for table, format in _TABLES if table in said), None)


def _queries(value: object) -> Iterator[str]:
    """The values of keys such as `query`, `queryStatement` and `tableConfigurations`, at any depth."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from [json.dumps(inner)] if _QUERY_KEY.search(key) else _queries(inner)
