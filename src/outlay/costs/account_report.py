"""What one account cost in one month, to be handed to those who see no other: as JSON, CSV and a page to print.

Amounts are exact. A charge that names no sub account is its payer's own.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Any, TextIO

from outlay.costs.accounts import Account
from outlay.costs.answer import Answer, harmless, plain, sums
from outlay.costs.filters import Filter
from outlay.costs.question import Question
from outlay.period import BillingPeriod

BY = ("ServiceName", "RegionId", "ChargeCategory")
METRICS = ("billed", "effective")
NOT_COUNTED = "These charges do not count: the payer's connection counts only connected accounts."
COLUMNS = ("month", "payer", "account", "name", *BY, "currency", *METRICS)


@dataclass(frozen=True)
class Line:
    """`values` are those of `BY`; of what an answer could not name, its remainder. Amounts are in `currency`."""

    values: tuple[str, ...]
    currency: str
    billed: Decimal
    effective: Decimal


@dataclass(frozen=True)
class Report:
    """The dearest lines first, each currency for itself; those of an account that does not count, too."""

    month: str
    account: Account
    lines: tuple[Line, ...]

    @property
    def totals(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Billed and effective, by currency."""
        billed = sums((line.currency, line.billed) for line in self.lines)
        effective = sums((line.currency, line.effective) for line in self.lines)
        return {currency: (billed[currency], effective[currency]) for currency in sorted(billed)}

    @property
    def file_name(self) -> str:
        """Without its ending: a name of a file whatever the bill calls the account."""
        text = f"{self.account.account}-{self.month}"
        return "".join(letter if letter.isascii() and (letter.isalnum() or letter == "-") else "_" for letter in text)

    def as_dict(self) -> dict[str, Any]:
        account = self.account
        return {
            "month": self.month,
            "payer": account.payer,
            "account": account.account,
            "name": account.name or None,
            "counted": account.is_counted,
            "totals": {
                currency: {"billed": plain(billed), "effective": plain(effective)}
                for currency, (billed, effective) in self.totals.items()
            },
            "lines": [
                {
                    **dict(zip(BY, line.values, strict=True)),
                    "currency": line.currency,
                    "billed": plain(line.billed),
                    "effective": plain(line.effective),
                }
                for line in self.lines
            ],
        }

    def write_csv(self, out: TextIO) -> None:
        """Text that a spreadsheet would take for a formula gets an apostrophe before it; amounts stay numbers."""
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        account = self.account
        of = [harmless(text) for text in (self.month, account.payer, account.account, account.name)]
        for line in self.lines:
            texts = [harmless(text) for text in (*line.values, line.currency)]
            writer.writerow([*of, *texts, plain(line.billed), plain(line.effective)])

    def as_html(self) -> str:
        """A document of its own, to be printed or sent."""
        account = self.account
        title = f"Costs of account {account.account}, {self.month}"
        heads = "".join(f"<th scope=col>{escape(each)}</th>" for each in (*BY, "currency", *METRICS))
        rows = "".join(_row((*line.values, line.currency), (line.billed, line.effective)) for line in self.lines)
        totals = "".join(_row(("Total", "", "", currency), amounts) for currency, amounts in self.totals.items())
        of = (("Account", account.account), ("Name", account.name), ("Payer", account.payer), ("Month", self.month))
        facts = "".join(f"<dt>{label}</dt><dd>{escape(value or '–')}</dd>" for label, value in of)
        note = "" if account.is_counted else f"<p>{escape(NOT_COUNTED)}</p>"
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
            f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1><dl>{facts}</dl>{note}"
            f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody><tfoot>{totals}</tfoot></table></body></html>\n"
        )


_STYLE = (
    "body{font:10pt sans-serif;margin:2em}table{border-collapse:collapse;width:100%}"
    "th,td{padding:.3em .6em;text-align:left;border-bottom:1px solid #999}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}tfoot{font-weight:bold}"
    "dl{display:grid;grid-template-columns:max-content auto;gap:.2em 1em}dd{margin:0}"
)


def _row(texts: Iterable[str], amounts: Iterable[Decimal]) -> str:
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
    return f"<tr>{cells}{''.join(f'<td class=n>{plain(amount)}</td>' for amount in amounts)}</tr>"


def questions(account: Account, month: str, metric: str) -> tuple[Question, ...]:
    """Of the charges that name the account; of a payer those that name none besides."""
    period = BillingPeriod.parse(month)
    payer = Filter("BillingAccountId", "=", account.payer)
    names = [account.account, ""] if account.is_payer else [account.account]
    return tuple(
        Question.parse(
            metric=metric,
            by=BY,
            granularity="none",
            start=period.month,
            end=period.month,
            where=(payer, Filter("SubAccountId", "=", name)),
        )
        for name in names
    )


def report(account: Account, month: str, answers: Mapping[str, Iterable[Answer]]) -> Report:
    """Of the answers to `questions`, by metric."""
    found = {
        metric: sums(
            ((tuple(each or "" for each in row.values), row.unit), row.amount) for answer in its for row in answer.rows
        )
        for metric, its in answers.items()
    }
    keys = found["billed"].keys() | found["effective"].keys()
    nothing = Decimal(0)
    lines = [
        Line(values, unit, *(found[metric].get((values, unit), nothing) for metric in METRICS)) for values, unit in keys
    ]
    ordered = sorted(lines, key=lambda line: (line.currency, -line.effective, -line.billed, line.values))
    return Report(month, account, tuple(ordered))
