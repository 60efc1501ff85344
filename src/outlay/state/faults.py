"""What the state's database raises, translated once, at the edge: around each function that asks it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import connection
from django.db.utils import DatabaseError, InterfaceError, OperationalError

from outlay.databases import fault
from outlay.errors import OutlayError, SetupError

Given = ParamSpec("Given")
Result = TypeVar("Result")


def translated(asking: Callable[Given, Result]) -> Callable[Given, Result]:
    """`asking`, but it raises DiskFull or SetupError where its database cannot do what it is asked."""

    @functools.wraps(asking)
    def call(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return asking(*args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            ours = in_our_words(error)
            if ours is None:
                raise
            raise ours from error

    return call


def in_our_words(error: Exception) -> OutlayError | None:
    """None for what no state of the database brings about, such as a broken constraint: that is a bug."""
    place = f"The database {_shown()}"
    known = fault(error.__cause__, place)
    if known is None and isinstance(error, (OperationalError, InterfaceError)):
        return SetupError(
            f"{place} failed: {_first_line(error)}.",
            next="Check that it runs, run outlay doctor, then do it again: nothing was half done.",
        )
    return known


def _shown() -> str:
    """Without user and password."""
    said = connection.settings_dict
    return "/".join(str(part) for part in (said["HOST"], said["NAME"]) if part)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
