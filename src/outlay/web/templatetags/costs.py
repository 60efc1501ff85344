"""How amounts, changes and shares are shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from outlay.costs.answer import plain, text_of
from outlay.costs.overlap import Overlap
from outlay.web.explorer import columns

register = template.Library()

_NONE = "–"
_INERT = {ord(letter): f"\\u{ord(letter):04X}" for letter in "<>&"}
_PLACES = 6


@register.filter
def fine(amount: Decimal | None) -> str:
    """`1,234.50`; below one as many as six places: `0.000123`."""
    if amount is None:
        return _NONE
    if amount == 0 or abs(amount) >= 1:
        return f"{amount:,.2f}".replace("-", "−")
    whole, _, places = plain(round(amount, _PLACES)).partition(".")
    return f"{whole}.{places.ljust(2, '0')}".replace("-", "−")


@register.filter
def signed(amount: Decimal | None) -> str:
    """`+1,234.50`, `−3.00`, `0.00`."""
    if amount is None:
        return _NONE
    return f"{amount:+,.2f}".replace("-", "−").replace("+0.00", "0.00").replace("−0.00", "0.00")


@register.filter
def percents(share: Decimal | None) -> str:
    return _NONE if share is None else f"{share:,.1f} %".replace("-", "−")


@register.filter
def signed_percents(share: Decimal | None) -> str:
    return _NONE if share is None else f"{share:+,.1f} %".replace("-", "−")


@register.filter
def other_than(overlap: Overlap, name: str) -> str:
    """The other of its two connections."""
    return overlap.newer if overlap.older == name else overlap.older


@register.filter
def direction(change: Decimal | None) -> str:
    """The icon of a change."""
    return "" if not change else "trending-up" if change > 0 else "trending-down"


@register.filter
def width(share: Decimal | None) -> int:
    """0 to 100, of a share that may be none, negative or more than the whole."""
    return 0 if share is None else max(0, min(100, round(share)))


@register.filter
def colour(series: int | None) -> str:
    """The class of a series' colour; ten take turns."""
    return "outlay-series-rest" if series is None else f"outlay-series-{series % 10}"


@register.filter
def called(column: str) -> str:
    return columns.label(column)


@register.filter
def item(values: Mapping[str, Any], name: str) -> Any:
    """A template cannot look up by a variable."""
    return values[name]


@register.simple_tag
def options(groups: Iterable[columns.Group], chosen: str = "") -> SafeString:
    """The options of a select. There are hundreds on a page, and a template takes long for each."""
    made = [
        f'<optgroup label="{escape(title)}">{"".join(_option(name, label, chosen) for name, label in names)}</optgroup>'
        for title, names in groups
    ]
    return mark_safe("".join(made))  # noqa: S308 - each text is escaped


def _option(name: str, label: str, chosen: str) -> str:
    return f'<option value="{escape(name)}"{" selected" if name == chosen else ""}>{escape(label)}</option>'


@register.filter
def as_json(data: Any) -> SafeString:
    """For the text of an element: nothing in it can end that."""
    text = json.dumps(data, separators=(",", ":"))
    return mark_safe(text.translate(_INERT))  # noqa: S308 - what HTML would read is escaped as JSON has it


@register.filter
def told(value: Any) -> str:
    """Any value of a charge as text."""
    return text_of(value) or ""
