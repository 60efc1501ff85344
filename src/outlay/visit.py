"""What belongs to one request of the site: all that it asks sees one state of the lake, and shares one deadline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Visit:
    """`seen` is what was live, by lake; `waited` and `answering` are seconds, of all its questions together."""

    seen: dict[Any, Any] = field(default_factory=dict)
    waited: float = 0.0
    answering: float = 0.0


_CURRENT: ContextVar[Visit | None] = ContextVar("visit", default=None)


@contextmanager
def visit() -> Iterator[Visit]:
    """Whatever this thread asks within it belongs together."""
    made = Visit()
    token = _CURRENT.set(made)
    try:
        yield made
    finally:
        _CURRENT.reset(token)


def current() -> Visit:
    """The visit that is under way; outside of any, one of the caller's own."""
    return _CURRENT.get() or Visit()
