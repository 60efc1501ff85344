"""The charges of a month against its paper invoices."""

from __future__ import annotations

from decimal import Decimal

import pytest

from outlay.costs.invoices import ByValue, Invoice, invoices


def one(currency: str, charges: str, on_paper: str, nameless: str = "0") -> Invoice:
    """The invoice `I-1`, with all its charges of one value; others name no invoice."""
    found: ByValue = {("I-1", "web", currency): Decimal(charges), (None, "web", currency): Decimal(nameless)}
    return invoices(lambda _: found, {("I-1", currency): Decimal(on_paper)})[0]


@pytest.mark.parametrize(
    ("currency", "charges", "on_paper", "difference"),
    [
        ("USD", "10.125", "10.13", "0"),
        ("USD", "10.1249", "10.13", "-0.01"),
        ("USD", "-10.125", "-10.13", "0"),
        ("USD", "10.1254", "10.125", "0"),
        ("JPY", "1234.5", "1235", "0"),
        ("KWD", "10.1255", "10.126", "0"),
        ("KWD", "10.13", "10.130", "0"),
    ],
)
def test_charges_are_rounded_as_an_invoice_is(currency: str, charges: str, on_paper: str, difference: str) -> None:
    found = one(currency, charges, on_paper)
    assert found.difference == Decimal(difference)
    assert found.is_equal == (difference == "0")


def test_what_is_missing_may_be_what_names_no_invoice() -> None:
    found = one("USD", "100", "120.01", nameless="20.005")
    assert found.where == "The charges that name no invoice come to just that."
    assert [(part.column, part.amount) for part in found.parts if part.is_it] == [("InvoiceId", Decimal("20.005"))]
    other = one("USD", "100", "120", nameless="3")
    assert [(part.column, part.is_it) for part in other.parts][-1] == ("InvoiceId", False)


def test_what_names_no_invoice_is_not_told_where_charges_are_too_many() -> None:
    found = one("USD", "100", "80", nameless="20")
    assert {part.column for part in found.parts} == {"ChargeCategory", "ServiceName", "SubAccountId"}
    assert "No single part" in found.where
