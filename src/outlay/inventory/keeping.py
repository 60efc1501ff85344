"""One look at an account becomes changes of what was known: found, changed, gone. What was not seen stays as it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

import pyarrow as pa

from outlay.aws.inventory.base import Resource
from outlay.aws.inventory.collecting import Piece, Trouble
from outlay.lake.resources import ARROW, Key, Known, Resources

FOUND, CHANGED, GONE = "found", "changed", "gone"
# Made into columns at once: as objects they take many times the room.
_ROWS = 5_000


@dataclass
class Outcome:
    """`seen` counts the resources that are there, `changes` the rows by what happened."""

    seen: int = 0
    changes: dict[str, int] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)

    def count(self, change: str, number: int = 1) -> None:
        self.changes[change] = self.changes.get(change, 0) + number


def keep(
    table: Resources,
    account: str,
    pieces: Iterable[Piece],
    at: datetime,
    *,
    still: Callable[[], None] = lambda: None,
    is_over: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Keep what changed, in one commit. A look that is over before its end keeps nothing.

    `still` is called after each piece. Memory holds a line for each resource known, and the rows that are new.
    """
    known = table.known(account)
    outcome, rows = Outcome(), []
    missing: dict[Key, int] = {}
    for seen in pieces:
        still()
        piece = _placed(seen, known)
        outcome.troubles += piece.troubles
        if piece.resources is None:
            continue
        outcome.seen += len(piece.resources)
        changed = _changes(piece, known, at, outcome)
        while some := list(islice(changed, _ROWS)):
            rows.append(_batch(some))
        missing |= _missing(piece, known)
    if is_over():
        return outcome
    gone = ({**row, "change": GONE, "version": row["version"] + 1, "at": at} for row in table.rows(account, missing))
    while some := list(islice(gone, _ROWS)):
        rows.append(_batch(some))
        outcome.count(GONE, len(some))
    table.add(account, rows)
    table.tidy(account)
    return outcome


def _placed(piece: Piece, known: dict[Key, Known]) -> Piece:
    """What one look at a whole account tells, but not in which region, is where it was: else it would be another."""
    hidden = {each.id for each in piece.resources or () if not each.region}
    if piece.kind.is_regional or not hidden:
        return piece
    there = (key for key, newest in known.items() if newest.change != GONE)
    places = {key.id: key.region for key in there if key.kind == piece.kind.name and key.id in hidden}
    placed = (replace(each, region=each.region or places.get(each.id, "")) for each in piece.resources or ())
    return replace(piece, resources=tuple(placed))


def _changes(piece: Piece, known: dict[Key, Known], at: datetime, outcome: Outcome) -> Iterator[dict[str, Any]]:
    for each in piece.resources or ():
        key = Key(each.kind, each.region, each.id)
        before, row = known.get(key), _row(each)
        if before is not None and before.change != GONE and before.mark == row["mark"]:
            continue
        change = FOUND if before is None or before.change == GONE else CHANGED
        outcome.count(change)
        yield {**row, "change": change, "version": before.version + 1 if before else 1, "at": at}


def _missing(piece: Piece, known: dict[Key, Known]) -> dict[Key, int]:
    """Known, and not seen where it was looked for as a whole, each with its newest version."""
    seen = {Key(each.kind, each.region, each.id) for each in piece.resources or ()}
    return {
        key: newest.version
        for key, newest in known.items()
        if key.kind == piece.kind.name
        and (not piece.kind.is_regional or key.region == piece.region)
        and newest.change != GONE
        and key not in seen
    }


def _row(each: Resource) -> dict[str, Any]:
    details = json.dumps(each.details, sort_keys=True, ensure_ascii=False)
    compared = [each.arn, each.name, each.state, str(each.created), sorted(each.tags.items()), details]
    mark = hashlib.blake2b(json.dumps(compared).encode(), digest_size=12).hexdigest()
    return {
        "account": each.account,
        "kind": each.kind,
        "region": each.region,
        "id": each.id,
        "arn": each.arn,
        "name": each.name,
        "state": each.state,
        "created": each.created,
        "tags": dict(each.tags),
        "details": details,
        "mark": mark,
    }


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{**row, "tags": list(row["tags"].items())} for row in rows], ARROW)
