"""FOCUS files of any provider, in a folder for each month or loose.

A month's folder is `2026-05/`, `20260501-20260601/`, `BILLING_PERIOD=2026-05/` or `year=2026/month=5/`, at any depth.
The rows of files outside such folders tell their periods themselves.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial

from outlay.findings import finding
from outlay.layouts.base import Bucket, Candidate, Delivery, Export, Survey, delivery_id, fingerprint
from outlay.layouts.paths import ends_in, folders_of, is_hidden, is_marker
from outlay.period import BillingPeriod
from outlay.storage import StoredFile

_DATA = (".csv", ".csv.gz", ".parquet")
# What lies beside bills and is none. Any other ending is told to the user.
_BESIDE = (
    *(".json", ".txt", ".md", ".yml", ".yaml", ".xml", ".html", ".pdf", ".sql", ".log"),
    *(".crc", ".md5", ".sha1", ".sha256", ".sig", ".asc"),
)
_MONTHS = (
    re.compile(r"(?:.*/)?(?:(?i:billing_?period|period|month)=)?(?P<month>\d{8}-\d{8}|\d{4}-\d{1,2})"),
    re.compile(r"(?:.*/)?(?i:year)=(?P<year>\d{4})/(?i:month)=(?P<number>\d{1,2})"),
)


class FocusFolder:
    name = "FOCUS folder"

    def exports(self, bucket: Bucket) -> tuple[Export, ...]:
        folders = folders_of(bucket.files)
        seen = [
            file
            for file in bucket.files
            if not is_hidden(file.path) and not is_marker(file, folders) and not _lies_beside(file)
        ]
        return (Export(bucket.name, "", self.name, partial(_survey, bucket, seen)),) if seen else ()


def _lies_beside(file: StoredFile) -> bool:
    return ends_in(file, _BESIDE) or "." not in file.name


def _survey(bucket: Bucket, seen: list[StoredFile]) -> Survey:
    in_folders: dict[BillingPeriod, list[StoredFile]] = defaultdict(list)
    loose: dict[BillingPeriod, list[StoredFile]] = defaultdict(list)
    for file in seen:
        if not ends_in(file, _DATA):
            continue
        if period := _month(file.path):
            in_folders[period].append(file)
            continue
        for each in bucket.periods_of(file):
            loose[each].append(file)
    candidates = tuple(
        _candidate(period, (*in_folders[period], *loose[period]), bool(loose[period]))
        for period in sorted({*in_folders, *loose})
    )
    unsupported = tuple(finding("file-unsupported", file=file.path) for file in seen if not ends_in(file, _DATA))
    return Survey(candidates, unsupported)


def _month(path: str) -> BillingPeriod | None:
    """The month of the deepest folder that is named like one."""
    folder = path.rpartition("/")[0]
    while folder:
        if period := _named(folder):
            return period
        folder = folder.rpartition("/")[0]
    return None


def _named(folder: str) -> BillingPeriod | None:
    for pattern in _MONTHS:
        if found := pattern.fullmatch(folder):
            parts = found.groupdict()
            try:
                return BillingPeriod.parse(parts.get("month") or f"{parts['year']}-{parts['number']}")
            except ValueError:
                continue
    return None


def _candidate(period: BillingPeriod, files: tuple[StoredFile, ...], loose: bool) -> Candidate:
    version = fingerprint(files)
    delivery = Delivery(period, delivery_id(period.month, version), "focus", files, other_periods=loose)
    return Candidate(period, version, lambda: delivery)
