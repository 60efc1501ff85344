"""The charges of a billing period by invoice, held against the amounts on paper. Pure but for asking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from outlay.costs.answer import EXACT, plain

# Where a difference may lie: a column, and how its values are spoken of.
LIES_IN = (
    ("ChargeCategory", "charge category"),
    ("ServiceName", "service"),
    ("SubAccountId", "account"),
)
# Digits behind the point of currencies that have not two, by ISO 4217.
_PLACES = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0),
    **dict.fromkeys(("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
NAMELESS = "InvoiceId"
_SHOWN = 8
_ZERO = Decimal(0)

Key = tuple[str | None, str]
ByValue = Mapping[tuple[str | None, str | None, str], Decimal]


@dataclass(frozen=True)
class Part:
    """`is_it` says that this part alone is as large as the difference.

    One of the column `InvoiceId` is of the charges that name no invoice, and may be what is missing.
    """

    column: str
    value: str | None
    amount: Decimal
    is_it: bool

    def __str__(self) -> str:
        if self.column == NAMELESS:
            return "charges that name no invoice"
        return f"charges of the {_WORDS[self.column]} {self.value or '(none)'}"


@dataclass(frozen=True)
class Invoice:
    """`number` is None for charges that name no invoice; `on_paper` is None until somebody enters it."""

    number: str | None
    currency: str
    charges: Decimal
    on_paper: Decimal | None = None
    parts: tuple[Part, ...] = ()

    @property
    def difference(self) -> Decimal | None:
        """What the charges have more than the paper, to its last place, as paper has no more."""
        if self.on_paper is None:
            return None
        with localcontext(EXACT):
            return self.rounded(self.charges) - self.on_paper

    def rounded(self, amount: Decimal) -> Decimal:
        """As an invoice has it: half up, to the currency's places, or to those that stand on the paper if more do."""
        exponent = self.on_paper.as_tuple().exponent if self.on_paper is not None else 0
        places = max(_PLACES.get(self.currency, 2), -exponent if isinstance(exponent, int) else 0)
        with localcontext(EXACT):
            return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)

    @property
    def is_equal(self) -> bool:
        return self.difference == 0

    @property
    def where(self) -> str:
        """In words; blank without a difference."""
        if not self.difference:
            return ""
        found = [part for part in self.parts if part.is_it]
        if found:
            return f"The {' or the '.join(map(str, found[:3]))} come to just that."
        return "No single part of it comes to just that; its parts are below."

    def as_dict(self) -> dict[str, Any]:
        return {
            "invoice": self.number,
            "currency": self.currency,
            "charges": plain(self.charges),
            "on_paper": None if self.on_paper is None else plain(self.on_paper),
            "difference": None if self.difference is None else plain(self.difference),
            "where": self.where,
        }


_WORDS = dict(LIES_IN)


def invoices(by: Callable[[str], ByValue], on_paper: Mapping[tuple[str, str], Decimal]) -> tuple[Invoice, ...]:
    """`by` gives BilledCost by invoice, value of a column, and currency; `on_paper` is by invoice and currency.

    An invoice on paper that no charge names is there, too, with charges of nothing.
    """
    categories = by(LIES_IN[0][0])
    sums: dict[Key, Decimal] = dict.fromkeys(on_paper, _ZERO)
    with localcontext(EXACT):
        for (number, _, currency), amount in categories.items():
            sums[(number, currency)] = sums.get((number, currency), _ZERO) + amount
    ordered = sorted(sums.items(), key=lambda each: (each[0][0] is None, each[0][0] or "", each[0][1]))
    found = [
        Invoice(number, currency, amount, on_paper.get((number, currency)) if number else None)
        for (number, currency), amount in ordered
    ]
    if not any(each.difference for each in found):
        return tuple(found)
    columns = {column: categories if column == LIES_IN[0][0] else by(column) for column, _ in LIES_IN}
    return tuple(_explained(each, columns) if each.difference else each for each in found)


def _explained(invoice: Invoice, columns: Mapping[str, ByValue]) -> Invoice:
    parts = [part for column, sums in columns.items() for part in _parts(invoice, column, sums)]
    nameless = _nameless(invoice, columns[LIES_IN[0][0]])
    return Invoice(invoice.number, invoice.currency, invoice.charges, invoice.on_paper, (*parts, *nameless))


def _parts(invoice: Invoice, column: str, sums: ByValue) -> Iterable[Part]:
    """The largest of this invoice's."""
    wanted = abs(invoice.difference or _ZERO)
    mine = [
        (value, amount, abs(invoice.rounded(amount)) == wanted)
        for (number, value, currency), amount in sums.items()
        if number == invoice.number and currency == invoice.currency and amount
    ]
    mine.sort(key=lambda each: (not each[2], -abs(each[1]), each[0] or ""))
    return [Part(column, *each) for each in mine[:_SHOWN]]


def _nameless(invoice: Invoice, sums: ByValue) -> Iterable[Part]:
    """What names no invoice, which may be what is missing."""
    with localcontext(EXACT):
        amount = sum(
            (its for (number, _, unit), its in sums.items() if number is None and unit == invoice.currency), _ZERO
        )
    missing = -(invoice.difference or _ZERO)
    return [Part(NAMELESS, None, amount, invoice.rounded(amount) == missing)] if amount and missing > 0 else []
