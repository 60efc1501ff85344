"""Every error that Outlay raises on purpose, grouped by what the reader does next.

OutlayError
├── UsageError            the call is wrong: change it                       (exit code 2)
│   └── UnknownName           no such connection, period, delivery or column
├── SetupError            the installation is wrong: mend it
│   ├── HomeError             OUTLAY_HOME cannot be used
│   └── CatalogError          the lake's catalog cannot be opened
├── AccessError           a place of bills cannot be read: grant, correct, or wait
│   ├── NotFound              bucket, folder or object is not there
│   ├── Denied                the credentials do not reach it
│   └── Unavailable           the network or the service fails: tried again later
│       └── Unsure                whether it was done is not known: look before it is done again
├── DeliveryError         this delivery is bad: the adaptor or the export has to change
│   └── NotReconciled         charges do not equal the bill: nothing was committed
├── Changed               the source or the lake changed meanwhile: planned again
│   └── Overtaken             another one published meanwhile: publish again
├── PartlyPublished       of several billing periods some were published: publish the others again
├── DiskFull              no room in the spool or the lake: free some
├── Busy                  too much is asked at once: ask again in `retry_after` seconds
├── TooSlow               a question was stopped: ask for less
├── NotSent               a notice could not be told: it is tried again
└── Bug                   Outlay contradicts itself: report it

Errors of other libraries are translated where they arise, with their cause chained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outlay.findings import Finding


class OutlayError(Exception):
    """`message` says what happened and where; `next` what to do. Neither ever holds a secret."""

    exit_code = 1
    code = "outlay-error"

    def __init__(self, message: str, *, next: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next = next

    def __str__(self) -> str:
        return f"{self.message} {self.next}".strip()


class UsageError(OutlayError):
    """`field` names the parameter or form field that is wrong, where there is one."""

    exit_code = 2
    code = "usage"

    def __init__(self, message: str, *, next: str = "", field: str = "") -> None:
        super().__init__(message, next=next)
        self.field = field


class UnknownName(UsageError):
    code = "unknown-name"


class SetupError(OutlayError):
    code = "setup"


class HomeError(SetupError):
    code = "home"


class CatalogError(SetupError):
    code = "catalog"


class AccessError(OutlayError):
    code = "access"


class NotFound(AccessError):
    code = "not-found"


class Denied(AccessError):
    """`reason` is the kind of refusal, where it is known, and `action` the permission that is missing."""

    code = "denied"

    def __init__(self, message: str, *, next: str = "", reason: str = "", action: str = "") -> None:
        super().__init__(message, next=next)
        self.reason = reason
        self.action = action


class Unavailable(AccessError):
    code = "unavailable"


class Unsure(Unavailable):
    code = "unsure"


class DeliveryError(OutlayError):
    """A delivery that cannot be brought in, with the findings that say why."""

    code = "delivery"

    def __init__(self, message: str, *, next: str = "", findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message, next=next)
        self.findings = findings


class NotReconciled(DeliveryError):
    code = "not-reconciled"


class Changed(OutlayError):
    code = "changed"


class Overtaken(Changed):
    code = "overtaken"


class PartlyPublished(OutlayError):
    """`published` and `failed` tell of each billing period, such as `2026-05`, and what came of it."""

    code = "partly-published"

    def __init__(
        self, message: str, *, next: str = "", published: tuple[Any, ...] = (), failed: Mapping[str, OutlayError]
    ) -> None:
        super().__init__(message, next=next)
        self.published = published
        self.failed = failed


class DiskFull(OutlayError):
    code = "disk-full"


class Busy(OutlayError):
    """`retry_after` is in whole seconds."""

    code = "busy"

    def __init__(self, message: str, *, next: str = "", retry_after: int) -> None:
        super().__init__(message, next=next)
        self.retry_after = retry_after


class TooSlow(OutlayError):
    code = "too-slow"


class NotSent(OutlayError):
    code = "not-sent"


class Bug(OutlayError):
    code = "bug"
