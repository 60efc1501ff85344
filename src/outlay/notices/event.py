"""What is worth a notice, as it is kept until every channel has told it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LATE, FAILING, RECOVERED, REJECTED, FINAL_CHANGED, TEST = (
    "late",
    "failing",
    "recovered",
    "rejected",
    "final-changed",
    "test",
)

# Kind → what the page says of it. A channel is told the kinds that were chosen for it, and each test.
KINDS: Mapping[str, str] = {
    LATE: "A connection turns late",
    FAILING: "A connection turns failing",
    RECOVERED: "A connection that was late or failing is healthy again",
    REJECTED: "A delivery is rejected",
    FINAL_CHANGED: "A final month changes",
}
MOST_FINDINGS = 5


@dataclass(frozen=True)
class Event:
    """`at` is ISO 8601 in UTC, `month` such as `2026-05`. `before` and `after` are the deliveries of a changed month.

    `findings` are messages with what to do, the first few of `finding_count`.
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

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"findings": list(self.findings)}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Event:
        return cls(**{**told, "findings": tuple(told["findings"])})


def of_status(before: str, after: str) -> str | None:
    """The kind of a change of a connection's status; None when nobody has to be told."""
    if after in (LATE, FAILING):
        return after
    return RECOVERED if after == "healthy" and before in (LATE, FAILING) else None
