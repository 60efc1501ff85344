"""Where questions are answered: a few at a time, from roll-ups where there are any, each at most once a snapshot.

One desk serves all threads of a process. A question waits for a slot for a bounded time and may take a bounded time.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import ibis
import ibis.expr.types as ir

from outlay.costs import charges as single
from outlay.costs import rollup
from outlay.costs.answer import Answer, answered
from outlay.costs.names import MAPS, Name
from outlay.costs.only import Only
from outlay.costs.plan import Part, plan
from outlay.costs.query import compared, counted, summed, together, values
from outlay.costs.question import Question
from outlay.costs.rollup import Rollups
from outlay.costs.table import Table, tabled
from outlay.costs.values import Value, listed, question_of, searched
from outlay.engine import Engine, Session
from outlay.errors import Busy, UsageError
from outlay.focus.columns import COLUMNS, TEXT
from outlay.lake import Lake, Live, Partition, Seen

T = TypeVar("T")

# Answers that are kept, by the rows they have in all.
MOST_KEPT_ROWS = 100_000
# How long a file of charges may take, by how long a question may.
_EXPORT = 10
_LOOK_AGAIN_SECONDS = 30
_READERS = 8
_CHARGES = ibis.schema({column.name: column.type for column in COLUMNS})


@dataclass(frozen=True)
class Bounds:
    """`slots` questions at once; in seconds, how long one waits for its turn and how long it may take."""

    slots: int = 1
    wait: float = 10
    seconds: float = 60


class Desk:
    """Every method may be called by any thread. All raise Busy and TooSlow, and what reading the lake raises."""

    def __init__(
        self,
        lake: Lake,
        engine: Engine,
        bounds: Bounds | None = None,
        months: Callable[[], Mapping[str, tuple[str, str]]] = dict,
        only: Callable[[], Only] = Only,
    ) -> None:
        """`months` gives the first and last month that count of each connection with such bounds, `""` for none.

        `only` says whose charges count where not all do.
        """
        self._lake = lake
        self._engine = engine
        self._months = months
        self._only = only
        self._bounds = bounds or Bounds()
        self._slots = threading.BoundedSemaphore(self._bounds.slots)
        # A file of charges takes long, and would leave no slot for questions.
        self._exports = threading.BoundedSemaphore(1)
        self._rollups = _Known(lake)
        self._answers = _Answers(MOST_KEPT_ROWS)
        self._open: set[Session] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    def close(self) -> None:
        """Stop what is being answered, and answer nothing more."""
        with self._lock:
            self._is_closed = True
            for session in self._open:
                session.interrupt()

    def look_again(self) -> None:
        """This process has made roll-ups: they are there at once. Those of other processes are found in a while."""
        self._rollups.look_again()

    def ask(self, question: Question) -> Answer:
        """The sums of each group in each period."""
        plain = replace(question, range=None, compare=False)

        def answer(session: Session, seen: _Counted) -> Answer:
            parts = self._values(session, seen, plain)
            return answered(plain, session.rows(summed(parts, plain)) if parts else [])

        found = self._once(("ask", plain), answer, lambda answer: len(answer.rows))
        return replace(found, question=question)

    def left_out(self, question: Question) -> Answer:
        """What the question's answer would have besides, did charges of accounts that are not connected count."""
        plain = replace(question, range=None, compare=False)

        def answer(session: Session, seen: _Counted) -> Answer:
            parts = self._values(session, seen.rest, plain) if seen.only.connections else []
            return answered(plain, session.rows(summed(parts, plain)) if parts else [])

        return self._once(("left out", plain), answer, lambda answer: len(answer.rows))

    def table(self, question: Question) -> Table:
        """The sums of each group over the whole range, beside those of the period before when that is compared.

        The granularity and `top` of the question do not matter: it has all groups, up to `MAX_VALUES`.
        """
        whole = replace(question, granularity="none", top=None, range=None)

        def answer(session: Session, seen: _Counted) -> Table:
            now = self._values(session, seen, whole)
            before = self._values(session, seen, whole.before()) if whole.compare else []
            rows = session.rows(compared(now, before, whole)) if now or before else []
            return tabled(whole, rows, has_before=whole.compare)

        return self._once(("table", whole), answer, lambda table: len(table.lines))

    def values(
        self, column: str, *, search: str = "", within: Question | None = None, limit: int = 50
    ) -> tuple[Value, ...]:
        """Values of a column or key with their cost: `limit` of each currency, the dearest first.

        `within` gives days, metric and filters; those on the column itself are left out, for other values to be found.
        """
        question = question_of(column, search, within or Question(), limit)
        return searched(listed(self.ask(question)), Name.parse(column), search, limit)

    def keys(self, column: str = "Tags", *, search: str = "", limit: int = 50) -> tuple[str, ...]:
        """The keys that charges have in a map, those on most charges first."""
        if column not in MAPS:
            raise UsageError(f"{column} has no keys.", next=f"Use one of {', '.join(MAPS)}.", field="column")
        all_keys = self._once(
            ("keys", column), lambda session, seen: self._keys(session, seen, column), lambda keys: len(keys)
        )
        wanted = search.casefold()
        return tuple(key for key in all_keys if wanted in key.casefold())[:limit]

    def charges(
        self, question: Question, *, columns: Sequence[str] = (), offset: int = 0, limit: int = 50
    ) -> single.Page:
        """Single charges that count in the answer, of each currency the dearest first.

        `columns` are lake columns, `*` for every one. Raises UsageError for an offset past `charges.LAST`.
        """
        single.check_page(offset, limit)
        names = single.columns_of(question, columns)
        plain = replace(question, by=(), top=None, granularity="none", range=None, compare=False)

        def answer(session: Session, seen: _Counted) -> single.Page:
            rows = self._rows(session, seen, plain)
            found = session.rows(single.page(rows, plain, names, offset, limit)) if rows is not None else []
            return single.paged(question, names, found, offset, limit)

        return self._once(("charges", plain, names, offset, limit), answer, lambda page: len(page.rows) * 10)

    def export(self, question: Question, path: Path, *, format: str = "csv", columns: Sequence[str] = ()) -> int:
        """Write the charges that count in the answer into a new file, `csv` or `parquet`. Returns how many.

        Raises UsageError when there are more than `charges.MOST_EXPORTED`.
        """
        if format not in single.MOST_EXPORTED:
            raise UsageError(f"There is no format {format!r}.", next="Use csv or parquet.", field="format")
        names = single.columns_of(question, columns)
        schema = single.schema_of(names)
        plain = replace(question, by=(), top=None, granularity="none", range=None, compare=False)
        with self._slot(self._exports, self._bounds.seconds * _EXPORT) as session:
            rows = self._rows(session, self._counted()[0], plain)
            if rows is None:
                single.write(iter(()), schema, path, format)
                return 0
            (found,) = session.rows(single.count(rows))
            single.check_count(found["count"], format)
            single.write(session.batches(rows.select(*names)), schema, path, format)
            return int(found["count"])

    def look(self, answer: Callable[[Session], T]) -> T:
        """What `answer` finds in files of the lake, be they live or not. It takes a slot as a question does."""
        with self._slot(self._slots, self._bounds.seconds) as session:
            return answer(session)

    def _values(self, session: Session, seen: _Counted, question: Question) -> list[ir.Table]:
        self._rollups.learn(seen)
        usable = seen.only.usable
        parts = plan(question, seen.live, lambda *each: usable(each[0], self._rollups.of(*each)))
        return [values(_table(session, part, seen), question, is_cut=part.is_cut) for part in parts]

    def _rows(self, session: Session, seen: _Counted, question: Question) -> ir.Table | None:
        """The charges that count; None when no file can hold any."""
        parts = plan(question, seen.live, lambda partition, delivery: None)
        tables = [counted(_table(session, part, seen), question, is_cut=part.is_cut) for part in parts]
        return together(tables) if tables else None

    def _keys(self, session: Session, seen: _Counted, column: str) -> tuple[str, ...]:
        self._rollups.learn(seen)
        known: list[Mapping[str, int]] = []
        files: list[str] = []
        for partition, live in sorted(seen.live.items()):
            # A roll-up's note counts the keys of all of its charges.
            is_whole = partition.connection not in seen.only.connections
            has = self._rollups.of(partition, live.delivery) if is_whole else None
            if has and column in has.knows_keys:
                known.append((has.keys or {}).get(column, {}))
            else:
                files += live.files
        if files:
            table = seen.only.of(session.files(files, _CHARGES))
            rows = session.rows(rollup.keys(table, column, rollup.MOST_KNOWN))
            known.append({row["key"]: row["charges"] for row in rows})
        counts = rollup.added(known)
        return tuple(sorted(counts, key=lambda key: (-counts[key], key)))

    def _once(self, what: tuple[Any, ...], answer: Callable[[Session, _Counted], T], size: Callable[[T], int]) -> T:
        """Answered before, as of the snapshot there is now; or else now, and remembered."""
        seen, bounds = self._counted()
        key = (seen.snapshot, bounds, *what)
        if (found := self._answers.get(key)) is not None:
            return found  # type: ignore[no-any-return]
        with self._slot(self._slots, self._bounds.seconds) as session:
            # While this one waited, another may have asked the same.
            if (found := self._answers.get(key)) is not None:
                return found  # type: ignore[no-any-return]
            made = answer(session, seen)
        self._answers.keep(key, made, size(made))
        return made

    def _counted(self) -> tuple[_Counted, frozenset[Any]]:
        """What is live but the months that do not count; and which those are, with whose charges count."""
        seen, months, only = self._lake.seen(), self._months(), self._only()
        counted = {
            partition: live
            for partition, live in seen.live.items()
            if partition.period.is_within(*months.get(partition.connection, ("", "")))
        }
        return _Counted(seen.snapshot, counted, only), frozenset({*months.items(), only})

    @contextmanager
    def _slot(self, slots: threading.BoundedSemaphore, seconds: float) -> Iterator[Session]:
        wait = self._bounds.wait
        if not slots.acquire(timeout=wait):
            raise Busy(
                f"Other questions are being answered; this one waited {wait:g} seconds.",
                next="Ask again in a moment, or raise OUTLAY_QUESTION_SLOTS.",
                retry_after=max(1, round(wait / 2)),
            )
        try:
            with self._engine.asking(seconds) as session, self._listed(session):
                yield session
        finally:
            slots.release()

    @contextmanager
    def _listed(self, session: Session) -> Iterator[None]:
        with self._lock:
            if self._is_closed:
                raise Busy("Outlay is closing.", next="Ask again when it has started.", retry_after=5)
            self._open.add(session)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(session)


@dataclass(frozen=True)
class _Counted(Seen):
    """What is live and counts, and whose charges of that do."""

    only: Only = field(default_factory=Only)

    @property
    def rest(self) -> _Counted:
        """What would count besides."""
        rest = self.only.rest
        return _Counted(self.snapshot, {each: live for each, live in self.live.items() if rest.holds(each)}, rest)


def _table(session: Session, part: Part, seen: _Counted) -> ir.Table:
    table = seen.only.of(session.files(part.files, part.kind.schema if part.kind else _CHARGES))
    return table.mutate(**{name: ibis.null(TEXT) for name in part.lacking}) if part.lacking else table


class _Known:
    """The notes of roll-ups, each read once: what a delivery has does not change, but for the first being made."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._found: dict[tuple[Partition, str], Rollups] = {}
        self._look_at = 0.0

    def of(self, partition: Partition, delivery: str) -> Rollups | None:
        return self._found.get((partition, delivery))

    def look_again(self) -> None:
        self._look_at = 0.0

    def learn(self, seen: Seen) -> None:
        """Read those that are new. One listing, and not often, tells what there is."""
        with self._lock:
            live = _deliveries(seen.live)
            missing = live - self._found.keys()
            if not missing or time.monotonic() < self._look_at:
                return
            self._look_at = time.monotonic() + _LOOK_AGAIN_SECONDS
            there = sorted(missing & self._lake.rolled_up())
            with ThreadPoolExecutor(_READERS) as readers:
                notes = readers.map(lambda each: rollup.find(self._lake, *each), there)
                found = {each: note for each, note in zip(there, notes, strict=True) if note}
            self._found = {each: note for each, note in self._found.items() if each in live} | found


def _deliveries(live: Mapping[Partition, Live]) -> set[tuple[Partition, str]]:
    return {(partition, each.delivery) for partition, each in live.items()}


class _Answers:
    """The answers asked for last, as many as have `most` rows in all."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], tuple[Any, int]] = OrderedDict()
        self._rows = 0

    def get(self, key: tuple[Any, ...]) -> Any:
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def keep(self, key: tuple[Any, ...], answer: Any, rows: int) -> None:
        # An answer without rows takes room, too.
        size = rows + 10
        with self._lock:
            if key in self._kept or size > self._most:
                return
            self._kept[key] = (answer, size)
            self._rows += size
            while self._rows > self._most:
                _, (_, gone) = self._kept.popitem(last=False)
                self._rows -= gone
