"""Questions that differ in the texts of their filters alone are one query, which is worked out once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from outlay.costs.filters import Filter
from outlay.costs.names import Name
from outlay.costs.question import Question
from outlay.focus.columns import TEXT

# Of the private use area: no name has them, but for one that somebody made up to have them.
_OPEN, _CLOSE = "\ue000", "\ue001"


def marked(question: Question) -> tuple[Question, dict[str, str]]:
    """The question with marks in place of the texts that it looks for, and which mark stands for which text."""
    if any(_OPEN in name for name in (*question.by, *(each.column for each in question.filters))):
        return question, {}
    marks: dict[str, str] = {}
    filters = tuple(_marked(each, marks) for each in question.filters)
    return replace(question, filters=filters), marks


def _marked(asked: Filter, marks: dict[str, str]) -> Filter:
    if asked.is_blank or Name.parse(asked.column).type != TEXT:
        return asked
    first, *more = _marks((asked.value, *asked.more), marks)
    return replace(asked, value=first, more=tuple(more))


def _marks(texts: tuple[str, ...], marks: dict[str, str]) -> Iterator[str]:
    for text in texts:
        mark = f"{_OPEN}{len(marks)}{_CLOSE}"
        marks[mark] = text
        yield mark
