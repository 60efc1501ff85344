"""What is written down of a delivery that a user makes live, before it is: what was decided, who did it, whom to tell.

Who is cut off after that finds another delivery live than was wished for, and may wish again. Were it written down
afterwards, a cut between the two would let the next check undo the wish, and nobody would know who had it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from outlay.period import BillingPeriod
from outlay.state import acts, noticing
from outlay.state.faults import translated
from outlay.state.memory import DatabaseMemory
from outlay.state.models import Act, DecidedPeriod, Notice


@dataclass(frozen=True)
class Begun:
    """The rows that were written, and the period's outcome before; blank when it had none."""

    connection: str
    period: str
    outcome: str
    act: int
    notices: tuple[int, ...]


@translated
@transaction.atomic
def begin(connection: str, period: BillingPeriod, before: str, after: str, by: str) -> Begun:
    """`after` is to be live in place of `before`, which is blank when nothing is."""
    decided = DecidedPeriod.objects.filter(connection_id=connection, period=period.id).first()
    DatabaseMemory().set_aside(connection, period, after)
    said = f"{after} in place of {before or 'nothing'}."
    act = acts.note(connection, by, "reverted", period=period.id, delivery=after, said=said)
    notices = noticing.of_revert(connection, period, before, after)
    return Begun(connection, period.id, decided.outcome if decided else "", act.pk, tuple(each.pk for each in notices))


@translated
@transaction.atomic
def take_back(begun: Begun) -> None:
    """It could not be made live."""
    decided = DecidedPeriod.objects.filter(connection_id=begun.connection, period=begun.period)
    decided.update(outcome=begun.outcome)
    Act.objects.filter(pk=begun.act).delete()
    Notice.objects.filter(pk__in=begun.notices).delete()
