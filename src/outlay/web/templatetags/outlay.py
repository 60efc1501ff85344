"""What templates say in one way everywhere: icons, amounts, times."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

_SPANS = ((60, "second"), (60, "minute"), (24, "hour"), (30, "day"), (12, "month"))


@register.simple_tag
def icon(name: str, label: str = "", classes: str = "") -> SafeString:
    """An icon of the sprite. Without a label it is for the eye alone."""
    return format_html(
        '<svg class="icon {}" {} focusable="false"><use href="{}#{}"></use></svg>',
        classes,
        format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"'),
        static("vendor/icons/icons.svg"),
        name,
    )


@register.filter
def money(amount: Decimal | None, currency: str = "") -> str:
    """`1,234.50 USD`; two places, and `–` where there is none."""
    if amount is None:
        return "–"
    shown = f"{amount:,.2f}".replace("-", "−")
    return f"{shown} {currency}".strip()


@register.filter
def ago(moment: datetime | None) -> str:
    """`3 hours ago`, `in 2 minutes`, `never`."""
    if moment is None:
        return "never"
    seconds = (timezone.now() - moment).total_seconds()
    return f"{span(abs(seconds))} ago" if seconds >= 0 else f"in {span(-seconds)}"


@register.filter
def span(seconds: float) -> str:
    """`1 second`, `5 minutes`, `3 months`: the largest unit of which there is a whole one."""
    number, unit = seconds, "second"
    for size, name in _SPANS:
        unit = name
        if number < size:
            break
        number /= size
    else:
        unit = "year"
    whole = int(number)
    return f"{whole} {unit}{'' if whole == 1 else 's'}"


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """`3 hours ago`, with the time itself for whoever wants it."""
    if at is None:
        return "never"
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), f"{at:%Y-%m-%d %H:%M} UTC", ago(at))


@register.filter
def month(period: Any) -> str:
    """`May 2026` for `20260501-20260601` or `2026-05`."""
    digits = str(period).replace("-", "")
    return f"{datetime(int(digits[:4]), int(digits[4:6]), 1):%B %Y}"  # noqa: DTZ001 - a month has no zone
