"""What requests with a key were answered, so that one that is sent again gets the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from outlay.state.faults import translated
from outlay.state.models import StreamAnswer

# A request is sent again within minutes, or hours.
_KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP: its status and its JSON."""

    status: int
    told: dict[str, Any]


def digest(key: str) -> str:
    """Keys are as long as whoever sends them likes."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@translated
def answered(connection: str, key: str) -> Answer | None:
    """`key` is a digest."""
    row = StreamAnswer.objects.filter(connection_id=connection, key=key).first()
    return Answer(row.status, row.told) if row else None


@translated
def keep(connection: str, key: str, answer: Answer) -> Answer:
    """The answer that counts: of two that come at once, the first."""
    row, _ = StreamAnswer.objects.get_or_create(
        connection_id=connection,
        key=key,
        defaults={"status": answer.status, "told": _storable(answer.told), "at": timezone.now()},
    )
    return Answer(row.status, row.told)


def _storable(told: Any) -> Any:
    """What a faulty body held and PostgreSQL keeps in no JSON, NUL and half a letter, becomes a sign for that."""
    if isinstance(told, str):
        return "".join("\ufffd" if letter == "\0" or "\ud800" <= letter <= "\udfff" else letter for letter in told)
    if isinstance(told, dict):
        return {_storable(name): _storable(value) for name, value in told.items()}
    return [_storable(each) for each in told] if isinstance(told, list) else told


@translated
def sweep(now: datetime) -> None:
    StreamAnswer.objects.filter(at__lt=now - _KEPT).delete()
