"""Telling what there is to tell: one notice at a time, with what changed in a month beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from outlay import connecting
from outlay.app import Outlay
from outlay.errors import OutlayError
from outlay.notices import event as kinds
from outlay.notices.message import message

if TYPE_CHECKING:
    from outlay.notices.event import Event
    from outlay.state.noticing import Taken


def tell_next(o: Outlay) -> str | None:
    """Try the notice that has been due the longest; None when none is, else what came of it, in words."""
    _ = o.memory
    from outlay.state import noticing

    taken = noticing.take()
    return None if taken is None else _tell(o, taken)[1]


def try_channel(o: Outlay, number: int, *, by: str = "") -> tuple[int, bool, str]:
    """Tell a test now: the notice's number, whether it was told, and what came of it, in words. Raises UnknownName."""
    _ = o.memory
    from outlay.state import noticing

    taken = noticing.take_test(number, o.keyring, by=by)
    return (taken.number, *_tell(o, taken))


def _tell(o: Outlay, taken: Taken) -> tuple[bool, str]:
    from outlay.state import noticing

    with _counted(taken.number):
        said = message(str(taken.number), taken.event, _difference(o, taken.event), o.settings.url)
        try:
            taken.opened(o.keyring).send(said)
        except OutlayError as error:
            is_tried_again = noticing.over(taken.number, str(error))
            then = "It is tried again" if is_tried_again else "It is given up"
            return False, f"{taken.channel} could not tell “{said.subject}”: {error.message} {then}."
        noticing.over(taken.number, "")
    return True, f"{taken.channel} told “{said.subject}”."


@contextmanager
def _counted(number: int) -> Iterator[None]:
    """What nobody expected is a try like any other, with its wait and its end; then it goes on to whoever logs it."""
    from outlay.state import noticing

    try:
        yield
    except Exception as error:
        # Its own words may hold a secret.
        noticing.over(number, f"Outlay failed unexpectedly: {type(error).__name__}.")
        raise


def _difference(o: Outlay, event: Event) -> Mapping[str, Any] | None:
    """Of a final month that changed, by service; None when the charges of both are not there any more."""
    if event.kind != kinds.FINAL_CHANGED:
        return None
    try:
        view = connecting.period(o, event.connection, event.month)
        return connecting.compare(o, event.connection, view, event.before, event.after).as_dict()
    except OutlayError:
        # The notice itself matters more.
        return None
