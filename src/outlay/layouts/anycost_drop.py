"""AnyCost bucket file drops: `<billing_data_id>/manifest.json` says which folder beside it holds the month's data.

Source: CloudZero, "Configuring AnyCost Bucket File Drops". Only a change of the manifest is a signal: what happens to
data files and to other drops is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from outlay.errors import DeliveryError
from outlay.findings import Finding, finding
from outlay.layouts.base import Bucket, Candidate, Delivery, Export, Survey, delivery_id, fingerprint, rejected
from outlay.layouts.manifest import MIB, bad, key_missing, read_manifest
from outlay.layouts.paths import ends_in, folders_of, is_hidden, is_marker, is_safe_name, shown
from outlay.period import BillingPeriod
from outlay.storage import StoredFile

MANIFEST = "manifest.json"
_LIMIT = MIB
_DATA = (".csv.gz",)
_KNOWN_VERSION = re.compile(r"1\.[0-3](\.\d+)?")
# What is certainly meant as a billing data id; and what is when it holds a manifest.
_ID = re.compile(r"\d{8}-\d{8}")
_DATE_LIKE = re.compile(r"\d[\d_.-]{4,}\d")


class AnyCostDrop:
    name = "AnyCost drop"

    def exports(self, bucket: Bucket) -> tuple[Export, ...]:
        manifests, findings = _months(bucket)
        if not manifests and not findings:
            return ()
        candidates = tuple(
            Candidate(period, fingerprint([manifest]), partial(_load, bucket, period, manifest))
            for period, manifest in sorted(manifests.items())
        )
        return (Export(bucket.name, "", self.name, lambda: Survey(candidates, findings)),)


def _months(bucket: Bucket) -> tuple[dict[BillingPeriod, StoredFile], tuple[Finding, ...]]:
    files = bucket.by_path()
    folders = {path.partition("/")[0] for path in files if "/" in path}
    manifests: dict[BillingPeriod, StoredFile] = {}
    findings = []
    for folder in sorted(folders):
        manifest = files.get(f"{folder}/{MANIFEST}")
        period = period_of(folder)
        if period and manifest:
            manifests[period] = manifest
        elif not period and (_ID.fullmatch(folder) or (manifest and _DATE_LIKE.fullmatch(folder))):
            findings.append(finding("period-invalid", value=folder))
    return manifests, tuple(findings)


def period_of(folder: str) -> BillingPeriod | None:
    """Only `20260501-20260601` is a billing data id; other ways to write a month are not."""
    if not _ID.fullmatch(folder):
        return None
    try:
        return BillingPeriod.parse(folder)
    except ValueError:
        return None


def _load(bucket: Bucket, period: BillingPeriod, manifest: StoredFile) -> Delivery:
    try:
        content = read_manifest(bucket.place, manifest, limit=_LIMIT)
        drop = _drop_id(content, manifest)
        files = _files(bucket, f"{period.id}/{drop}", drop, manifest)
    except DeliveryError as error:
        return rejected(period, "cbf", manifest, error.findings)
    version = delivery_id(drop, manifest.etag, manifest.modified.isoformat(), drop)
    return Delivery(period, version, "cbf", files, _version_findings(content, manifest))


def _drop_id(content: dict[str, Any], manifest: StoredFile) -> str:
    drop = content.get("current_drop_id")
    if not isinstance(drop, str) or not drop:
        raise key_missing(manifest, "current_drop_id")
    if not is_safe_name(drop):
        raise bad(finding("manifest-unsafe-path", file=manifest.path, column="current_drop_id", value=shown(drop)))
    return drop


def _files(bucket: Bucket, folder: str, drop: str, manifest: StoredFile) -> tuple[StoredFile, ...]:
    """The drop's data files; none when the folder is there but empty, which empties the period."""
    below = [file for file in bucket.files if file.path.startswith(f"{folder}/")]
    if not below and not bucket.place.has_folder(folder, bucket.files):
        raise bad(finding("drop-not-found", file=manifest.path, column="current_drop_id", value=drop))
    data, unknown = files_of(below, folder)
    if unknown:
        raise bad(*unknown)
    return data


def files_of(files: Iterable[StoredFile], folder: str = "") -> tuple[tuple[StoredFile, ...], tuple[Finding, ...]]:
    """The data files of a drop, of all that lies in its folder; and what lies there and is none.

    `folder` is the drop's, relative to the place; blank when the place is the drop.
    """
    below = [file for file in files if not folder or file.path.startswith(f"{folder}/")]
    folders = folders_of(below)
    all_ = [
        file for file in below if not is_hidden(file.path.removeprefix(f"{folder}/")) and not is_marker(file, folders)
    ]
    data = tuple(file for file in all_ if ends_in(file, _DATA))
    return data, tuple(finding("drop-file-unknown", file=file.path) for file in all_ if file not in data)


def _version_findings(content: dict[str, Any], manifest: StoredFile) -> tuple[Finding, ...]:
    version = content.get("version")
    if version is None or _KNOWN_VERSION.fullmatch(str(version)):
        return ()
    return (finding("manifest-version-unknown", file=manifest.path, column="version", value=shown(str(version))),)
