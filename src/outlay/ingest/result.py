"""What is known of a connection before a run, and what a run leaves behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol

from outlay.findings import Finding
from outlay.period import BillingPeriod
from outlay.storage import Location, StoredFile

Outcome = Literal["committed", "unchanged", "rejected", "failed"]
PeriodState = Literal["estimated", "final", "unknown"]


@dataclass(frozen=True)
class Source:
    """A connection as ingest sees it: where its bills lie and what they do not say themselves."""

    name: str
    kind: str
    location: Location
    export: str | None = None
    cloud_provider: str | None = None
    currency: str = "USD"


@dataclass(frozen=True)
class Decided:
    """The last delivery of a period that was decided: committed, rejected, or set aside when a user reverted."""

    delivery: str
    fingerprint: str
    outcome: str
    rows_out: int


@dataclass(frozen=True)
class Reconciliation:
    """Rows and amounts, in the bill and in the charges.

    `rows_in - dropped + split = rows_out`; `sums` are per currency and cost column, `accounts` per account besides.
    `tolerance` is the most that rounding beyond 18 places may make of a difference; zero when nothing was rounded.
    """

    rows_in: int
    rows_out: int
    dropped: Mapping[str, int]
    split: Mapping[str, int]
    sums: Mapping[str, Mapping[str, tuple[Decimal, Decimal]]]
    accounts: Sequence[tuple[str | None, str | None, Mapping[str, tuple[Decimal, Decimal]]]] = ()
    tolerance: Decimal = Decimal(0)

    @property
    def rows_agree(self) -> bool:
        return self.rows_in - sum(self.dropped.values()) + sum(self.split.values()) == self.rows_out

    @property
    def holds(self) -> bool:
        return self.rows_agree and not list(self.differences())

    def differences(self) -> Sequence[tuple[str | None, str | None, str, Decimal, Decimal]]:
        """Currency, account, column, amount in the bill, amount in the charges: wherever they are not equal."""
        return [
            (currency, account, column, told, found)
            for currency, account, sums in self.accounts
            for column, (told, found) in sums.items()
            if abs(told - found) > self.tolerance
        ]

    def as_dict(self) -> dict[str, Any]:
        return {
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "dropped": dict(self.dropped),
            "split": dict(self.split),
            "tolerance": amount(self.tolerance),
            "sums": {currency: _in_and_out(sums) for currency, sums in self.sums.items()},
            "accounts": [
                {"currency": currency, "account": account, "sums": _in_and_out(sums)}
                for currency, account, sums in self.accounts
            ],
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Reconciliation:
        return cls(
            told["rows_in"],
            told["rows_out"],
            told["dropped"],
            told["split"],
            {currency: _pairs(sums) for currency, sums in told["sums"].items()},
            [(each["currency"], each["account"], _pairs(each["sums"])) for each in told["accounts"]],
            Decimal(told["tolerance"]),
        )


@dataclass(frozen=True)
class RunResult:
    """One attempt to bring in one delivery. `period` and `delivery` are None when it failed before they were known."""

    connection: str
    outcome: Outcome
    period: BillingPeriod | None = None
    delivery: str | None = None
    fingerprint: str = ""
    findings: tuple[Finding, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    reconciliation: Reconciliation | None = None
    state: PeriodState = "unknown"
    steps: tuple[tuple[str, float], ...] = ()
    started: datetime | None = None
    finished: datetime | None = None
    # The delivery that was live until this one was committed.
    replaced: str | None = None

    @property
    def is_bad(self) -> bool:
        return self.outcome in ("rejected", "failed")

    def as_dict(self) -> dict[str, Any]:
        """The shape of `outlay ingest --json`."""
        counted = self.reconciliation
        return {
            "connection": self.connection,
            "period": self.period.id if self.period else None,
            "delivery": self.delivery,
            "outcome": self.outcome,
            "rows_in": counted.rows_in if counted else 0,
            "dropped": dict(counted.dropped) if counted else {},
            "split": dict(counted.split) if counted else {},
            "rows_out": counted.rows_out if counted else 0,
            "findings": [finding.as_dict() for finding in self.findings],
            "finding_counts": dict(self.counts),
        }


class Memory(Protocol):
    """What is remembered of a connection between runs. Kept by `state`; a dictionary will do for a test."""

    def decided(self, connection: str) -> Mapping[BillingPeriod, Decided]: ...

    def record(self, result: RunResult) -> None:
        """Keep the run, and let its delivery be the decided one of its period unless the run failed."""
        ...

    def saw(self, connection: str, period: BillingPeriod, fingerprint: str) -> None:
        """The decided delivery of a period has a new fingerprint: nothing in it has changed."""
        ...

    def periods_of(self, connection: str, file: StoredFile) -> frozenset[BillingPeriod] | None:
        """Which periods the rows of a loose file belong to; None when this version of it was never read."""
        ...

    def remember_periods(self, connection: str, file: StoredFile, periods: frozenset[BillingPeriod]) -> None: ...


def amount(value: Decimal) -> str:
    """A decimal as people write it: no exponent, no zeros at the end."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _in_and_out(sums: Mapping[str, tuple[Decimal, Decimal]]) -> dict[str, dict[str, str]]:
    return {column: {"in": amount(told), "out": amount(found)} for column, (told, found) in sums.items()}


def _pairs(sums: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[Decimal, Decimal]]:
    return {column: (Decimal(pair["in"]), Decimal(pair["out"])) for column, pair in sums.items()}
