"""What a command asks before it does what cannot be undone."""

from __future__ import annotations

import sys
from collections.abc import Callable

from outlay.errors import UsageError


def ask_name(
    name: str,
    *,
    is_silent: bool,
    left: str = "nothing was removed",
    tell: Callable[[], None] = lambda: None,
) -> None:
    """Raises UsageError unless the user types the name. `tell` says first what removing it means."""
    _check_asks(f"Removing {name}", is_silent=is_silent)
    tell()
    typed = _typed(f"Type {name} to go on: ")
    if typed != name:
        raise UsageError(f"{typed!r} is not {name}: {left}.", next="Run the command again.")


def ask_yes(doing: str, prompt: str, *, left: str, is_silent: bool = False) -> None:
    """Raises UsageError unless the user types yes."""
    _check_asks(doing, is_silent=is_silent)
    if _typed(prompt).lower() != "yes":
        raise UsageError(f"{left}.", next="Run the command again.")


def _check_asks(doing: str, *, is_silent: bool) -> None:
    if is_silent or not sys.stdin.isatty():
        raise UsageError(f"{doing} wants a confirmation.", next="Add --yes when you are sure.")


def _typed(prompt: str) -> str:
    try:
        return input(prompt).strip()
    except EOFError:
        return ""
