"""A question as the query string of an address, and back.

```
metric=billed&by=ServiceName&by=Tags.team&granularity=day&range=last-30-days&compare=before&category=Usage&top=5
&is.RegionId=us-east-1&is.RegionId=eu-west-1&not.ServiceName=Support&contains.Tags.app=web&empty.Tags.team=1
```

`from` and `to` stand in place of `range` for days of one's own. What is as usual is left out: the effective cost by
month of all there is, with the 10 largest groups. Several values of one parameter are alternatives, but for `not`,
where none of them may be. Equal questions have the same address.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

from outlay.costs import metrics, ranges
from outlay.costs.filters import Filter
from outlay.costs.question import DEFAULT_GRANULARITY, Question, first_day, last_day
from outlay.errors import UsageError

Params = str | Iterable[tuple[str, str]] | Mapping[str, str | Sequence[str]]
T = TypeVar("T")

MOST_COLUMNS = 2
USUAL_TOP = 10
MOST_TOP = 100
MOST_VALUES = 200
LONGEST_VALUE = 2_000
_EVERY = "all"

SINGLE = ("metric", "granularity", "range", "from", "to", "compare", "top")
REPEATED = ("by", "category", "where")
# The first word of a filter's parameter; after a dot comes its column.
FILTERS = ("is", "not", "contains", "empty", "filled")
_NAMES = (*SINGLE, *REPEATED, *(f"{word}.<column>" for word in FILTERS))


def read(params: Params, *, today: date, besides: Iterable[str] = ()) -> Question:
    """See `Question.from_query`."""
    given = _given(params, frozenset(besides))
    single = {name: _only(name, given) for name in SINGLE}
    start, end = _days(single["range"], single["from"], single["to"], today)
    metric = single["metric"] or metrics.DEFAULT
    granularity = single["granularity"] or DEFAULT_GRANULARITY
    categories = tuple(given.get("category", ()))
    # Each part by itself first, so that the one at fault can be named.
    _of("metric", lambda: Question(metric=metric))
    _of("granularity", lambda: Question(granularity=granularity))
    _of("category", lambda: Question(categories=categories))
    by = _columns(given.get("by", []))
    filters = _filters(given)
    top = _top(single["top"], by)
    compare = _compare(single["compare"])
    named = None if single["range"] == ranges.ALL else single["range"]
    question = _of(
        "to", lambda: Question(metric, by, granularity, start, end, filters, top, categories, named, compare)
    )
    ranges.check_length(granularity, start, end)
    if question.compare:
        question.before()
    return question


def write(question: Question) -> str:
    """See `Question.to_query`."""
    usual_top = USUAL_TOP if question.by else None
    pairs: list[tuple[str, str]] = []
    pairs += [("metric", question.metric)] if question.metric != metrics.DEFAULT else []
    pairs += [("by", name) for name in question.by]
    pairs += [("granularity", question.granularity)] if question.granularity != DEFAULT_GRANULARITY else []
    if question.range:
        pairs.append(("range", question.range))
    else:
        pairs += [("from", question.start.isoformat())] if question.start else []
        pairs += [("to", question.end.isoformat())] if question.end else []
    pairs += [("compare", "before")] if question.compare else []
    pairs += [("category", category) for category in question.categories]
    pairs += [("top", str(question.top or _EVERY))] if question.top != usual_top else []
    return urlencode([*pairs, *_filter_pairs(question.filters)])


def _given(params: Params, besides: frozenset[str]) -> dict[str, list[str]]:
    """Values by parameter, those left blank by a form taken away, but for those of filters by value."""
    found: dict[str, list[str]] = {}
    for name, value in _pairs(params):
        if name in besides:
            continue
        word, dot, column = name.partition(".")
        is_filter = bool(dot) and word in FILTERS and bool(column)
        if not is_filter and name not in SINGLE and name not in REPEATED:
            near = difflib.get_close_matches(name, _NAMES, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise UsageError(
                f"A question has no parameter {name!r}.", next=f"{hint}It takes {', '.join(_NAMES)}.", field=name
            )
        if len(value) > LONGEST_VALUE:
            raise UsageError(
                f"A value of {name} has {len(value):,} letters.", next=f"Use at most {LONGEST_VALUE:,}.", field=name
            )
        if value:
            found.setdefault(name, []).append(value)
    if (count := sum(map(len, found.values()))) > MOST_VALUES:
        raise UsageError(f"The question has {count} values.", next=f"Use at most {MOST_VALUES}.", field="where")
    return found


def _pairs(params: Params) -> Iterable[tuple[str, str]]:
    if isinstance(params, str):
        try:
            return parse_qsl(params.removeprefix("?"), keep_blank_values=True, errors="strict", max_num_fields=1_000)
        except ValueError as error:
            raise UsageError(
                "The address is no query string in UTF-8, or has more than 1,000 parts.", next="Write it anew."
            ) from error
    if isinstance(params, Mapping):
        return [
            (name, each)
            for name, values in params.items()
            for each in ([values] if isinstance(values, str) else values)
        ]
    return params


def _only(name: str, given: Mapping[str, list[str]]) -> str | None:
    values = given.get(name, [])
    if len(set(values)) > 1:
        raise UsageError(f"{name} is given as {' and '.join(values)}.", next="Give it once.", field=name)
    return values[0] if values else None


def _days(named: str | None, start: str | None, end: str | None, today: date) -> tuple[date | None, date | None]:
    if named is None:
        return (
            _of("from", lambda: first_day(start) if start else None),
            _of("to", lambda: last_day(end) if end else None),
        )
    if start or end:
        raise UsageError(
            f"The days are given twice: by range {named} and by {'from' if start else 'to'}.",
            next="Leave one of them out.",
            field="range",
        )
    if named not in ranges.RANGES:
        raise UsageError(f"There is no range {named!r}.", next=f"Use one of {', '.join(ranges.RANGES)}.", field="range")
    days = ranges.RANGES[named].days
    return days(today) if days else (None, None)


def _columns(by: Sequence[str]) -> tuple[str, ...]:
    found = _of("by", lambda: Question(by=tuple(by))).by
    if len(found) > MOST_COLUMNS:
        raise UsageError(
            f"Grouped by {len(found)} columns: {', '.join(found)}.", next=f"Use at most {MOST_COLUMNS}.", field="by"
        )
    return found


def _top(text: str | None, by: tuple[str, ...]) -> int | None:
    if not by or text == _EVERY:
        return None
    if text is None:
        return USUAL_TOP
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_TOP)) and 1 <= int(text) <= MOST_TOP):
        raise UsageError(
            f"The top {text!r} is no number from 1 to {MOST_TOP}.", next=f"Write one, or {_EVERY}.", field="top"
        )
    return int(text)


def _compare(text: str | None) -> bool:
    if text not in (None, "before"):
        raise UsageError(f"Nothing is compared with {text!r}.", next="Write compare=before.", field="compare")
    return text is not None


def _filters(given: Mapping[str, list[str]]) -> tuple[Filter, ...]:
    """In the order of the address, so that equal questions are equal."""
    found = {each for name, values in given.items() for each in _of(name, partial(_filters_of, name, values))}
    return tuple(sorted(found, key=_place))


def _filters_of(name: str, values: list[str]) -> list[Filter]:
    word, _, column = name.partition(".")
    if name == "where":
        return [Filter.parse(value) for value in values]
    return list(_READ[word](column, values)) if word in _READ else []


_READ: dict[str, Callable[[str, list[str]], Iterable[Filter]]] = {
    "is": lambda column, values: [Filter(column, "=", value) for value in values],
    "not": lambda column, values: [Filter(column, "!=", value) for value in values],
    "contains": lambda column, values: [_containing(column, values)],
    "empty": lambda column, values: [Filter(column, "=", "")],
    "filled": lambda column, values: [Filter(column, "!=", "")],
}


def _containing(column: str, values: list[str]) -> Filter:
    first, *more = sorted(set(values))
    return Filter(column, "~", first, tuple(more))


def _filter_pairs(filters: Iterable[Filter]) -> list[tuple[str, str]]:
    """Two filters by `~` on one column must both hold: the second is written as `where`, which is one by itself."""
    pairs: list[tuple[str, str]] = []
    containing: set[str] = set()
    for each in sorted(set(filters), key=_place):
        word = _word(each)
        if each.more and each.column in containing:
            raise UsageError(f"{each} has no place in an address.", next="Write it as one filter a text.")
        if word == "contains" and (each.column in containing or not each.value):
            pairs.append(("where", str(each)))
            continue
        containing |= {each.column} if word == "contains" else set()
        pairs += [(f"{word}.{each.column}", value or "1") for value in (each.value, *each.more)]
    return pairs


_WORDS = {
    ("=", False): "is",
    ("!=", False): "not",
    ("~", False): "contains",
    ("=", True): "empty",
    ("!=", True): "filled",
}


def _word(each: Filter) -> str:
    return _WORDS[each.operator, each.is_blank and each.operator != "~"]


def _place(each: Filter) -> tuple[object, ...]:
    return FILTERS.index(_word(each)), each.column, -len(each.more), str(each)


def _of(field: str, make: Callable[[], T]) -> T:
    """What `make` makes; when that is wrong, say in which parameter."""
    try:
        return make()
    except UsageError as error:
        error.field = error.field or field
        raise
