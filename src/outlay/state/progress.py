"""How far a check has come, as it is kept in the database and shown while it runs. Knows nothing of Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

State = Literal["working", "done", "stopped", "interrupted", "failed"]

UNITS = {"fetch": "bytes", "check": "rows"}


@dataclass
class Progress:
    """`months` are those looked at, such as `2026-05`, in order, with their outcomes; blank: none yet.

    `month` and `step` are under way. `done` counts `unit`s of the step, out of `of`, which is 0 when nobody knows.
    `left_out` are months that are there, were never brought in, and are not.
    """

    began: datetime
    state: State = "working"
    ended: datetime | None = None
    month: str = ""
    step: str = ""
    done: int = 0
    of: int = 0
    months: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        return UNITS.get(self.step, "")

    @property
    def is_working(self) -> bool:
        return self.state == "working"

    @property
    def months_done(self) -> int:
        return sum(outcome != "" for outcome in self.months.values())

    @property
    def waiting(self) -> tuple[str, ...]:
        """Months that have no outcome."""
        return tuple(month for month, outcome in self.months.items() if not outcome)

    def said(self) -> str:
        """One sentence for people."""
        return _SAID[self.state](self)

    def as_dict(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "began": self.began.isoformat(),
            "ended": self.ended.isoformat() if self.ended else None,
            "month": self.month or None,
            "step": self.step or None,
            "done": self.done,
            "of": self.of or None,
            "unit": self.unit or None,
            "months_done": self.months_done,
            "months_of": len(self.months),
            "months": [{"month": month, "outcome": outcome or None} for month, outcome in self.months.items()],
            "left_out": list(self.left_out),
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Progress:
        return cls(
            datetime.fromisoformat(told["began"]),
            told["state"],
            datetime.fromisoformat(told["ended"]) if told["ended"] else None,
            told["month"] or "",
            told["step"] or "",
            told["done"],
            told["of"] or 0,
            {each["month"]: each["outcome"] or "" for each in told["months"]},
            tuple(told["left_out"]),
        )


def _working(progress: Progress) -> str:
    doing = f"{progress.month} {progress.step}".strip() or "beginning"
    return f"Working: {doing}; {progress.months_done} of {len(progress.months)} months looked at."


def _done(progress: Progress) -> str:
    return f"{len(progress.months)} months looked at.{_left(progress)}"


def _stopped(progress: Progress) -> str:
    return f"Stopped after {progress.months_done} of {len(progress.months)} months.{_left(progress)}"


def _interrupted(progress: Progress) -> str:
    return f"Interrupted after {progress.months_done} of {len(progress.months)} months; the next check goes on."


def _failed(progress: Progress) -> str:
    return f"Failed after {progress.months_done} of {len(progress.months)} months; it is tried again."


def _left(progress: Progress) -> str:
    if not progress.left_out:
        return ""
    return f" Not brought in: {', '.join(progress.left_out)}."


_SAID = {
    "working": _working,
    "done": _done,
    "stopped": _stopped,
    "interrupted": _interrupted,
    "failed": _failed,
}
