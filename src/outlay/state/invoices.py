"""Amounts of paper invoices, as people typed them."""

from __future__ import annotations

import re
from decimal import Decimal

from django.utils import timezone

from outlay.errors import UsageError
from outlay.period import BillingPeriod
from outlay.state.models import PaperInvoice

_AMOUNT = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_LONGEST = 200


def on_paper(connection: str, period: BillingPeriod) -> dict[tuple[str, str], Decimal]:
    """By invoice id and currency."""
    rows = PaperInvoice.objects.filter(connection_id=connection, period=period.id)
    return {(row.invoice, row.currency): Decimal(row.amount) for row in rows}


def enter(connection: str, period: BillingPeriod, invoice: str, currency: str, amount: str, by: str) -> str:
    """Keep an invoice's amount; a blank one forgets it. Returns it as it is kept. Raises UsageError with the field."""
    invoice, text = invoice.strip(), read_amount(amount)
    if not invoice or len(invoice) > _LONGEST:
        raise UsageError(
            "The invoice has no id.", next="Give the number that stands on it, as the bill names it.", field="invoice"
        )
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise UsageError(
            f"{currency!r} is not a currency.", next="Give three capital letters, such as USD.", field="currency"
        )
    found = PaperInvoice.objects.filter(connection_id=connection, period=period.id, invoice=invoice, currency=currency)
    if not text:
        found.delete()
    else:
        PaperInvoice.objects.update_or_create(
            connection_id=connection,
            period=period.id,
            invoice=invoice,
            currency=currency,
            defaults={"amount": text, "who": by, "at": timezone.now()},
        )
    return text


def read_amount(text: str) -> str:
    """`1,234.50` as `1234.50`; blank stays blank. Raises UsageError."""
    plain = re.sub(r"[,\s'’_]", "", text).replace("−", "-")
    if plain and not _AMOUNT.fullmatch(plain):
        raise UsageError(f"{text!r} is not an amount.", next="Write it with a point, such as 1234.50.", field="amount")
    return plain
