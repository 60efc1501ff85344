"""FOCUS files of any provider, in a folder for each month or loose.

A month's folder is `2026-05/`, `20260501-20260601/`, `20260501-20260531/`, `BILLING_PERIOD=2026-05/` or
`year=2026/month=5/`, at any depth. The rows of files outside such folders tell their periods themselves.

Azure's Cost Management writes each run of an export into a folder of its own, named by a GUID, below that of its range
of days. Each run has all costs of the range so far: the newest that has its manifest is the bill, and no other is read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
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
_RANGE = re.compile(r"(?:.*/)?(?P<first>\d{8})-(?P<last>\d{8})")
_RUN = re.compile(
    r"(?P<run>(?P<range>(?:.*/)?\d{8}-\d{8})/(?:\d{12}/)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/[^/]+",
    re.IGNORECASE,
)
_MANIFEST = "manifest.json"


class FocusFolder:
    name = "FOCUS folder"

    def exports(self, bucket: Bucket) -> tuple[Export, ...]:
        folders, runs = folders_of(bucket.files), _runs(bucket.files)
        seen = [
            file
            for file in bucket.files
            if not is_hidden(file.path) and not is_marker(file, folders) and not _lies_beside(file)
            if runs.get(_run(file), True)
        ]
        return (Export(bucket.name, "", self.name, partial(_survey, bucket, seen)),) if seen else ()


def _lies_beside(file: StoredFile) -> bool:
    return ends_in(file, _BESIDE) or "." not in file.name


def _run(file: StoredFile) -> str:
    """The folder of the run that wrote the file; empty for a file of none."""
    found = _RUN.fullmatch(file.path)
    return found["run"] if found else ""


def _runs(files: Iterable[StoredFile]) -> dict[str, bool]:
    """Each run's folder, and whether it is the one of its range to be read."""
    by_range: dict[str, dict[str, list[StoredFile]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        if found := _RUN.fullmatch(file.path):
            by_range[found["range"]][found["run"]].append(file)
    newest = {max(runs, key=lambda run: (_finished(runs[run]), run)) for runs in by_range.values()}
    return {run: run in newest for runs in by_range.values() for run in runs}


def _finished(files: Sequence[StoredFile]) -> tuple[bool, datetime]:
    """Has the run its manifest, and when was it written? A run without one goes on, or was copied without."""
    manifests = [file.modified for file in files if file.name.lower() == _MANIFEST]
    return bool(manifests), max(manifests or [file.modified for file in files])


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
    return _by_its_days(folder) or _by_its_name(folder)


def _by_its_days(folder: str) -> BillingPeriod | None:
    """The month of a folder that is named by its first and its last day."""
    found = _RANGE.fullmatch(folder)
    if not found or not found["first"].endswith("01"):
        return None
    try:
        period = BillingPeriod.parse(f"{found['first'][:4]}-{found['first'][4:6]}")
    except ValueError:
        return None
    return period if found["last"] == f"{period.end - timedelta(days=1):%Y%m%d}" else None


def _by_its_name(folder: str) -> BillingPeriod | None:
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
