"""What is worth a notice, as it is kept until every channel has told it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

LATE, FAILING, RECOVERED, REJECTED, FINAL_CHANGED, OVERLAP, TEST = (
    "late",
    "failing",
    "recovered",
    "rejected",
    "final-changed",
    "overlap",
    "test",
)

# Kind → what the page says of it. A channel is told the kinds that were chosen for it, and each test.
KINDS: Mapping[str, str] = {
    LATE: "A connection turns late",
    FAILING: "A connection turns failing",
    RECOVERED: "A connection that was late or failing is healthy again",
    REJECTED: "A delivery is rejected",
    FINAL_CHANGED: "A final month changes",
    OVERLAP: "Two connections hold the same bill",
}
NO_MONTH = "no known month"
MOST_FINDINGS = 5
# Of a notice of several months: of each one finding, of so many.
MOST_MONTHS = 12


@dataclass(frozen=True)
class Event:
    """`at` is ISO 8601 in UTC, `month` such as `2026-05`. `before` and `after` are the deliveries of a changed month.

    `findings` are messages with what to do, the first few of `finding_count`. `months` are those of several
    deliveries that were rejected in one check; then there is no `month`.
    """

    kind: str
    at: str
    connection: str = ""
    month: str = ""
    reason: str = ""
    next: str = ""
    before: str = ""
    after: str = ""
    findings: Sequence[str] = ()
    finding_count: int = 0
    months: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        lists = {name: list(getattr(self, name)) for name in _LISTS}
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | lists

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Event:
        return cls(**{**told, **{name: tuple(told.get(name, ())) for name in _LISTS}})

    def together_with(self, other: Event) -> Event:
        """One event of what was rejected in this one and in `other`, which is of one month."""
        mine = self if self.months else self._grouped()
        added = other._grouped()
        return replace(
            mine,
            months=(*mine.months, *added.months),
            findings=(*mine.findings, *added.findings)[:MOST_MONTHS],
            finding_count=mine.finding_count + added.finding_count,
        )

    def _grouped(self) -> Event:
        label = self.month or NO_MONTH
        return replace(self, month="", months=(label,), findings=[f"{label}: {each}" for each in self.findings[:1]])


_LISTS = ("findings", "months")


def of_status(before: str, after: str) -> str | None:
    """The kind of a change of a connection's status; None when nobody has to be told."""
    if after in (LATE, FAILING):
        return after
    return RECOVERED if after == "healthy" and before in (LATE, FAILING) else None
