"""A check of one connection: one listing, a plan against what was decided, and a run for each delivery that is new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from outlay.engine import Engine
from outlay.errors import AccessError, Changed, Denied, DiskFull, NotFound, OutlayError
from outlay.findings import Finding, finding, in_order
from outlay.ingest.fetch import Looker
from outlay.ingest.result import Decided, Memory, Reconciliation, RunResult, Source
from outlay.ingest.run import Run
from outlay.ingest.steps import Observer, Quiet, Steps
from outlay.lake import Lake, Live, Partition
from outlay.layouts import Bucket, Candidate, survey
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage import Place, StoredFile
from outlay.storage.spool import sweep

_TRIES = 4


@dataclass(frozen=True)
class Ingest:
    """Everything that a check needs besides the connection itself."""

    settings: Settings
    lake: Lake
    engine: Engine
    memory: Memory
    observer: Observer = field(default_factory=Quiet)
    accept_empty: bool = False
    # Months before this one, such as `2026-05`, that were never decided are left out.
    first: str = ""

    def check(self, source: Source, place: Place) -> Iterator[RunResult]:
        """Look once at a connection and bring in what changed, newest period first.

        Yields a result for each billing period that the location shows. Nothing is raised for a bad delivery or a place
        that cannot be read: that is a result too, recorded in the memory.
        """
        sweep(self.settings.spool)
        try:
            candidates, findings = self._survey(source, place)
        except OutlayError as error:
            yield self._record(failed(source, None, error))
            return
        if findings:
            outcome = "rejected" if any(each.is_error for each in findings) else "unchanged"
            result = RunResult(source.name, outcome, findings=findings, counts=_counts(findings))  # type: ignore[arg-type]
            yield self._record(result) if result.is_bad else result
        try:
            decided = self._decided(source)
        except OutlayError as error:
            yield self._record(failed(source, None, error))
            return
        if decided and any(each.code == "nothing-found" for each in findings):
            yield self._record(failed(source, None, _gone(source)))
            return
        newest_first = sorted(candidates, key=lambda each: each.period, reverse=True)
        out = {each.period for each in newest_first if each.period.month < self.first} - decided.keys()
        wanted = [each for each in newest_first if each.period not in out]
        left_out = [each for each in newest_first if each.period in out]
        self.observer.found(source.name, _months(wanted), _months(left_out))
        for candidate in wanted:
            yield self._bring(source, place, candidate, decided.get(candidate.period))

    def _survey(self, source: Source, place: Place) -> tuple[tuple[Candidate, ...], tuple[Finding, ...]]:
        steps = Steps(self.observer, source.name)
        with steps.step("list"):
            files = tuple(place.list())

            look = Looker(self.engine, self.settings, place)

            def periods_of(file: StoredFile) -> frozenset[BillingPeriod]:
                known = self.memory.periods_of(source.name, file)
                if known is None:
                    known = look.periods_of(file)
                    self.memory.remember_periods(source.name, file, known)
                return known

            seen = survey(source.kind, Bucket(place, files, source.export, periods_of, look.columns_of))
        return seen.candidates, seen.findings

    def _decided(self, source: Source) -> dict[BillingPeriod, Decided]:
        """What was decided, after catching up on commits whose run was cut off before it was recorded."""
        decided = dict(self.memory.decided(source.name))
        live = {
            partition.period: each
            for partition, each in self.lake.live().items()
            if partition.connection == source.name
        }
        for period, each in live.items():
            known = decided.get(period)
            if known is None or (known.outcome == "committed" and known.delivery != each.delivery):
                decided[period] = self._catch_up(Partition(source.name, period), each)
        return {
            period: each
            for period, each in decided.items()
            # A lake that lost what was committed gets it again.
            if each.outcome != "committed" or each.rows_out == 0 or period in live
        }

    def _catch_up(self, partition: Partition, live: Live) -> Decided:
        note = self.lake.note(partition, live.delivery) or {}
        result = RunResult(
            partition.connection,
            "committed",
            partition.period,
            live.delivery,
            note.get("fingerprint", ""),
            tuple(Finding(**each) for each in note.get("findings", ())),
            note.get("counts", {}),
            Reconciliation.from_dict(note["reconciliation"]) if note.get("reconciliation") else None,
            note.get("state", "unknown"),
            replaced=note.get("replaced"),
        )
        self._record(result)
        return Decided(live.delivery, result.fingerprint, "committed", live.rows)

    def _bring(self, source: Source, place: Place, candidate: Candidate, decided: Decided | None) -> RunResult:
        """Bring in one period's delivery, unless it was decided already; planned anew when it changes under way."""
        if decided and self.accept_empty and decided.outcome == "rejected":
            decided = None
        if decided and decided.fingerprint == candidate.fingerprint:
            return _unchanged(source, candidate, decided)
        started = datetime.now(UTC)
        steps = Steps(self.observer, source.name, candidate.period.id)
        error: OutlayError = Changed("")
        for _ in range(_TRIES):
            try:
                with steps.step("plan"):
                    delivery = candidate.load()
                    live = self.lake.live_of(Partition(source.name, candidate.period))
                if decided and decided.delivery == delivery.id:
                    self.memory.saw(source.name, candidate.period, candidate.fingerprint)
                    return _unchanged(source, candidate, decided)
                if live and live.delivery == delivery.id:
                    # Committed by a run that was cut off before it could record it.
                    self._catch_up(Partition(source.name, candidate.period), live)
                    return _unchanged(
                        source, candidate, Decided(delivery.id, candidate.fingerprint, "committed", live.rows)
                    )
                run = Run(self.settings, self.lake, self.engine, steps, source, place, self.accept_empty)
                result = run.bring(delivery, candidate.fingerprint, expected=live.delivery if live else None)
                return self._finish(result, steps, started)
            except (Changed, NotFound) as changed:
                error = changed
                fresh = self._again(source, place, candidate.period)
                if isinstance(fresh, OutlayError):
                    error = fresh
                    break
                candidate = fresh
            except OutlayError as failure:
                error = failure
                break
        result = failed(source, candidate.period, error)
        return self._finish(replace(result, fingerprint=candidate.fingerprint), steps, started)

    def _again(self, source: Source, place: Place, period: BillingPeriod) -> Candidate | OutlayError:
        try:
            candidates, _ = self._survey(source, place)
        except OutlayError as error:
            return error
        found = [each for each in candidates if each.period == period]
        return (
            found[0] if found else NotFound(f"{place.location} no longer holds {period}.", next="Run the ingest again.")
        )

    def _finish(self, result: RunResult, steps: Steps, started: datetime) -> RunResult:
        finished = replace(result, steps=steps.timings, started=started, finished=datetime.now(UTC))
        with steps.step("record"):
            return self._record(finished)

    def _record(self, result: RunResult) -> RunResult:
        moment = datetime.now(UTC)
        dated = replace(
            result,
            findings=in_order(result.findings),
            started=result.started or moment,
            finished=result.finished or moment,
        )
        self.memory.record(dated)
        return dated


def _gone(source: Source) -> NotFound:
    what = f"bills of {source.export}" if source.export else "bills"
    return NotFound(
        f"{source.location} held {what}, and holds none any more.",
        next="If the report or export was removed, make it again with its name and place, or move the connection to "
        "another. The charges that were brought in stay.",
    )


def _months(candidates: Sequence[Candidate]) -> list[str]:
    return [each.period.month for each in candidates]


def failed(source: Source, period: BillingPeriod | None, error: OutlayError) -> RunResult:
    """A run that could not be done; it is tried again at the next check."""
    told = _as_finding(source, error)
    return RunResult(source.name, "failed", period, findings=(told,), counts={told.code: 1})


_CODES: tuple[tuple[type[OutlayError], str], ...] = (
    (Denied, "access-denied"),
    (NotFound, "source-not-found"),
    (AccessError, "source-unavailable"),
    (Changed, "source-changing"),
    (DiskFull, "disk-full"),
)


def _as_finding(source: Source, error: OutlayError) -> Finding:
    code = next((code for kind, code in _CODES if isinstance(error, kind)), None)
    if code is None:
        return Finding(error.code, "error", error.message, error.next)
    if isinstance(error, Denied) and error.may_pass:
        code = "permission-missing"
    made = finding(code, location=source.location, reason=error.message.rstrip("."), times=_TRIES)
    return replace(made, message=error.message or made.message, next=error.next or made.next)


def _unchanged(source: Source, candidate: Candidate, decided: Decided) -> RunResult:
    return RunResult(source.name, "unchanged", candidate.period, decided.delivery, candidate.fingerprint)


def _counts(findings: tuple[Finding, ...]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in findings:
        counts[each.code] = counts.get(each.code, 0) + 1
    return counts
