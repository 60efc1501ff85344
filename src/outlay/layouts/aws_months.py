"""What AWS's two layouts share: months with a manifest and data files, several exports below one prefix, replicas.

AWS writes the manifest after all data files and names them in it, so the manifest decides. Only where there is none,
as in a replica, the folder is read: the newest of the period's folders alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from outlay.findings import Finding, finding
from outlay.layouts.base import Bucket, Candidate, Delivery, Export, Survey, fingerprint
from outlay.layouts.manifest import MIB, bad, key_missing
from outlay.layouts.paths import ends_in, is_hidden, is_safe_path, shown
from outlay.period import BillingPeriod
from outlay.storage import StoredFile

# A large organisation's manifest names hundreds of columns and thousands of files.
MANIFEST_LIMIT = 16 * MIB
_DATA = (".csv", ".csv.gz", ".csv.zip", ".parquet", ".gz", ".zip")


@dataclass(frozen=True)
class Sighting:
    """What a file's path tells: the export's folder, the period's folder, the version folder (or "") and a name."""

    file: StoredFile
    home: str
    month: str
    version: str
    named: str

    @property
    def period(self) -> BillingPeriod | None:
        try:
            return BillingPeriod.parse(self.month)
        except ValueError:
            return None


@dataclass(frozen=True)
class Month:
    """One period of an export: its current manifest, if any, and all files of all its versions."""

    period: BillingPeriod
    home: str
    manifest: StoredFile | None
    files: tuple[StoredFile, ...]

    @property
    def data(self) -> tuple[StoredFile, ...]:
        return tuple(file for file in self.files if _is_data(file, self.home))

    @property
    def newest(self) -> tuple[StoredFile, ...]:
        """The data files of the folder that was written to last."""
        folders: dict[str, list[StoredFile]] = defaultdict(list)
        for file in self.data:
            folders[file.path.rpartition("/")[0]].append(file)
        return tuple(max(folders.values(), key=lambda files: max((file.modified, file.path) for file in files)))

    @property
    def folder(self) -> str:
        """The folder that is read when there is no manifest."""
        return self.newest[0].path.rpartition("/")[0]


Load = Callable[[Bucket, Month], Delivery]
# What of a month's data files makes it worth looking at its manifest: nothing but their names, or their content too.
Watch = Literal["names", "content"]


def sightings(files: Iterable[StoredFile], pattern: re.Pattern[str]) -> Iterator[Sighting]:
    """What `pattern`, with the groups home, version, and month or year and number, finds in the paths of files."""
    for file in files:
        if found := pattern.fullmatch(file.path):
            groups = found.groupdict(default="")
            month = groups.get("month") or f"{groups['year']}-{groups['number']}"
            yield Sighting(file, groups["home"], month, groups["version"], groups.get("named", ""))


def exports(
    bucket: Bucket, layout: str, manifests: Iterable[Sighting], data: Iterable[Sighting], load: Load, watch: Watch
) -> tuple[Export, ...]:
    manifests_in, data_in = _by_home(manifests), _by_home(data)
    bare = [home for home, seen in data_in.items() if any(_is_data(each.file, home) for each in seen)]
    return tuple(
        _export(bucket, layout, manifests_in[home], data_in[home], partial(_candidate, bucket, load, watch))
        for home in sorted({*manifests_in, *bare})
    )


def _by_home(seen: Iterable[Sighting]) -> dict[str, list[Sighting]]:
    homes: dict[str, list[Sighting]] = defaultdict(list)
    for each in seen:
        homes[each.home].append(each)
    return homes


def _export(
    bucket: Bucket,
    layout: str,
    manifests: list[Sighting],
    data: list[Sighting],
    candidate: Callable[[Month], Candidate],
) -> Export:
    home = (manifests or data)[0].home
    months = _months(home, manifests, data)
    current = max((month.period for month in months if month.manifest), default=None)
    awaited = [month for month in months if not month.manifest and current and month.period > current]
    findings = (*_invalid(manifests + data), *(finding("manifest-awaited", file=month.folder) for month in awaited))
    candidates = tuple(candidate(month) for month in months if month not in awaited)
    return Export(_name(bucket, home, manifests, data), home, layout, lambda: Survey(candidates, findings))


def _candidate(bucket: Bucket, load: Load, watch: Watch, month: Month) -> Candidate:
    return Candidate(month.period, _fingerprint(month, watch), partial(load, bucket, month))


def _months(home: str, manifests: list[Sighting], data: list[Sighting]) -> list[Month]:
    files: dict[BillingPeriod, list[StoredFile]] = defaultdict(list)
    for each in data:
        if each.period:
            files[each.period].append(each.file)
    current = {each.period: each.file for each in sorted(manifests, key=_currency) if each.period}
    months = [Month(period, home, current.get(period), tuple(files[period])) for period in {*files, *current}]
    return sorted((month for month in months if month.manifest or month.data), key=lambda month: month.period)


def _currency(manifest: Sighting) -> tuple[bool, Any, str]:
    """Sorts a period's current manifest last: the one beside its version folders, else the newest copy in these."""
    return (not manifest.version, manifest.file.modified, manifest.file.path)


def _fingerprint(month: Month, watch: Watch) -> str:
    """The names are watched because a replica's manifest may be there before the files it names."""
    if not month.manifest:
        return fingerprint(month.newest)
    if watch == "content":
        return fingerprint([month.manifest, *month.data])
    return fingerprint([month.manifest]) + "-" + fingerprint(_nameless(file) for file in month.data)


def _nameless(file: StoredFile) -> StoredFile:
    return StoredFile(file.path, 0, "", BillingPeriod(1, 1).start)


def _invalid(seen: list[Sighting]) -> list[Finding]:
    months = sorted({each.month for each in seen if not each.period})
    return [finding("period-invalid", value=month) for month in months]


def _name(bucket: Bucket, home: str, manifests: list[Sighting], data: list[Sighting]) -> str:
    newest = sorted(manifests, key=lambda each: each.file.modified, reverse=True)
    named = next((each.named for each in (*newest, *data) if each.named), "")
    return named or home.rpartition("/")[2] or bucket.name


def _is_data(file: StoredFile, home: str) -> bool:
    inside = file.path.removeprefix(home).lstrip("/")
    return ends_in(file, _DATA) and not is_hidden(inside)


def named_files(
    month: Month, manifest: StoredFile, content: dict[str, Any], keys: tuple[str, ...]
) -> tuple[StoredFile, ...]:
    """The files that the manifest names in the first of `keys` that it has.

    A key is found by its longest part that stands below the export's folder, so that a copy in another bucket or below
    another prefix is read as well. Raises DeliveryError for a list that is no list, unsafe keys and missing files.
    """
    key = next((key for key in keys if key in content), keys[0])
    named = content.get(key)
    if not isinstance(named, list) or not all(isinstance(each, str) and each for each in named):
        raise key_missing(manifest, key)
    if not named:
        raise bad(finding("manifest-empty", file=manifest.path))
    paths = [_key_of(each) for each in named]
    if unsafe := [each for each in paths if not is_safe_path(each)]:
        raise bad(
            *(finding("manifest-unsafe-path", file=manifest.path, column=key, value=shown(each)) for each in unsafe)
        )
    below = {file.path.removeprefix(month.home).lstrip("/"): file for file in month.files}
    found = {path: _longest_part(path, below) for path in paths}
    if missing := [path for path, file in found.items() if not file]:
        raise bad(*(finding("file-missing", file=path) for path in missing))
    return tuple({file.path: file for file in found.values() if file}.values())


def _key_of(text: str) -> str:
    """`s3://bucket/key` → `key`; data exports name their files so, legacy reports by the key alone."""
    scheme, _, rest = text.partition("://")
    return rest.partition("/")[2] if rest and scheme in ("s3", "s3a") else text


def _longest_part(key: str, below: dict[str, StoredFile]) -> StoredFile | None:
    part = key
    while part not in below and part:
        part = part.partition("/")[2]
    return below.get(part)
