"""Legacy Cost and Usage Reports: `<report>/20260501-20260601/<report>-Manifest.json` names the month's data files.

CSV lies beside the manifest or in a folder for each assembly, Parquet below `<report>/year=2026/month=5/`.

Source: AWS, "Understanding your report versions".
"""

from __future__ import annotations

import re
from dataclasses import replace

from outlay.errors import DeliveryError
from outlay.findings import finding
from outlay.layouts.aws_months import MANIFEST_LIMIT, Month, Sighting, exports, named_files, sightings
from outlay.layouts.base import Bucket, Delivery, Export, delivery_id, fingerprint, rejected
from outlay.layouts.manifest import read_manifest
from outlay.storage import StoredFile

_MONTH = r"(?:(?P<home>.+)/)?(?P<month>\d{8}-\d{8})/(?:(?P<version>[^/]+)/)?"
_MANIFEST = re.compile(_MONTH + r"(?P<named>[^/]+)-Manifest\.json")
_CSV = re.compile(_MONTH + r"[^/]+")
_PARQUET = re.compile(r"(?:(?P<home>.+)/)?year=(?P<year>\d{4})/month=(?P<number>\d{1,2})/(?:(?P<version>[^/]+)/)?[^/]+")


class CurReport:
    name = "legacy Cost and Usage Report"

    def exports(self, bucket: Bucket) -> tuple[Export, ...]:
        manifests = list(sightings(bucket.files, _MANIFEST))
        read = {each.file for each in manifests}
        csv = [each for each in sightings(bucket.files, _CSV) if each.file not in read]
        homes = {each.home for each in (*manifests, *csv)}
        parquet = [_at_report(each, homes) for each in sightings(bucket.files, _PARQUET)]
        return exports(bucket, self.name, manifests, csv + parquet, _load, "names")


def _at_report(parquet: Sighting, homes: set[str]) -> Sighting:
    """Parquet lies in a folder named like the report inside the report's own: `<report>/<report>/year=2026/…`."""
    parent, _, name = parquet.home.rpartition("/")
    doubled = parent.rpartition("/")[2] == name
    if parquet.home not in homes and (doubled or parent in homes) and name:
        return replace(parquet, home=parent, named=name)
    return parquet


def _load(bucket: Bucket, month: Month) -> Delivery:
    if not month.manifest:
        return _without_manifest(month)
    try:
        content = read_manifest(bucket.place, month.manifest, limit=MANIFEST_LIMIT)
        files = named_files(month, month.manifest, content, ("reportKeys",))
    except DeliveryError as error:
        return rejected(month.period, "cur", month.manifest, error.findings)
    return Delivery(month.period, _id(month, month.manifest, content.get("assemblyId")), "cur", files)


def _id(month: Month, manifest: StoredFile, assembly: object) -> str:
    assembly = assembly if isinstance(assembly, str) else ""
    return delivery_id(assembly or month.period.month, assembly, manifest.etag)


def _without_manifest(month: Month) -> Delivery:
    files = month.newest
    version = delivery_id(month.folder.rpartition("/")[2], fingerprint(files))
    return Delivery(month.period, version, "cur", files, (finding("manifest-missing", file=month.folder),))
