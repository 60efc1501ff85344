"""What pages, commands and the API do with connections: try, add, move, change, compare, make live, remove.

Each takes the installation, and `by`, the name of whoever does it, which is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from outlay.app import ConnectionView, Outlay, PeriodView
from outlay.errors import Busy, TooSlow, UnknownName, UsageError
from outlay.period import BillingPeriod

if TYPE_CHECKING:
    from outlay.costs.comparing import Comparison
    from outlay.costs.invoices import Invoice
    from outlay.ingest.probe import Probe
    from outlay.state.acts import Did
    from outlay.state.changing import Settings
    from outlay.state.deliveries import Delivered
    from outlay.state.models import Connection
    from outlay.state.moving import Move
    from outlay.state.new import NewConnection
    from outlay.state.news import News
    from outlay.state.summary import Summary
    from outlay.storage import Place


# Looking


def summaries(o: Outlay) -> tuple[dict[str, Summary], bool]:
    """Of every connection, by name; and whether their costs could be had now, too."""
    _ = o.memory
    from outlay.state.summary import newest, question, summaries

    now = datetime.now(UTC)
    try:
        answer = o.ask(question(now))
    except (Busy, TooSlow):
        answer = None
    live = o.lake.seen().live
    states = o.memory.states(live[each].delivery for each in newest(live).values())
    names = [row.name for row in o.rows()]
    return summaries(names, live, o.memory.last_delivered(), states, answer), answer is not None


def period(o: Outlay, name: str, text: str) -> PeriodView:
    """Raises UnknownName."""
    try:
        wanted = BillingPeriod.parse(text)
    except ValueError as error:
        raise UnknownName(f"{error}.", next="Write a month such as 2026-05.") from error
    return o.period(name, wanted)


def deliveries(o: Outlay, name: str, view: PeriodView) -> tuple[Delivered, ...]:
    """Every delivery ever seen of the period, newest first."""
    _ = o.memory
    from outlay.lake import Partition
    from outlay.state.deliveries import ever_seen

    partition = Partition(name, view.period)
    kept = o.lake.deliveries(partition).get(partition, {})
    return ever_seen(name, view.period, live=view.delivery, kept=kept)


def compare(o: Outlay, name: str, view: PeriodView, before: str, after: str) -> Comparison:
    """What changed from one delivery to another, by service. Raises UnknownName for one that is not kept."""
    from outlay.costs.comparing import SERVICE, compared, sums_by

    files = [_files(o, name, view, delivery) for delivery in (before, after)]
    one, other = o.desk.look(lambda session: [sums_by(session, each, SERVICE) for each in files])
    return compared((before, after), one, other)


def _files(o: Outlay, name: str, view: PeriodView, delivery: str) -> list[str]:
    from outlay.lake import Partition

    if not delivery or delivery not in (view.delivery, *view.earlier):
        raise UnknownName(
            f"The charges of {delivery or 'that delivery'} are not kept.", next="Choose a delivery that is."
        )
    return o.lake.staged(Partition(name, view.period), delivery)


def invoices(o: Outlay, name: str, view: PeriodView) -> tuple[Invoice, ...]:
    """The live charges of the period by invoice, beside the amounts on paper."""
    _ = o.memory
    from outlay.costs.comparing import invoice_sums_by
    from outlay.costs.invoices import invoices
    from outlay.lake import Partition
    from outlay.state.invoices import on_paper

    live = o.lake.seen().live.get(Partition(name, view.period))
    files = list(live.files) if live else []
    return o.desk.look(
        lambda session: invoices(lambda column: invoice_sums_by(session, files, column), on_paper(name, view.period))
    )


@dataclass(frozen=True)
class Overlap:
    """A month that both connections of a move hold, with what each billed by currency."""

    month: str
    old: Mapping[str, Decimal]
    new: Mapping[str, Decimal]
    new_counts: bool

    @property
    def currencies(self) -> list[str]:
        return sorted(self.old.keys() | self.new.keys())

    @property
    def difference(self) -> dict[str, Decimal]:
        """By which the new one's bill is higher, by currency."""
        zero = Decimal(0)
        return {each: self.new.get(each, zero) - self.old.get(each, zero) for each in self.currencies}

    def as_dict(self) -> dict[str, Any]:
        from outlay.costs.answer import plain

        return {
            "month": self.month,
            "old": {currency: plain(amount) for currency, amount in self.old.items()},
            "new": {currency: plain(amount) for currency, amount in self.new.items()},
            "difference": {currency: plain(amount) for currency, amount in self.difference.items()},
            "counted": "new" if self.new_counts else "old",
        }


@dataclass(frozen=True)
class Moved:
    """A connection whose bills go on in another from `month` on.

    `state` is `waiting` while the first month that the new one holds in full is not known, with a blank `month`;
    `counting`; or `back`. `stand_ins` are months that one of them holds alone and counts though it is the other's turn.
    """

    old: str
    new: str
    month: str
    overlaps: tuple[Overlap, ...]
    state: str = "counting"
    stand_ins: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "old": self.old,
            "new": self.new,
            "month": self.month or None,
            "state": self.state,
            "both": [each.as_dict() for each in self.overlaps],
            "stand_ins": [{"month": month, "counted_by": name} for month, name in self.stand_ins],
        }


def moves(o: Outlay, name: str) -> tuple[Moved, ...]:
    """Those that a connection is part of, with both sums for every month that both hold."""
    _ = o.memory
    from outlay.state import moving

    found = moving.of(o.connection(name).row)
    if not found:
        return ()
    sums = {each: _billed(o, each) for move in found for each in (move.old, move.new)}
    counted = {(each.connection, each.period.month) for each in o.counted()}
    return tuple(_moved(move, sums[move.old], sums[move.new], counted) for move in found)


def _moved(move: Move, old: _Sums, new: _Sums, counted: set[tuple[str, str]]) -> Moved:
    from outlay.state import moving

    both = moving.both(old, new)
    alone = [
        *((month, move.old) for month in old.keys() - new.keys() if move.month and month >= move.month),
        *((month, move.new) for month in new.keys() - old.keys() if not move.month or month < move.month),
    ]
    return Moved(
        move.old,
        move.new,
        move.month,
        tuple(Overlap(month, old[month], new[month], (move.new, month) in counted) for month in both),
        move.state,
        tuple(sorted(((month, name) for month, name in alone if (name, month) in counted), reverse=True)),
    )


_Sums = dict[str, dict[str, Decimal]]


def _billed(o: Outlay, name: str) -> _Sums:
    """BilledCost of each live month, by currency."""
    return {
        view.period.month: {
            currency: pairs["BilledCost"][1]
            for currency, pairs in (view.reconciliation.sums if view.reconciliation else {}).items()
        }
        for view in o.periods(name)
        if view.delivery
    }


def news(o: Outlay, name: str = "") -> News:
    """What has happened: of all connections, or of one. Cheap, for pages that ask again and again."""
    _ = o.memory
    from outlay.state import connections
    from outlay.state import news as told

    now = datetime.now(UTC)
    return told.of(connections.named(name), now) if name else told.of_all(now)


def acts(o: Outlay, name: str, *, month: str = "") -> list[Did]:
    """Who did what to it, newest first."""
    _ = o.memory
    from outlay.state.acts import done_to

    row = o.connection(name).row
    return done_to(name, since=row.created_at, period=BillingPeriod.parse(month).id if month else "")


# Adding


def faults(o: Outlay, new: NewConnection) -> dict[str, UsageError]:
    """Every rule that it breaks, by field."""
    _ = o.memory
    from outlay.state import connections

    found = connections.faults(new)
    if "name" not in found:
        try:
            connections.check_free(new.name)
        except UsageError as error:
            found["name"] = error
    return found


def test(o: Outlay, new: NewConnection) -> Probe:
    """As `try_out`, with the access that it says."""
    return try_out(o, new)


def try_out(o: Outlay, new: NewConnection, *, access_like: str = "") -> Probe:
    """Try it step by step; nothing is saved. Raises UsageError for what breaks a rule, and Busy.

    `access_like` names a connection whose access, be it of its own or another's, is used in place of the one given.
    """
    _ = o.memory
    from outlay.state import connections
    from outlay.state.secrets import Secret

    for error in connections.faults(new).values():
        raise error
    row = connections.draft(new)
    if new.secret_access_key:
        row.secret = o.keyring.seal(Secret(new.secret_access_key))
    if access_like:
        other = o.connection(access_like).row
        row.access_of = other.access_of or other
    return _tried(o, row)


def test_again(o: Outlay, name: str) -> Probe:
    """Try one that there is, with the access that it has. Raises UnknownName and Busy."""
    return _tried(o, o.connection(name).row)


def _tried(o: Outlay, row: Connection) -> Probe:
    _ = o.memory
    from outlay.ingest.probe import Tried, probe
    from outlay.state import connections

    if row.kind == "linked":
        from outlay.state import linked

        return linked.probe(o.credentials(row))
    with o.trying() as engine:
        tried = Tried(
            connections.source(row),
            lambda: o.place(row),
            o.credentials(row),
            o.settings.s3_endpoint,
            o.settings,
            engine,
            lambda location: _place_at(o, row, location),
        )
        return probe(tried)


def _place_at(o: Outlay, row: Connection, location: str) -> Place:
    """With the access of `row`, which is not saved and stays as it is."""
    other = copy(row)
    other.location = location
    return o.place(other)


def add(o: Outlay, new: NewConnection, *, by: str = "") -> ConnectionView:
    """Raises UsageError naming the field."""
    _ = o.memory
    from outlay.state import acts

    view = o.add(new)
    acts.note(new.name, by, "added")
    return view


# Doing


def pause(o: Outlay, name: str, *, by: str = "") -> ConnectionView:
    return _noted(o.pause(name), by, "paused")


def resume(o: Outlay, name: str, *, by: str = "") -> ConnectionView:
    return _noted(o.resume(name), by, "resumed")


def check_now(o: Outlay, name: str, *, by: str = "") -> ConnectionView:
    """Raises UsageError while it is paused."""
    return _noted(o.check_now(name), by, "checked")


def stop(o: Outlay, name: str, *, by: str = "") -> bool:
    """Raises UnknownName. False: no check was under way."""
    _ = o.memory
    from outlay.state import acts

    is_stopping = o.stop(name)
    if is_stopping:
        acts.note(name, by, "stopped")
    return is_stopping


def change(o: Outlay, name: str, wanted: Settings, *, untested: bool = False, by: str = "") -> list[str]:
    """Returns what was changed, in words. Raises UsageError naming the field.

    Another access is tried before it is saved: what `check_change` raises leaves the old one, unless `untested`.
    """
    _ = o.memory
    from outlay.state import acts, changing

    row = o.connection(name).row
    if not untested:
        check_change(o, name, wanted)
    changed = changing.change(row, wanted, lambda secret: o.keyring.seal(secret))
    if changed:
        acts.note(name, by, "changed", said=f"{', '.join(changed)}.")
    return changed


def check_change(o: Outlay, name: str, wanted: Settings) -> None:
    """Try the access that is wanted, if another is. It has to read the place; whether bills lie there does not matter.

    Raises Untried, UsageError for what breaks a rule, and Busy.
    """
    _ = o.memory
    from outlay.state import changing
    from outlay.state.secrets import Secret

    if wanted.keeps_access:
        return
    row = o.connection(name).row
    for error in changing.faults(row, wanted).values():
        raise error
    tried = changing.drafted(row, wanted)
    if wanted.secret_access_key:
        tried.secret = o.keyring.seal(Secret(wanted.secret_access_key))
    found = _tried(o, tried)
    if not (found.is_well or found.is_listed):
        raise Untried(found, f"The new access does not do, so {name} keeps the one it has.", "access")


class Untried(UsageError):
    """A test has failed, so nothing was saved. `probe` tells which step and why."""

    def __init__(self, probe: Probe, message: str, field: str = "") -> None:
        failed = next(step for step in probe.steps if step.state == "failed")
        super().__init__(f"{message} {failed.said}", next=failed.next, field=field)
        self.probe = probe


def set_checks(
    o: Outlay, name: str, *, every: str | None = None, bring_from: str | None = None, by: str = ""
) -> ConnectionView:
    """How often it is checked, and from which month on its bills are brought in; None leaves it. Raises UsageError."""
    _ = o.memory
    from outlay.state import acts, changing

    was = o.connection(name)
    view = o.set_bring_from(name, bring_from) if bring_from is not None else was
    view = o.set_frequency(name, every) if every is not None else view
    changed = changing.differences(was.row, view.row)
    if changed:
        acts.note(name, by, "changed", said=f"{', '.join(changed)}.")
    return view


def count(o: Outlay, name: str, first: str, last: str, *, by: str = "") -> ConnectionView:
    """Which months answers count, as `Outlay.set_counted`. Raises UsageError."""
    _ = o.memory
    from outlay.state import acts

    view = o.set_counted(name, first, last)
    row = view.row
    acts.note(name, by, "counted", said=f"{row.count_from or 'the first'} to {row.count_to or 'the last'}.")
    return view


def make_live(o: Outlay, name: str, month: str, delivery: str, *, by: str = "") -> PeriodView:
    """An earlier delivery becomes the live one, and stays until the source changes. Raises what `revert` does."""
    return o.revert(name, month, delivery, by=by)


def enter_invoice(o: Outlay, name: str, month: str, invoice: str, currency: str, amount: str, *, by: str = "") -> None:
    """Keep the amount on a paper invoice; a blank one forgets it. Raises UsageError naming the field."""
    _ = o.memory
    from outlay.state import acts
    from outlay.state.invoices import enter

    view = period(o, name, month)
    kept = enter(name, view.period, invoice, currency, amount, by)
    said = f"{invoice}, {kept} {currency}." if kept else f"{invoice}, none."
    acts.note(name, by, "invoice", period=view.period.id, said=said)


def move(
    o: Outlay,
    name: str,
    new: NewConnection,
    month: str = "",
    *,
    keeps_access: bool = False,
    keeps_old: bool = False,
    untested: bool = False,
    by: str = "",
) -> ConnectionView:
    """Add `new` for another place, which goes on with the connection from `month` on; blank: the first it has in full.

    All or nothing. Until the new one has that month, the old one is checked and counts it; then it is paused, unless
    `keeps_old`. With `keeps_access` the new one gets the old one's access. It is tried first, unless `untested`: a
    place to which nothing was delivered yet will do. Raises Untried, UsageError naming the field, and Busy.
    """
    _ = o.memory
    from outlay.state import acts, changes, connections, moving

    first, old = moving.check_month(month) if month else "", o.connection(name).row
    for error in connections.faults(new).values():
        raise error
    drafted = connections.draft(new)
    if is_same_place(old, drafted):
        raise UsageError(f"{name} reads that place already.", next="Give the new one.", field="location")
    # The lake is read outside: while the transaction goes on, nobody else may write.
    o.check_name(new)
    moving.check(old, first)
    if not untested:
        _check_place(o, name, new, name if keeps_access else "")
    with moving.together():
        o.register(new)
        moving.link(old.name, new.name, first, keeps_old=keeps_old)
        if keeps_access:
            moving.lend(old.name, new.name)
        said = f"from {first} on" if first else "from the first month on that it holds in full"
        acts.note(name, by, "moved", said=f"{new.name} goes on with it {said}.")
        acts.note(new.name, by, "added", said=f"in place of {name}, {said}.")
    changes.note(name, datetime.now(UTC))
    return o.connection(new.name)


# How the name of a connection for an export of that kind ends, in place of what the old one's ends with.
_ENDS: Mapping[str, str] = {"cur-2.0": "cur2", "focus-1.0": "focus", "focus-1.2": "focus", "legacy-cur": "cur"}


def name_for(o: Outlay, old: Connection, kind: str = "") -> str:
    """A free name for what goes on with `old`, such as `payer-cur2`. `kind` is that of the export, if known."""
    end = _ENDS.get(kind, "cur2" if old.kind == "aws" else "2")
    stem = old.name
    for each in ("-cur", "-cur2", "-focus", "-legacy"):
        stem = stem.removesuffix(each) or stem
    taken = {row.name for row in o.rows()}
    names = (f"{stem[:80]}-{end}{number}" for number in ("", *(f"-{each}" for each in range(2, len(taken) + 3))))
    return next(name for name in names if name not in taken)


def is_same_place(old: Connection, new: Connection | NewConnection) -> bool:
    """Several exports may lie at one place: another of them is another place."""
    is_another = bool(old.export and new.export) and old.export != new.export
    return new.location == old.location and not is_another


def _check_place(o: Outlay, name: str, new: NewConnection, access_like: str) -> None:
    found = try_out(o, new, access_like=access_like)
    if not (found.is_well or found.is_waiting):
        raise Untried(found, f"The new place does not do, so {name} goes on as before.")


def go_back(o: Outlay, name: str, *, then: str = "pause", by: str = "") -> ConnectionView:
    """Undo the move to `name`: the old one counts everything again and is checked; returns it.

    `then` is what becomes of the new one, which counts nothing: `pause`, `check` to go on checking it, or `remove`
    with its charges. Raises UsageError; and Busy when it cannot be removed now, after all of the rest was done.
    """
    _ = o.memory
    from outlay.state import acts, changes, moving

    if then not in THEN:
        raise UsageError(f"{then!r} is nothing that becomes of it.", next=f"Use {', '.join(THEN)}.", field="then")
    o.connection(name)
    with moving.together():
        old = moving.go_back(name, pauses=then == "pause")
        acts.note(old, by, "back", said=f"it counts everything again, {name} nothing.")
        acts.note(name, by, "back", said=f"{old} counts everything again. {THEN[then]}")
    for each in (old, name):
        changes.note(each, datetime.now(UTC))
    if then == "remove":
        remove(o, name, purge=True, by=by)
    return o.connection(old)


# What becomes of a connection from which one goes back, in words.
THEN: Mapping[str, str] = {
    "pause": "It is paused.",
    "check": "It is checked on.",
    "remove": "It is removed with its charges.",
}


def go_on(o: Outlay, name: str, month: str = "", *, by: str = "") -> ConnectionView:
    """Go forward again after `go_back`: it counts from `month` on; blank: from the first that it holds in full.

    Raises UsageError naming the field.
    """
    _ = o.memory
    from outlay.state import acts, changes, moving

    first = moving.check_month(month) if month else ""
    old = o.connection(name).row.moved_from_id
    with moving.together():
        moving.go_forward(name, first)
        said = f"from {first} on." if first else "from the first month on that it holds in full."
        acts.note(name, by, "forward", said=said)
        acts.note(str(old), by, "moved", said=f"{name} goes on with it {said}")
    o.hand_over(name)
    for each in (str(old), name):
        changes.note(each, datetime.now(UTC))
    return o.connection(name)


def change_month(o: Outlay, name: str, month: str, *, by: str = "") -> None:
    """The month from which on a connection counts that goes on with another. Raises UsageError naming the field."""
    _ = o.memory
    from outlay.state import acts, moving

    o.connection(name)
    first = moving.check_month(month)
    moving.change_month(name, first)
    acts.note(name, by, "counted", said=f"from {first} on.")


def remove(o: Outlay, name: str, *, purge: bool = False, by: str = "") -> int:
    """As `Outlay.remove`, recorded. Raises UsageError, too, where months of a move would count nowhere afterwards."""
    _ = o.memory
    from outlay.state import acts

    if not purge:
        _check_move_is_over(o, name)
    gone = o.remove(name, purge=purge)
    acts.note(name, by, "removed", said=f"with its {gone:,} charges." if purge else "and kept its charges.")
    return gone


def _check_move_is_over(o: Outlay, name: str) -> None:
    """Connections that go on with one another know each other's months as long as both are there."""
    for move in moves(o, name):
        if move.stand_ins and move.state != "back":
            months = ", ".join(month for month, _ in move.stand_ins)
            raise UsageError(
                f"{move.old} and {move.new} count {months} for one another, which would count nowhere without {name}.",
                next="Bring those months in where their turn is, set by hand from and up to which month each counts, "
                "or remove it with its charges.",
            )


def _noted(view: ConnectionView, by: str, what: str) -> ConnectionView:
    from outlay.state import acts

    acts.note(view.row.name, by, what)
    return view
