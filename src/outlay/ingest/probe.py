"""Looks at a place of bills before it is connected: step by step, and nothing is kept."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from outlay.engine import Engine
from outlay.errors import Denied, NotFound, OutlayError
from outlay.findings import finding
from outlay.formats import FORMATS
from outlay.ingest.glance import BYTES, Glance
from outlay.ingest.result import Source
from outlay.layouts import Bucket, homes_of, recognised, survey
from outlay.settings import Settings
from outlay.storage import Place, StoredFile
from outlay.storage.naming import host

State = Literal["done", "failed", "skipped"]

STEPS = (
    ("name", "The name resolves"),
    ("access", "Access is granted"),
    ("list", "The bills can be listed"),
    ("layout", "The layout is recognised"),
    ("periods", "Billing periods are seen"),
    ("bill", "The newest bill can be read"),
)
AGAIN = "Test again in a minute, or save it: it is tried every minute until then."
# The column of a CUR that names resources, in lower case; where it is empty, they are switched off.
_RESOURCE_IDS = frozenset(("line_item_resource_id", "lineitem/resourceid"))
_OWN_ACCESS = {
    "az": "This server's own Azure credentials are used.",
    "gs": "This server's own Google Cloud credentials are used.",
}
_SIZES = ("bytes", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True)
class Step:
    """What was tried, what was found, and, where it failed, what to do."""

    name: str
    title: str
    state: State
    said: str = ""
    next: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"step": self.name, "state": self.state, "said": self.said, "next": self.next}


@dataclass(frozen=True)
class Probe:
    """`months` are those that the place holds, newest first, such as `2026-05`.

    `offer` is a location near the one given where the bills do lie, or all of them where that one would do, too; blank
    where none was seen.
    `may_pass`: AWS denied it as it denies permissions that were given within the last minutes.
    `is_listed`: its files could be listed. `is_waiting`: they were, and no bill has been delivered yet.
    """

    steps: tuple[Step, ...]
    months: tuple[str, ...] = ()
    offer: str = ""
    may_pass: bool = False
    is_listed: bool = False
    is_waiting: bool = False

    @property
    def is_well(self) -> bool:
        return all(step.state == "done" for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        return {
            "ok": self.is_well,
            "steps": [step.as_dict() for step in self.steps],
            "periods": list(self.months),
            "offer": self.offer or None,
            "may_pass": self.may_pass,
        }


@dataclass(frozen=True)
class Tried:
    """What a probe is made with: the connection as it would be, its place, and how to get at both.

    `credentials` gives nothing where the place needs none that Outlay knows of; `endpoint` is an S3 service other
    than AWS's. `open_at` opens another location with the same access.
    """

    source: Source
    open_place: Callable[[], Place]
    credentials: Callable[[], Any] | None
    endpoint: str | None
    settings: Settings
    engine: Engine
    open_at: Callable[[str], Place] | None = None


class _Failed(Exception):
    def __init__(self, said: str, next_action: str) -> None:
        super().__init__(said)
        self.said, self.next = said, next_action


def probe(tried: Tried) -> Probe:
    """Each step in turn, until one fails."""
    looking = _Looking(tried)
    steps: list[Step] = []
    may_pass = False
    for name, title in STEPS:
        if steps and steps[-1].state != "done":
            steps.append(Step(name, title, "skipped", "Not tried."))
            continue
        try:
            said = looking.step(name)
            steps.append(Step(name, title, "done", said, looking.warning))
        except _Failed as error:
            steps.append(Step(name, title, "failed", error.said, error.next))
        except OutlayError as error:
            may_pass = isinstance(error, Denied) and error.may_pass
            steps.append(refused(name, title, error, _perhaps(tried, error)))
    failed = next((number for number, step in enumerate(steps) if step.state == "failed"), None)
    is_waiting = looking.is_listed and failed is not None and not looking.has_files
    if failed is None or steps[failed].name not in _OFFERS:
        is_waiting = is_waiting or looking.has_no_month
        return Probe(tuple(steps), looking.months, looking.deeper, may_pass, looking.is_listed, is_waiting)
    offer = _offer(tried)
    if offer:
        next_action = f"The bills lie at {offer}: give that path. {steps[failed].next}"
        steps[failed] = replace(steps[failed], next=next_action)
    return Probe(tuple(steps), looking.months, offer, may_pass, looking.is_listed, is_waiting and not offer)


def refused(name: str, title: str, error: OutlayError, before: str = "") -> Step:
    """The step that `error` ended. One that a permission may have ended that is too new says what to do about that."""
    after = f" {AGAIN}" if isinstance(error, Denied) and error.may_pass else ""
    return Step(name, title, "failed", error.message, f"{before}{error.next}{after}")


# The steps that fail for a path with a part too many.
_OFFERS = ("list", "layout")


def _offer(tried: Tried) -> str:
    """The location without its last part, or without its first, where the bills are: those of the export named."""
    location = tried.source.location
    parts = location.path.split("/")
    shorter = dict.fromkeys("/".join(each) for each in (parts[:-1], parts[1:]))
    open_at = tried.open_at
    if open_at is None or location.is_folder or not location.path:
        return ""
    places = (f"{location.scheme}://{location.bucket}/{path}".rstrip("/") for path in shorter)
    return next((place for place in places if _holds(tried, open_at, place)), "")


def _holds(tried: Tried, open_at: Callable[[str], Place], location: str) -> bool:
    """False where it may not be looked at, too."""
    try:
        place = open_at(location)
        look = Glance(tried.engine, tried.settings, place)
        named = tried.source.export or None
        bucket = Bucket(place, tuple(place.list()), named, look.periods_of, look.columns_of)
        seen = survey(tried.source.kind, bucket)
    except OutlayError:
        return False
    return bool(seen.candidates)


def _perhaps(tried: Tried, error: OutlayError) -> str:
    """A report's name in the bucket's field is a good name of a bucket, which is not there or is somebody else's."""
    bucket, export = tried.source.location.bucket, tried.source.export
    if bucket != export or not isinstance(error, (NotFound, Denied)):
        return ""
    return f"{bucket} is given as bucket and as report: give the bucket that the report is delivered to. "


class _Looking:
    """What one step finds, the next goes on with."""

    def __init__(self, tried: Tried) -> None:
        self._tried = tried
        self._files: tuple[StoredFile, ...] = ()
        self._place: Place | None = None
        self._glance: Glance | None = None
        self.months: tuple[str, ...] = ()
        # Where all of the bill lies, further down than the location given.
        self.deeper = ""
        # What the last step found that works, but not as it might.
        self.warning = ""
        self.is_listed = False
        self.has_no_month = False

    @property
    def has_files(self) -> bool:
        return bool(self._files)

    def step(self, name: str) -> str:
        by_name: dict[str, Callable[[], str]] = {
            "name": self._resolves,
            "access": self._has_access,
            "list": self._lists,
            "layout": self._has_layout,
            "periods": self._has_periods,
            "bill": self._reads_bill,
        }
        return by_name[name]()

    def _resolves(self) -> str:
        location = self._tried.source.location
        if location.is_folder:
            self._opened()
            return f"{location.path} is a folder on this server."
        name = host(location, self._tried.endpoint)
        if name is None:
            return f"{location.scheme}:// is reached as its own tools reach it."
        try:
            socket.getaddrinfo(name, 443)
        except OSError as error:
            raise _Failed(
                f"{name} has no address: {error.strerror or error}.",
                "Check the name and this server's network and DNS.",
            ) from error
        return f"{name} has an address."

    def _has_access(self) -> str:
        if self._tried.credentials is None:
            self._opened()
            return _OWN_ACCESS.get(self._tried.source.location.scheme, "No access of its own is needed.")
        given = self._tried.credentials()
        self._opened()
        return f"Credentials were given; their access key ends with {str(given['access_key_id'])[-4:]}."

    def _lists(self) -> str:
        self._files = tuple(self._opened().list())
        self.is_listed = True
        if not self._files:
            raise _Failed(
                f"{self._tried.source.location} was listed, and holds no files.",
                "If nothing has been delivered yet, save the connection: it waits for its first delivery. "
                "Else correct the path.",
            )
        return f"{len(self._files):,} files, {_size(sum(file.size for file in self._files))} in all."

    def _has_layout(self) -> str:
        names = recognised(self._tried.source.kind, self._bucket())
        if not names:
            shown = ", ".join(file.path for file in self._files[:3])
            raise _Failed(
                f"None of the files is part of a bill of this kind: {shown}{' …' if len(self._files) > 3 else ''}.",
                "Correct the path, or choose the kind of connection that fits.",
            )
        return f"Found {', '.join(names[:8])}{' …' if len(names) > 8 else ''}.{self._deeper()}"

    def _deeper(self) -> str:
        """Where it all lies in one folder below, its path would do, and less would be listed."""
        location, kind = self._tried.source.location, self._tried.source.kind
        homes = homes_of(kind, self._bucket()) if kind == "aws" else ()
        if location.is_folder or len(homes) != 1 or "/" not in homes[0]:
            return ""
        path = "/".join(filter(None, (location.path, homes[0].rpartition("/")[0])))
        self.deeper = f"{location.scheme}://{location.bucket}/{path}"
        return f" It lies in {path}: with that path only its own files are listed."

    def _has_periods(self) -> str:
        seen = survey(self._tried.source.kind, self._bucket())
        self.months = tuple(sorted((each.period.month for each in seen.candidates), reverse=True))
        if wrong := [each for each in seen.findings if each.is_error]:
            raise _Failed(wrong[0].message, wrong[0].next)
        passed = self._glance.passed_over if self._glance else 0
        rest = f" {passed:,} files were not looked into; the first check reads them all." if passed else ""
        self.has_no_month = not self.months and not passed
        if self.has_no_month:
            raise _Failed("There is no billing period yet.", "Save it: it waits for its first delivery.")
        return f"{_span(self.months)}{rest}".strip()

    def _reads_bill(self) -> str:
        """Its manifest, and the columns of its smallest file."""
        candidates = survey(self._tried.source.kind, self._bucket()).candidates
        if not candidates:
            return "There is none to look at yet."
        delivery = max(candidates, key=lambda each: each.period).load()
        if wrong := [each for each in delivery.findings if each.is_error]:
            raise _Failed(wrong[0].message, wrong[0].next)
        files = sorted(delivery.files, key=lambda file: file.size)
        if not files or files[0].size > BYTES:
            return f"{delivery.period.month}: its files were not looked into; the first check reads them all."
        columns = self._glanced.columns_of(files[0])
        if missing := FORMATS[delivery.format].header(files[0].path, sorted(columns)):
            names = ", ".join(str(each.column) for each in missing)
            more = f" It lacks {names}." if len(missing) > 1 else ""
            raise _Failed(f"{missing[0].message}{more}", missing[0].next)
        if delivery.format == "cur" and not self._glanced.has_values(files[0], _RESOURCE_IDS):
            off = finding("resource-ids-off")
            self.warning = f"{off.message} {off.next}"
        return f"{delivery.period.month}: {len(columns):,} columns, all that is needed among them."

    @property
    def _glanced(self) -> Glance:
        if self._glance is None:
            self._glance = Glance(self._tried.engine, self._tried.settings, self._opened())
        return self._glance

    def _bucket(self) -> Bucket:
        look = self._glanced
        return Bucket(self._opened(), self._files, self._tried.source.export or None, look.periods_of, look.columns_of)

    def _opened(self) -> Place:
        if self._place is None:
            self._place = self._tried.open_place()
        return self._place


def _span(months: tuple[str, ...]) -> str:
    if len(months) < 2:
        return f"One: {months[0]}." if months else ""
    return f"{len(months)} billing periods, {months[-1]} to {months[0]}."


def _size(size: float) -> str:
    for unit in _SIZES[:-1]:
        if size < 1024:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} {_SIZES[-1]}"
