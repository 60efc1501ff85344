"""Where questions are answered: a few at a time, from roll-ups where there are any, each at most once a snapshot.

One desk serves all threads of a process. A question waits for a slot for a bounded time and may take a bounded time.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import ibis
import ibis.expr.types as ir

from outlay.costs import charges as single
from outlay.costs import rollup
from outlay.costs.answer import MOST_ROWS, Answer, answered, check_rows
from outlay.costs.counting import Line
from outlay.costs.counting import counted as that_count
from outlay.costs.marking import marked
from outlay.costs.names import MAPS, Name
from outlay.costs.only import ACCOUNT, PAYER, Only
from outlay.costs.overlap import Bill, Twice
from outlay.costs.payers import bills_of, sums_by_payer
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
from outlay.visit import Visit, current

T = TypeVar("T")
Rows = list[dict[str, Any]]

# Answers that are kept, by the rows they have in all.
MOST_KEPT_ROWS = 100_000
# Of queries, as if each had ten rows: those of questions that people ask again with other values.
MOST_KEPT_TEXTS = 5_000
# How long a file of charges may take, by how long a question may.
_EXPORT = 10
_LOOK_AGAIN_SECONDS = 30
_MENU_SECONDS = 5
_READERS = 8
_CHARGES = ibis.schema({column.name: column.type for column in COLUMNS})


@dataclass(frozen=True)
class Bounds:
    """`slots` questions at once, and how many wait at most, half the site's threads.

    In seconds, how long the questions of one visit wait for their turn, and how long they may take.
    """

    slots: int = 1
    wait: float = 10
    seconds: float = 60
    waiting: int = 16


@dataclass(frozen=True)
class Asked(Generic[T]):
    """A question that is worked out: what the engine has to do for it, and what is made of that."""

    run: Callable[[], Rows]
    made: Callable[[Rows], T]

    def answer(self) -> T:
        return self.made(self.run())


class Desk:
    """Every method may be called by any thread. All raise Busy and TooSlow, and what reading the lake raises."""

    def __init__(
        self,
        lake: Lake,
        engine: Engine,
        bounds: Bounds | None = None,
        months: Callable[[], Mapping[str, tuple[str, str]]] = dict,
        only: Callable[[], Only] = Only,
        lines: Callable[[], tuple[Line, ...]] = tuple,
        twice: Callable[[Mapping[Partition, Live]], Twice] = lambda _: Twice(),
    ) -> None:
        """`months` gives the first and last month that count of each connection with such bounds, `""` for none.

        `only` says whose charges count where not all do, `lines` which connections go on with one another, and `twice`
        what of all that is live counts elsewhere.
        """
        self._lake = lake
        self._engine = engine
        self._months = months
        self._only = only
        self._lines = lines
        self._twice = twice
        self._bounds = bounds or Bounds()
        self._slots = threading.BoundedSemaphore(self._bounds.slots)
        # A file of charges takes long, and would leave no slot for questions.
        self._exports = threading.BoundedSemaphore(1)
        self._chairs = threading.BoundedSemaphore(max(1, self._bounds.waiting))
        self._rollups = _Known(lake)
        self._answers = _Answers(MOST_KEPT_ROWS)
        # Answers whose rows are there, and which another thread draws up.
        self._making: dict[tuple[Any, ...], Future[Any]] = {}
        self._texts = _Answers(MOST_KEPT_TEXTS)
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

        def worked_out(session: Session, seen: _Counted) -> Asked[Answer]:
            most = plain.groups_within({partition.period for partition in seen.live})
            parts = self._parts(session, seen, plain)

            def query(plain: Question) -> ir.Table:
                return summed(_values(parts, plain), plain, most).limit(MOST_ROWS + 1)

            shapes = ("ask", most, seen.only, _shapes(parts))
            return Asked(self._run(session, plain, query, *shapes) if parts else list, made)

        def made(rows: Rows) -> Answer:
            check_rows(len(rows))
            return answered(plain, rows)

        found = self._once(("ask", plain), worked_out, lambda answer: len(answer.rows))
        return replace(found, question=question)

    def left_out(self, question: Question) -> Answer:
        """What the question's answer would have besides, did charges of accounts that are not connected count."""
        plain = replace(question, range=None, compare=False)

        def worked_out(session: Session, seen: _Counted) -> Asked[Answer]:
            parts = self._parts(session, seen.rest, plain) if seen.only.connections else []
            run = _later(session, summed(_values(parts, plain), plain)) if parts else list
            return Asked(run, lambda rows: answered(plain, rows))

        return self._once(("left out", plain), worked_out, lambda answer: len(answer.rows))

    def table(self, question: Question) -> Table:
        """The sums of each group over the whole range, beside those of the period before when that is compared.

        The granularity and `top` of the question do not matter: it has all groups, up to `MAX_VALUES`.
        """
        whole = replace(question, granularity="none", top=None, range=None)

        def worked_out(session: Session, seen: _Counted) -> Asked[Table]:
            now = self._parts(session, seen, whole)
            before = self._parts(session, seen, whole.before()) if whole.compare else []

            def query(whole: Question) -> ir.Table:
                return compared(_values(now, whole), _values(before, whole.before()) if before else [], whole)

            shapes = (_shapes(now), _shapes(before))
            run = self._run(session, whole, query, "table", seen.only, *shapes) if now or before else list
            return Asked(run, lambda rows: tabled(whole, rows, has_before=whole.compare))

        return self._once(("table", whole), worked_out, lambda table: len(table.lines))

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

        def worked_out(session: Session, seen: _Counted) -> Asked[tuple[str, ...]]:
            return self._keys(session, seen, column)

        all_keys = self._once(("keys", column), worked_out, lambda keys: len(keys))
        wanted = search.casefold()
        return tuple(key for key in all_keys if wanted in key.casefold())[:limit]

    def offered_keys(self, limit: int) -> dict[str, tuple[str, ...]]:
        """Keys of each map to choose from, those on most charges first.

        For a menu: it waits for no other question and takes little time, so keys beyond those that roll-ups name may
        be missing.
        """

        def worked_out(session: Session, seen: _Counted) -> Asked[dict[str, tuple[str, ...]]]:
            asked = {column: self._keys(session, seen, column, is_exact=False) for column in MAPS}
            return Asked(lambda: [{column: each.answer() for column, each in asked.items()}], lambda rows: rows[0])

        found = self._once(("menu",), worked_out, lambda keys: sum(map(len, keys.values())), is_patient=False)
        return {column: keys[:limit] for column, keys in found.items()}

    def charges(
        self, question: Question, *, columns: Sequence[str] = (), offset: int = 0, limit: int = 50
    ) -> single.Page:
        """Single charges that count in the answer, of each currency the dearest first.

        `columns` are lake columns, `*` for every one. Raises UsageError for an offset past `charges.LAST`.
        """
        single.check_page(offset, limit)
        names = single.columns_of(question, columns)
        plain = replace(question, by=(), top=None, granularity="none", range=None, compare=False)

        def worked_out(session: Session, seen: _Counted) -> Asked[single.Page]:
            rows = self._rows(session, seen, plain)
            run = _later(session, single.page(rows, plain, names, offset, limit)) if rows is not None else list
            return Asked(run, lambda found: single.paged(question, names, found, offset, limit))

        return self._once(("charges", plain, names, offset, limit), worked_out, lambda page: len(page.rows) * 10)

    def export(self, question: Question, path: Path, *, format: str = "csv", columns: Sequence[str] = ()) -> int:
        """Write the charges that count in the answer into a new file, `csv` or `parquet`. Returns how many.

        Raises UsageError when there are more than `charges.MOST_EXPORTED`.
        """
        if format not in single.MOST_EXPORTED:
            raise UsageError(f"There is no format {format!r}.", next="Use csv or parquet.", field="format")
        names = single.columns_of(question, columns)
        schema = single.schema_of(names)
        plain = replace(question, by=(), top=None, granularity="none", range=None, compare=False)
        with self._session() as session, self._slot(self._exports, session, self._bounds.seconds * _EXPORT):
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
        with self._session() as session, self._slot(self._slots, session, self._bounds.seconds):
            return answer(session)

    def _parts(self, session: Session, seen: _Counted, question: Question) -> list[tuple[Part, ir.Table]]:
        self._rollups.learn(seen)
        usable = seen.only.usable
        parts = plan(question, seen.live, lambda *each: usable(each[0], self._rollups.of(*each)))
        return [(part, _table(session, part, seen)) for part in parts]

    def _run(
        self, session: Session, question: Question, query: Callable[[Question], ir.Table], *shape: Any
    ) -> Callable[[], Rows]:
        """What runs the query, worked out once for all questions like this one, to files of one shape."""
        if not session.texts_last:
            return _later(session, query(question))
        like, marks = marked(question)
        key = (like, *shape)
        if (text := self._texts.get(key)) is None:
            text = session.text(query(like))
            self._texts.keep(key, text, 0)
        return lambda: session.run(text, marks)

    def _rows(self, session: Session, seen: _Counted, question: Question) -> ir.Table | None:
        """The charges that count; None when no file can hold any."""
        parts = plan(question, seen.live, lambda partition, delivery: None)
        tables = [counted(_table(session, part, seen), question, is_cut=part.is_cut) for part in parts]
        return together(tables) if tables else None

    def _keys(self, session: Session, seen: _Counted, column: str, *, is_exact: bool = True) -> Asked[tuple[str, ...]]:
        self._rollups.learn(seen)
        known: list[Mapping[str, int]] = []
        files: list[str] = []
        for partition, live in sorted(seen.live.items()):
            # A roll-up's note counts the keys of all of its charges.
            has = self._rollups.of(partition, live.delivery) if seen.only.is_whole(partition) else None
            if has and (column in has.knows_keys or not is_exact):
                known.append((has.keys or {}).get(column, {}))
            else:
                files += live.files

        def made(rows: Rows) -> tuple[str, ...]:
            counts = rollup.added([*known, {row["key"]: row["charges"] for row in rows}])
            return tuple(sorted(counts, key=lambda key: (-counts[key], key)))

        if not files:
            return Asked(list, made)
        table = seen.only.of(session.files(files, _CHARGES))
        return Asked(_later(session, rollup.keys(table, column, rollup.MOST_KNOWN)), made)

    def _once(
        self,
        what: tuple[Any, ...],
        worked_out: Callable[[Session, _Counted], Asked[T]],
        size: Callable[[T], int],
        *,
        is_patient: bool = True,
    ) -> T:
        """Answered before, as of the snapshot there is now; or else now, and remembered.

        Only the engine's own work takes a slot.
        """
        seen, bounds = self._counted()
        key = (seen.snapshot, bounds, *what)
        if (found := self._answers.get(key)) is not None:
            return found  # type: ignore[no-any-return]
        seconds = self._bounds.seconds if is_patient else min(_MENU_SECONDS, self._bounds.seconds)
        rows: Rows = []
        ours: Future[Any] = Future()
        with self._session() as session:
            asked = worked_out(session, seen)
            with self._slot(self._slots, session, seconds, is_patient=is_patient):
                # While this one waited, another may have asked the same.
                if (found := self._answers.get(key)) is not None:
                    return found  # type: ignore[no-any-return]
                others = self._making.get(key)
                if others is None:
                    rows, self._making[key] = asked.run(), ours
        if others is not None:
            return others.result()  # type: ignore[no-any-return]
        try:
            made = asked.made(rows)
            self._answers.keep(key, made, size(made))
            ours.set_result(made)
        except BaseException as error:
            ours.set_exception(error)
            raise
        finally:
            self._making.pop(key, None)
        return made

    def _counted(self) -> tuple[_Counted, frozenset[Any]]:
        """What is live and counts; and all that decides which that is."""
        seen, months, lines = self._lake.seen(), self._months(), self._lines()
        live, only, elsewhere = counting(seen.live, months, lines, self._only(), self._twice)
        return _Counted(seen.snapshot, live, only), frozenset({*months.items(), only, elsewhere, *lines})

    def held(self, live: Mapping[Partition, Live]) -> dict[Partition, dict[str, Bill]]:
        """What each of these deliveries holds of each payer, counted or not: from roll-ups where there are any."""
        question = Question(by=("x_Connection", PAYER, ACCOUNT), granularity="month")
        with ThreadPoolExecutor(_READERS) as readers:
            notes = readers.map(lambda each: rollup.find(self._lake, *each), sorted(_deliveries(live)))
            has = dict(zip(sorted(_deliveries(live)), notes, strict=True))
        parts = plan(question, live, lambda *each: has[each])
        with self._session() as session, self._slot(self._slots, session, self._bounds.seconds):
            tables = [session.files(part.files, part.kind.schema if part.kind else _CHARGES) for part in parts]
            return bills_of(live, session.rows(sums_by_payer(tables)) if tables else [])

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with self._engine.asking() as session, self._listed(session):
            yield session

    @contextmanager
    def _slot(
        self, slots: threading.BoundedSemaphore, session: Session, seconds: float, *, is_patient: bool = True
    ) -> Iterator[None]:
        ours = current()
        if not slots.acquire(blocking=False):
            self._wait(slots, ours, is_patient)
        began = time.monotonic()
        try:
            with session.limited(max(0, seconds - ours.answering)):
                yield
        finally:
            slots.release()
            ours.answering += time.monotonic() - began

    def _wait(self, slots: threading.BoundedSemaphore, ours: Visit, is_patient: bool) -> None:
        """Wait for a slot. Only so many do, each in a thread that something else may need. Raises Busy."""
        if not is_patient or not self._chairs.acquire(blocking=False):
            raise self._busy("this one could not wait")
        began = time.monotonic()
        try:
            is_free = slots.acquire(timeout=max(0, self._bounds.wait - ours.waited))
        finally:
            self._chairs.release()
            ours.waited += time.monotonic() - began
        if not is_free:
            raise self._busy(f"this one waited {self._bounds.wait:g} seconds")

    def _busy(self, why: str) -> Busy:
        return Busy(
            f"Other questions are being answered; {why}.",
            next="Ask again in a moment, or raise OUTLAY_QUESTION_SLOTS.",
            retry_after=max(1, round(self._bounds.wait / 2)),
        )

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


def counting(
    live: Mapping[Partition, Live],
    months: Mapping[str, tuple[str, str]],
    lines: Iterable[Line],
    only: Only,
    twice: Callable[[Mapping[Partition, Live]], Twice],
) -> tuple[dict[Partition, Live], Only, frozenset[Partition]]:
    """What answers are made of: deliveries, and which of their charges; and what counts elsewhere as a whole.

    All is as `Desk` has it.
    """
    bounded = that_count(live, months, lines)
    found = twice(bounded)
    counted = {partition: each for partition, each in bounded.items() if partition not in found.whole}
    return counted, replace(only, twice=found.some), found.whole


def _later(session: Session, table: ir.Table) -> Callable[[], Rows]:
    text = session.text(table)
    return lambda: session.run(text)


def _values(parts: Sequence[tuple[Part, ir.Table]], question: Question) -> list[ir.Table]:
    return [values(table, question, is_cut=part.is_cut) for part, table in parts]


def _shapes(parts: Sequence[tuple[Part, ir.Table]]) -> tuple[Any, ...]:
    """All of the parts that their queries depend on."""
    return tuple((part.kind, part.lacking, part.is_cut) for part, _ in parts)


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
