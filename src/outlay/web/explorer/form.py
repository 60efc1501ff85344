"""The form of the question: what it shows, also when the address is wrong, and what it sends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from outlay.costs.address import FILTERS, USUAL_TOP
from outlay.costs.desk import Desk
from outlay.costs.filters import Filter
from outlay.costs.metrics import DEFAULT as USUAL_METRIC
from outlay.costs.metrics import METRICS
from outlay.costs.question import DEFAULT_GRANULARITY, Question
from outlay.costs.ranges import ALL, RANGES
from outlay.focus.columns import CHARGE_CATEGORIES
from outlay.web.explorer import columns
from outlay.web.explorer.asking import LOOKS, METRIC_LABELS, Asked, Pairs

# Sent by the form alone: what it sends is not yet an address.
SENT = "go"
CUSTOM = "custom"
OPERATORS = {
    "is": "is",
    "not": "is not",
    "contains": "contains",
    "empty": "is empty",
    "filled": "is not empty",
}
_WITHOUT_VALUE = ("empty", "filled")
_SAID = {"=": "is", "!=": "is not", "~": "contains"}
GRANULARITIES = {"hour": "Hour", "day": "Day", "week": "Week", "month": "Month", "quarter": "Quarter"}
TOPS = ("5", "10", "20", "50", "100")


def address_of(sent: Pairs) -> Pairs:
    """What the form sent as the parameters of an address."""
    own = dict(sent)
    is_custom = own.get("range") == CUSTOM
    left_out = _OF_THE_FORM | ({"range"} if is_custom else {"from", "to"})
    # A list of values that was shown holds every value of its filter, so that one can be taken away, too.
    left_out |= {own["listed"]} if own.get("listed") == _new_name(own) else set()
    return [(name, value) for name, value in sent if value and name not in left_out] + _new_filter(sent, own)


_OF_THE_FORM = {SENT, "new-column", "new-operator", "new-value", "search", "listed"}


def _new_name(own: dict[str, str]) -> str:
    return f"{own.get('new-operator', '')}.{own.get('new-column', '').strip()}"


def _new_filter(sent: Pairs, own: dict[str, str]) -> Pairs:
    if not own.get("new-column", "").strip() or own.get("new-operator") not in OPERATORS:
        return []
    name = _new_name(own)
    if own["new-operator"] in _WITHOUT_VALUE:
        return [(name, "1")]
    return [(name, value) for each, value in sent if each == "new-value" and value]


@dataclass(frozen=True)
class Chip:
    """One filter in words, with the address of the page without it."""

    text: str
    url: str


def chips(asked: Asked) -> list[Chip]:
    return [Chip(told(each), asked.to(without(asked.question, each)).url) for each in asked.question.filters]


def told(each: Filter) -> str:
    name = columns.label(each.column)
    if each.is_blank and each.operator != "~":
        return f"{name} is {'' if each.operator == '=' else 'not '}empty"
    return f"{name} {_SAID[each.operator]} {' or '.join((each.value, *each.more))}"


def without(question: Question, gone: Filter) -> Question:
    return replace(question, filters=tuple(each for each in question.filters if each != gone))


def shown(desk: Desk, pairs: Iterable[tuple[str, str]], asked: Asked | None) -> dict[str, Any]:
    """What the form's fields hold: of the question, or of an address that is none."""
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    single = {name: values[-1] for name, values in given.items()}
    first, second = [*given.get("by", []), "", ""][:2]
    question = asked.question if asked else None
    is_custom = "from" in single or "to" in single
    return {
        "metrics": [(name, METRIC_LABELS[name], metric.about) for name, metric in METRICS.items()],
        "metric": single.get("metric", USUAL_METRIC),
        "columns": columns.choices(desk, (first, second)),
        "by": ((1, "Group by", first), (2, "Then by", second)),
        "granularities": _offered(GRANULARITIES, single.get("granularity", DEFAULT_GRANULARITY)),
        "granularity": single.get("granularity", DEFAULT_GRANULARITY),
        "ranges": [*((each.name, each.label) for each in RANGES.values()), (CUSTOM, "Custom days")],
        "range": CUSTOM if is_custom else single.get("range", ALL),
        "is_custom": is_custom,
        "from": question.start if question else single.get("from"),
        "to": question.end if question else single.get("to"),
        "compare": "compare" in single,
        "tops": [(each, f"Top {each}") for each in dict.fromkeys((*TOPS, *given.get("top", []))) if each != "all"],
        "top": single.get("top", str(USUAL_TOP)),
        "categories": [(each, each in given.get("category", CHARGE_CATEGORIES)) for each in CHARGE_CATEGORIES],
        "looks": LOOKS,
        "look": single.get("look", "bars"),
        "order": [(name, single[name]) for name in ("sort", "order") if name in single],
        "filters": [(name, value) for name, values in given.items() if _is_filter(name) for value in values],
        "operators": OPERATORS,
        "sent": SENT,
    }


def _offered(offers: dict[str, str], chosen: str) -> list[tuple[str, str]]:
    more = {} if chosen in offers else {chosen: "Whole range" if chosen == "none" else chosen}
    return [*offers.items(), *more.items()]


def _is_filter(name: str) -> bool:
    return name == "where" or name.partition(".")[0] in FILTERS
