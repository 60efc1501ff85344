"""What the address of an explorer page says: the question, and how it is looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest
from django.urls import reverse

from outlay.costs.answer import text_of
from outlay.costs.drill import into
from outlay.costs.filters import Filter
from outlay.costs.question import WHOLE, Question
from outlay.costs.ranges import ALL
from outlay.errors import UsageError
from outlay.web.explorer.sorting import USUAL_ORDER, Order

Pairs = list[tuple[str, str]]

LOOKS = {"bars": "Bars", "lines": "Lines", "area": "Area"}
METRIC_LABELS = {
    "billed": "Billed cost",
    "effective": "Effective cost",
    "contracted": "Contracted cost",
    "list": "List cost",
    "amortized": "Amortised cost",
    "real": "Real cost",
    "quantity": "Quantity used",
}
# Lines of each currency's table: a page shows the first, and then more.
LINES = (25, 100, 500, 1_000)
# Parameters of the page, beside those of the question.
_OWN = ("look", "lines", "sort", "order")
# What an address without any question asks.
DEFAULT = "by=ServiceName&range=last-12-months"


@dataclass(frozen=True)
class Asked:
    question: Question
    look: str = "bars"
    lines: int = LINES[0]
    order: Order = USUAL_ORDER

    @classmethod
    def read(cls, pairs: Pairs, besides: Iterable[str] = ()) -> Asked:
        """`besides` are further parameters of the page. Raises UsageError naming the parameter."""
        own = dict(pairs)
        if any("\0" in text for pair in pairs for text in pair):
            raise UsageError("The address holds a letter that no bill has.", next="Write it anew.")
        question = Question.from_query(pairs, today=today(), besides=(*_OWN, *besides))
        look, lines = own.get("look") or "bars", own.get("lines") or str(LINES[0])
        if look not in LOOKS:
            raise UsageError(f"There is no chart {look!r}.", next=f"Use one of {', '.join(LOOKS)}.", field="look")
        if lines not in map(str, LINES):
            wanted = ", ".join(map(str, LINES))
            raise UsageError(f"A table has no {lines!r} lines.", next=f"Use one of {wanted}.", field="lines")
        return cls(question, look, int(lines), Order.read(own.get("sort"), own.get("order")).of(question))

    @property
    def query(self) -> str:
        """The whole of it, never empty."""
        own = {
            "look": self.look if self.look != "bars" else "",
            "lines": self.lines if self.lines != LINES[0] else "",
            **self.order.pairs,
        }
        told = urlencode({name: value for name, value in own.items() if value})
        return "&".join(filter(None, (self.question.to_query() or f"range={ALL}", told)))

    @property
    def url(self) -> str:
        return f"{reverse('explorer')}?{self.query}"

    def to(self, question: Question) -> Asked:
        """Another question, looked at in the same way."""
        return Asked(question, self.look, order=self.order.of(question))

    def url_of(self, route: str) -> str:
        return f"{reverse(route)}?{self.query}"


def today() -> date:
    return datetime.now(UTC).date()


def pairs_of(request: HttpRequest) -> Pairs:
    return [(name, str(value)) for name, values in request.GET.lists() for value in values]


def pairs_in(query: str) -> Pairs:
    return parse_qsl(query, keep_blank_values=True)


def url_into(asked: Asked, values: Iterable[object], unit: str | None, period: datetime | None = None) -> str:
    """Where a bar or a row leads: to its parts, or, past resources, to its charges.

    `unit` is that of the bar where the answer has several. The remainder leads nowhere.
    """
    own = [text_of(value) for value in values]
    drilled = asked.to(of_unit(into(asked.question, own, period), unit))
    return drilled.url if drilled.question.by else drilled.url_of("explorer-charges")


def within_period(question: Question, period: datetime) -> Question:
    """The same groups in one period of the answer, seen by shorter ones."""
    if question.steps.kind == WHOLE:
        return question
    whole = into(replace(question, by=(), top=None), (), period)
    return replace(whole, by=question.by, top=question.top)


def of_unit(question: Question, unit: str | None) -> Question:
    """Narrowed to one currency or unit; None is every one."""
    if unit is None:
        return question
    column = question.measure.unit
    others = [each for each in question.filters if each.column != column or each.operator != "="]
    return replace(question, filters=(*others, Filter(column, "=", unit)))
