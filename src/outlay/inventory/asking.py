"""Answers out of the history of resources: what there is, by filters, and the changes of one."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TextIO

import ibis
import ibis.expr.types as ir

from outlay.aws.inventory.kinds import KINDS
from outlay.engine import Session
from outlay.errors import UsageError
from outlay.inventory.keeping import GONE
from outlay.lake.resources import SCHEMA

MOVED = "moved"
_FILES = ibis.schema(dict(SCHEMA))
_IDENTITY = ("account", "kind", "region", "id")
_UNIQUE = tuple(kind.name for kind in KINDS if kind.is_unique)
_SHOWN = ("arn", "name", "state", "created", "tags", "details", "change", "at", "first_at")
MOST = 1_000_000
_OWNERLESS = ("arn:aws:ec2:", "arn:aws-cn:ec2:", "arn:aws-us-gov:ec2:")
COLUMNS = ("kind", "id", "name", "state", "region", "account", "since", "found", "created", "arn", "tags")

# Of resources with costs: of the last 30 complete days, and of this month.
COSTS = ("cost_30_days", "cost_this_month")


@dataclass(frozen=True)
class Wanted:
    """Blank lets all pass. `text` is a part of the id, the name or the ARN; `tag` is `key` or `key=value`.

    Of `state` `gone` and `moved` are states, too; they are left out otherwise, unless `with_gone`.
    """

    kind: str = ""
    account: str = ""
    region: str = ""
    state: str = ""
    tag: str = ""
    text: str = ""
    with_gone: bool = False
    limit: int = MOST
    offset: int = 0

    def check(self) -> Wanted:
        """Raises UsageError."""
        names = [kind.name for kind in KINDS]
        if self.kind and self.kind not in names:
            raise UsageError(f"{self.kind!r} is no kind of resource.", next=f"Use {', '.join(names)}.", field="kind")
        return self


@dataclass(frozen=True)
class Seen:
    """A resource as it was seen last. `state` is `gone` or `moved` where it is; `since` is its last change."""

    account: str
    kind: str
    region: str
    id: str
    arn: str
    name: str
    state: str
    created: datetime | None
    tags: Mapping[str, str]
    details: Mapping[str, Any]
    since: datetime
    found: datetime

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "id": self.id,
            "name": self.name or None,
            "state": self.state or None,
            "region": self.region or None,
            "account": self.account,
            "arn": self.arn,
            "created": self.created.isoformat() if self.created else None,
            "since": self.since.isoformat(),
            "found": self.found.isoformat(),
            "tags": dict(self.tags),
            "details": dict(self.details),
        }

    @property
    def billed_as(self) -> tuple[str, ...]:
        """What a charge may call it: its id, where no other account has the same one, and its ARN.

        The ARNs of snapshots and images name no account, and a bill's do. Of what has moved, what names no account is
        told where it is now.
        """
        with_account = self.arn.replace("::", f":{self.account}:") if self.arn.startswith(_OWNERLESS) else self.arn
        if self.state == MOVED:
            return (with_account,) if f":{self.account}:" in with_account else ()
        ids = (self.id,) if self.kind in _UNIQUE else ()
        return tuple(dict.fromkeys((*ids, self.arn, with_account)))


@dataclass(frozen=True)
class Change:
    """`fields` are those that changed, each with what it was and what it is, as JSON has them."""

    at: datetime
    change: str
    account: str
    region: str
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "change": self.change,
            "account": self.account,
            "region": self.region or None,
            "fields": {name: {"before": before, "after": after} for name, (before, after) in self.fields.items()},
        }


def count_and_list(session: Session, files: Sequence[str], wanted: Wanted) -> tuple[int, list[Seen]]:
    """How many fit, and those of the page, ordered by kind, account, region, name and id."""
    if not files:
        return 0, []
    found = _filtered(_newest(session.files(files, _FILES)), wanted)
    counted = found.mutate(total=found.count().over(ibis.window()))
    order = ("kind", "account", "region", "name", "id")
    rows = session.rows(counted.order_by(*order).limit(wanted.limit, offset=wanted.offset))
    if rows or not wanted.offset:
        return (rows[0]["total"] if rows else 0), [_seen(row) for row in rows]
    (only,) = session.rows(found.aggregate(count=found.count()))
    return only["count"], []


def counts(session: Session, files: Sequence[str]) -> dict[tuple[str, str], int]:
    """How many there are, by account and kind."""
    if not files:
        return {}
    found = _filtered(_newest(session.files(files, _FILES)), Wanted())
    rows = session.rows(found.group_by("account", "kind").aggregate(count=found.count()))
    return {(row["account"], row["kind"]): row["count"] for row in rows}


def history(session: Session, files: Sequence[str], id: str) -> tuple[list[Seen], dict[Seen_, list[Change]]]:
    """Every resource of that id or ARN, and the changes of each, the newest first."""
    if not files:
        return [], {}
    table = session.files(files, _FILES)
    mine = table.filter((table.id == id) | (table.arn == id))
    found = [_seen(row) for row in session.rows(_newest(mine))]
    rows = session.rows(mine.distinct(on=[*_IDENTITY, "version"]).order_by("version"))
    changes: dict[Seen_, list[Change]] = {}
    before: dict[Seen_, dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in _IDENTITY)
        changes.setdefault(key, []).insert(0, _change(row, before.get(key)))
        before[key] = row
    return found, changes


Seen_ = tuple[str, ...]


def key_of(seen: Seen) -> Seen_:
    return (seen.account, seen.kind, seen.region, seen.id)


def write_csv(found: Sequence[Mapping[str, Any]], out: TextIO, harmless: Callable[[str], str]) -> None:
    """Of what `as_dict` tells, with costs or without. Costs are such as `1.5 USD`, several joined by commas.

    `harmless` is put over texts: a spreadsheet takes some for formulas.
    """
    writer = csv.writer(out, lineterminator="\n")
    costs = [name for name in COSTS if found and name in found[0]]
    writer.writerow([*COLUMNS, *costs])
    for each in found:
        told = {**each, "tags": json.dumps(each["tags"], ensure_ascii=False, sort_keys=True)}
        sums = [", ".join(f"{amount} {unit}" for unit, amount in each[name].items()) for name in costs]
        writer.writerow([*(harmless(told[name] or "") for name in COLUMNS), *sums])


def _newest(table: ir.Table) -> ir.Table:
    """One row a resource: its newest; of one that two accounts have had, the account that had it last has it."""
    mine = ibis.window(group_by=_IDENTITY)
    newest = ibis.window(group_by=_IDENTITY, order_by=[table.version.desc(), table["at"].desc()])
    rows = table.mutate(first_at=table["at"].min().over(mine), place=ibis.row_number().over(newest))
    rows = rows.filter(rows.place == 0)
    is_gone = rows.change == GONE
    # Ids that others may have, too, are told apart by their account.
    owner = ibis.ifelse(rows.kind.isin(_UNIQUE), "", rows.account)
    rows = rows.mutate(is_gone=is_gone, owner=owner)
    last = ibis.window(
        group_by=["kind", "owner", "id"], order_by=[rows.is_gone, rows["at"].desc(), rows.first_at.desc()]
    )
    rows = rows.mutate(holder=ibis.row_number().over(last))
    is_moved = rows.holder > 0
    state = ibis.ifelse(is_moved, MOVED, ibis.ifelse(rows.is_gone, GONE, rows.state))
    return rows.mutate(state=state, is_there=~rows.is_gone & ~is_moved).select(*_IDENTITY, *_SHOWN, "is_there")


def _filtered(rows: ir.Table, wanted: Wanted) -> ir.Table:
    wanted.check()
    for name in ("kind", "account", "region", "state"):
        if value := getattr(wanted, name):
            rows = rows.filter(rows[name] == value)
    if not wanted.with_gone and wanted.state not in (GONE, MOVED):
        rows = rows.filter(rows.is_there)
    if wanted.tag:
        key, sign, value = wanted.tag.partition("=")
        rows = rows.filter(rows.tags.get(key) == value if sign else rows.tags.contains(key))
    if wanted.text:
        part = wanted.text.lower()
        rows = rows.filter(
            rows.id.lower().contains(part) | rows.name.lower().contains(part) | rows.arn.lower().contains(part)
        )
    return rows


def _seen(row: Mapping[str, Any]) -> Seen:
    told = {name: row[name] for name in (*_IDENTITY, "arn", "name", "state", "created")}
    tags, details = dict(row["tags"] or ()), json.loads(row["details"])
    return Seen(**told, tags=tags, details=details, since=row["at"], found=row["first_at"])


def _change(row: Mapping[str, Any], before: Mapping[str, Any] | None) -> Change:
    fields: dict[str, tuple[Any, Any]] = {}
    if before is not None and row["change"] != GONE:
        old, new = _flat(before), _flat(row)
        names = sorted(old.keys() | new.keys())
        fields = {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}
    return Change(row["at"], row["change"], row["account"], row["region"], fields)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    tags = {f"tags.{key}": value for key, value in dict(row["tags"] or ()).items()}
    created = row["created"].isoformat() if row["created"] else None
    return {"name": row["name"], "state": row["state"], "created": created, **tags, **json.loads(row["details"])}
