"""What pages of connections say of numbers. Nothing is rounded where it is a proof."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import template

from outlay.costs.answer import plain
from outlay.period import BillingPeriod

register = template.Library()

_MINUS = "−"
# What the truth table says for a terminal, for who has the page before them.
_ON_SITE: tuple[tuple[str, str], ...] = (
    (r" with outlay connections resume \S+\.", "."),
    (
        r"Look at its access with outlay ingest \S+\.",
        "A worker looks at its access soon; Check now asks for it at once.",
    ),
    (r" with outlay connections add aws\.", "."),
    (r"Bring in its bills with outlay ingest \S+\.", "A worker checks it soon; Check now asks for it at once."),
    (r"Check it now with outlay ingest \S+\.", "Check it now."),
    (r"then run outlay ingest \S+\.", "then check it now."),
    (r"Run outlay ingest \S+ and read what it says\.", "Check it now."),
    (r"check the location with outlay connections show \S+\.", "test its location."),
)


@register.filter
def whole(number: int | None) -> str:
    """`1,234,567`; `–` for none."""
    return "–" if number is None else f"{number:,}"


@register.filter
def finality(state: str) -> str:
    """`final`, `estimated`, or that a bill does not say which."""
    return "not known if final" if state == "unknown" else state


@register.filter
def short_month(period: BillingPeriod) -> str:
    """`Nov 2026`."""
    return f"{period.start:%b %Y}"


@register.filter
def exact(amount: Decimal) -> str:
    """Every digit it has, with thousands apart."""
    text = plain(abs(amount))
    integer, dot, rest = text.partition(".")
    sign = _MINUS if amount < 0 else ""
    return f"{sign}{int(integer):,}{dot}{rest}"


@register.filter
def signed(amount: Decimal) -> str:
    """`+1,234.50`; a change that is less than a cent with every digit."""
    shown = f"{abs(amount):,.2f}" if not amount or abs(amount) >= Decimal("0.005") else plain(abs(amount))
    return f"{'+' if amount > 0 else _MINUS if amount < 0 else ''}{shown}"


@register.filter
def seconds(value: float) -> str:
    """`0.12 s`, `3.4 s`, `2 min 5 s`."""
    if value >= 60:
        return f"{int(value // 60)} min {int(value % 60)} s"
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"


@register.filter
def on_site(text: str) -> str:
    """A next action as buttons of the page do it."""
    for pattern, words in _ON_SITE:
        text = re.sub(pattern, words, text)
    return text


@register.filter
def at(mapping: Any, key: str) -> Any:
    """What a mapping holds for a key; nothing where it holds none."""
    return mapping.get(key)
