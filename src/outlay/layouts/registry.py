"""Which layouts each kind of connection can have, and what one listing of its location shows."""

from __future__ import annotations

from dataclasses import dataclass

from outlay.errors import UsageError
from outlay.findings import Finding, finding
from outlay.layouts.anycost_drop import AnyCostDrop
from outlay.layouts.base import Bucket, Export, Layout, Survey
from outlay.layouts.cbf_stream import CbfStream
from outlay.layouts.cur_report import CurReport
from outlay.layouts.data_export import DataExport
from outlay.layouts.focus_folder import FocusFolder
from outlay.storage import Location


@dataclass(frozen=True)
class Kind:
    """`layouts` are groups: the first group that finds something is the one. `in_root` allows a whole bucket."""

    bills: str
    layouts: tuple[tuple[Layout, ...], ...]
    in_root: bool = True


# A new layout is a line here.
KINDS: dict[str, Kind] = {
    "anycost": Kind("AnyCost drop", ((AnyCostDrop(),),), in_root=False),
    "aws": Kind("Cost and Usage Report or data export", ((CurReport(), DataExport()),)),
    "focus": Kind("FOCUS file", ((DataExport(only="focus"),), (FocusFolder(),))),
    "stream": Kind("CBF body", ((CbfStream(),),)),
}


def check_location(kind: str, location: Location | str) -> Location:
    """The location of a connection of this kind. Raises UsageError that says what is wrong with it."""
    in_root = _kind(kind).in_root
    location = Location.parse(location) if isinstance(location, str) else location
    if location.is_root and (location.is_folder or not in_root):
        raise UsageError(
            f"The bills of the kind {kind} cannot lie in the root, as {str(location)!r} says.",
            next="Name a folder in it, such as s3://bucket/my/file/path or file:///my/folder.",
        )
    return location


def survey(kind: str, bucket: Bucket) -> Survey:
    """The billing periods that the listing shows, of the export that the connection names or of the only one."""
    found = _exports(_kind(kind), bucket)
    wanted = [each for each in found if bucket.export is None or bucket.export in _names(each)]
    if len(wanted) == 1:
        shown = wanted[0].survey()
        nothing = _nothing(kind, bucket) if not (shown.candidates or shown.findings) else ()
        return Survey(shown.candidates, (*shown.findings, *nothing))
    return Survey(findings=_nothing(kind, bucket) if not found else _unclear(bucket, found, wanted))


def recognised(kind: str, bucket: Bucket) -> tuple[str, ...]:
    """The bills of this kind that lie there, by name and layout; those of other exports, too."""
    found = _exports(_kind(kind), bucket)
    return tuple(f"{_shortest_name(each, found)} ({each.layout})" for each in found)


def homes_of(kind: str, bucket: Bucket) -> tuple[str, ...]:
    """The folder of each bill of this kind that lies there, relative to the place."""
    return tuple(each.home for each in _exports(_kind(kind), bucket))


def _kind(kind: str) -> Kind:
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is not a kind of connection.", next=f"Write one of {', '.join(KINDS)}.")
    return KINDS[kind]


def _exports(kind: Kind, bucket: Bucket) -> list[Export]:
    groups = ([each for layout in group for each in layout.exports(bucket)] for group in kind.layouts)
    return next((group for group in groups if group), [])


def _names(export: Export) -> tuple[str, str, str]:
    """From the usual name to the one that nothing else can have."""
    return (export.name, export.path, f"{export.path} ({export.layout})")


def _nothing(kind: str, bucket: Bucket) -> tuple[Finding, ...]:
    return (finding("nothing-found", kind=KINDS[kind].bills, location=bucket.place.location),)


def _unclear(bucket: Bucket, found: list[Export], wanted: list[Export]) -> tuple[Finding, ...]:
    code = "export-not-named" if wanted else "export-not-found"
    names = ", ".join(_shortest_name(each, found) for each in found)
    return (finding(code, location=bucket.place.location, exports=names, export=bucket.export),)


def _shortest_name(export: Export, found: list[Export]) -> str:
    others = [name for each in found if each is not export for name in _names(each)]
    return next((name for name in _names(export) if name not in others), _names(export)[-1])
