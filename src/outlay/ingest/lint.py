"""What lies at a path to be checked: a file, a drop, a month with its manifest, or the whole folder of an adaptor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from outlay.engine import Engine, Input, Told
from outlay.errors import Changed, NotFound, UnknownName, UsageError
from outlay.findings import Finding, finding, in_order
from outlay.ingest import fetch
from outlay.ingest.checking import CheckResult, check_files
from outlay.ingest.steps import Observer, Quiet, Steps
from outlay.layouts import Bucket, check_location, survey
from outlay.layouts.anycost_drop import MANIFEST, files_of, period_of
from outlay.layouts.paths import is_safe_name
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage import Location, Place, StoredFile
from outlay.storage.spool import spool

_PACKED, _PLAIN = ".csv.gz", ".csv"
_KIND = "anycost"


@dataclass(frozen=True)
class Wish:
    """What is to be checked: a path as it was written, and what is chosen of it.

    Without a drop it is the one that the manifest names; without a period each that is there, and for a drop or file
    whose folders do not tell it, the one of its rows.
    """

    path: str
    period: BillingPeriod | None = None
    drop: str | None = None
    currency: str = "USD"


@dataclass(frozen=True)
class _Subject:
    """One drop, or one file: where its files lie, how findings call the place of each, what is known beforehand."""

    name: str
    place: Place
    files: tuple[StoredFile, ...] = ()
    period: BillingPeriod | None = None
    drop: str | None = None
    findings: tuple[Finding, ...] = ()
    # Else it is only told: there is nothing to read.
    is_read: bool = True
    # What findings call a file that was given by itself.
    called: str = ""


def check(
    engine: Engine,
    settings: Settings,
    wish: Wish,
    open_at: Callable[[Location], Place],
    observer: Observer | None = None,
) -> Iterator[CheckResult]:
    """Check each drop that is wished for, in the order of periods, and tell what is wrong with the place as a whole.

    Raises UsageError for a wish that contradicts itself, UnknownName for a period or drop that is not there, and
    AccessError; NotFound where there is nothing to be checked.
    """
    observer = observer or Quiet()
    location = Location.parse(wish.path if "://" not in wish.path else wish.path.rstrip("/"))
    above = wish.path.rstrip("/").rpartition("/")[0] or "."
    for subject in _subjects(wish, location, open_at, Steps(observer, wish.path)):
        folder = "" if subject.called else above if _names_a_month(location) else wish.path
        yield replace(_checked(engine, settings, subject, wish, observer), folder=folder)


def _checked(engine: Engine, settings: Settings, subject: _Subject, wish: Wish, observer: Observer) -> CheckResult:
    told = Told()
    told.extend(subject.findings)
    if not subject.is_read:
        return CheckResult(subject.name, subject.period, subject.drop, (), in_order(told.findings), dict(told.counts))
    steps = Steps(observer, wish.path, subject.period.id if subject.period else "")
    with spool(settings.spool, "check") as folder:
        inputs = _inputs(subject, folder, steps)
        done = check_files(
            engine,
            settings,
            inputs,
            subject.period,
            currency=wish.currency,
            name=subject.name,
            steps=steps,
            told=told,
        )
    return replace(done, drop=subject.drop)


def _inputs(subject: _Subject, folder: Path, steps: Steps) -> list[Input]:
    """Files of this machine where they are; others are fetched."""
    location = subject.place.location
    if location.is_folder:
        paths = {file.path: Path(location.path) / file.path for file in subject.files}
    else:
        try:
            with steps.step("fetch"):
                paths = fetch.fetch(
                    subject.place, subject.files, folder, lambda done, total: steps.progress("fetch", done, total)
                )
        except Changed as error:
            raise Changed(error.message, next="Check again when nobody writes there.") from error
    return [Input(paths[file.path], subject.called or file.path, file.size) for file in subject.files]


# From a path to what is checked


def _subjects(wish: Wish, location: Location, open_at: Callable[[Location], Place], steps: Steps) -> Iterator[_Subject]:
    with steps.step("list"):
        if _is_file(location):
            found = [_file(wish, location, open_at)]
        elif _names_a_month(location):
            found = _months(wish, open_at(_parent(location)), period_of(_last(location)))
        else:
            place = open_at(location)
            files = tuple(place.list())
            found = _months(wish, place, None, files) if _has_months(place, files) else [_drop(wish, place, files)]
    yield from found


def _is_file(location: Location) -> bool:
    """In a bucket it can be told by the name alone."""
    if location.is_folder:
        return Path(location.path).is_file()
    return location.path.lower().endswith((_PACKED, _PLAIN))


def _names_a_month(location: Location) -> bool:
    return period_of(_last(location)) is not None


def _has_months(place: Place, files: tuple[StoredFile, ...]) -> bool:
    """Is there a folder of a month, or one that is meant as such?"""
    return any(map(period_of, _folders(files))) or any(
        each.is_error for each in survey(_KIND, Bucket(place, files)).findings
    )


def _last(location: Location) -> str:
    return location.path.rpartition("/")[2]


def _parent(location: Location) -> Location:
    above = location.path.rpartition("/")[0]
    return replace(location, path=above or ("/" if location.is_folder else ""))


def _file(wish: Wish, location: Location, open_at: Callable[[Location], Place]) -> _Subject:
    if wish.drop:
        raise UsageError(f"{wish.path} is a file: it has no drops.", next="Leave --drop out.", field="drop")
    place, name = open_at(_parent(location)), _last(location)
    file = place.file(name)
    is_packed, is_plain = (name.lower().endswith(ending) for ending in (_PACKED, _PLAIN))
    code = "csv-not-packed" if is_plain else "drop-file-unknown"
    findings = () if is_packed else (finding(code, file=wish.path),)
    return _Subject(
        wish.path,
        place,
        (file,),
        wish.period or _period_above(location),
        findings=findings,
        is_read=is_packed or is_plain,
        called=wish.path,
    )


def _period_above(location: Location) -> BillingPeriod | None:
    """The month that a drop's folder, or the one above it, is named after."""
    above = location.path.split("/")[-3:-1]
    return next(filter(None, map(period_of, reversed(above))), None)


def _drop(wish: Wish, place: Place, files: Sequence[StoredFile]) -> _Subject:
    """A folder that holds the files of one drop."""
    if wish.drop:
        raise UnknownName(
            f"{wish.path} has no folders of months, such as 20260501-20260601, in which drops are.",
            next="Name the folder that holds those, or the drop's own folder without --drop.",
        )
    data, unknown = _readable(files)
    period = wish.period or period_of(_last(_parent(place.location)))
    if not data and period is None:
        raise NotFound(
            f"{wish.path} holds neither CBF (.csv.gz) nor folders of months such as 20260501-20260601.",
            next="Name a file, the folder of a drop, or the folder that holds the months.",
        )
    return _Subject(wish.path, place, data, period, _last(place.location), unknown)


def _readable(files: Sequence[StoredFile], folder: str = "") -> tuple[tuple[StoredFile, ...], tuple[Finding, ...]]:
    """The data files of a drop; plain ones, too, though a drop may not have them."""
    data, unknown = files_of(files, folder)
    odd = {each.file for each in unknown}
    return (*data, *(file for file in files if file.path in odd and file.path.lower().endswith(_PLAIN))), unknown


def _months(
    wish: Wish, place: Place, only: BillingPeriod | None, files: Sequence[StoredFile] | None = None
) -> list[_Subject]:
    """The current drop of each month, or the one that is named. `only` is the month that the path names."""
    if only and wish.period not in (None, only):
        raise UsageError(f"{wish.path} is {only.id}, not {wish.period}.", next="Leave --period out.", field="period")
    if not only:
        check_location(_KIND, place.location)
    listed = tuple(place.list(only.id) if only else place.list() if files is None else files)
    wanted = only or wish.period
    months = {period: name for name in _folders(listed) if (period := period_of(name))}
    if wanted and wanted not in months:
        raise UnknownName(
            f"{wish.path} has no {wanted.id}.", next=f"There is {', '.join(sorted(months.values())) or 'no month'}."
        )
    if wish.drop:
        return [_named(wish, place, listed, [wanted] if wanted else list(months))]
    return _current(wish, place, listed, wanted)


def _folders(files: Sequence[StoredFile]) -> list[str]:
    return sorted({file.path.partition("/")[0] for file in files if "/" in file.path})


def _named(wish: Wish, place: Place, files: Sequence[StoredFile], periods: Sequence[BillingPeriod]) -> _Subject:
    """The drop of that id, be it current or not. Raises UnknownName, and UsageError when several months have it."""
    drops, wanted = _drops(files), wish.drop or ""
    if not is_safe_name(wanted):
        raise UsageError(f"{wish.drop!r} cannot be a drop's name.", next="Give the name of its folder.", field="drop")
    having = [period for period in periods if place.has_folder(f"{period.id}/{wanted}", files)]
    if not having:
        known = sorted({drop for period in periods for drop in drops[period]}, reverse=True)
        raise UnknownName(
            f"{wish.path} has no drop {wish.drop!r}.", next=f"There is {', '.join(known[:10]) or 'none'}."
        )
    if len(having) > 1:
        raise UsageError(
            f"{', '.join(each.month for each in having)} have a drop {wish.drop!r} each.",
            next="Choose one with --period.",
        )
    folder = f"{having[0].id}/{wanted}"
    data, unknown = _readable(files, folder)
    return _Subject(folder, place, data, having[0], wish.drop, unknown)


def _drops(files: Sequence[StoredFile]) -> Mapping[BillingPeriod, set[str]]:
    """The folders in the folder of each month; the marker of an empty one counts."""
    found: dict[BillingPeriod, set[str]] = {}
    for file in files:
        month, _, rest = file.path.partition("/")
        if (period := period_of(month)) is not None:
            drops = found.setdefault(period, set())
            if "/" in rest or (rest and rest != MANIFEST and file.size == 0):
                drops.add(rest.partition("/")[0])
    return found


def _current(wish: Wish, place: Place, files: tuple[StoredFile, ...], wanted: BillingPeriod | None) -> list[_Subject]:
    seen = survey(_KIND, Bucket(place, files))
    candidates = sorted(
        (each for each in seen.candidates if wanted in (None, each.period)), key=lambda each: each.period
    )
    published = {each.period for each in seen.candidates}
    without = [
        finding("drops-unpublished", file=period.id)
        for period in sorted(_drops(files))
        if period not in published and wanted in (None, period)
    ]
    about = (*without, *(() if wanted else (each for each in seen.findings if each.code != "nothing-found")))
    if not candidates and not any(each.is_error for each in about):
        raise NotFound(
            f"{wish.path} has no manifest.json in {', '.join(sorted(each.id for each in _drops(files)))}.",
            next="Write the manifest, or name a drop with --drop to check it before that.",
        )
    found = [_Subject(wish.path, place, findings=about, is_read=False)] if about else []
    for candidate in candidates:
        delivery = candidate.load()
        is_read = not any(each.is_error for each in delivery.findings)
        drop = _drop_of(delivery.files)
        name = f"{candidate.period.id}/{drop}" if drop else candidate.period.id
        found.append(_Subject(name, place, delivery.files, candidate.period, drop, delivery.findings, is_read))
    return found


def _drop_of(files: Sequence[StoredFile]) -> str | None:
    """A delivery's id is made of its drop's; the drop's own is the folder of its files."""
    return files[0].path.split("/")[1] if files else None
