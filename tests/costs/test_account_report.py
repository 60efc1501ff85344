"""An account's report: safe in a spreadsheet, and on paper."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

from outlay.costs.account_report import COLUMNS, Line, Report
from outlay.costs.accounts import Account

EVIL = '=HYPERLINK("http://x")'
ACCOUNT = Account("=payer", "+012345", "<b>@name</b>", None, ("a",), (), True, True, {}, "2026-05", "2026-05")
REPORT = Report(
    "2026-05",
    ACCOUNT,
    (
        Line((EVIL, "-eu", "Usage"), "USD", Decimal("-1.000000000000000001"), Decimal("2.50")),
        Line(("<script>", "", "Tax"), "EUR", Decimal(3), Decimal(0)),
    ),
)


def test_no_text_of_the_csv_is_a_formula_and_every_amount_is_exact() -> None:
    out = io.StringIO()
    REPORT.write_csv(out)
    head, first, second = csv.reader(io.StringIO(out.getvalue()))
    assert tuple(head) == COLUMNS
    assert first == [
        *("2026-05", "'=payer", "'+012345", "<b>@name</b>", f"'{EVIL}", "'-eu", "Usage", "USD"),
        *("-1.000000000000000001", "2.5"),
    ]
    assert second[4:] == ["<script>", "", "Tax", "EUR", "3", "0"]


def test_the_page_shows_what_the_bill_says_and_obeys_none_of_it() -> None:
    page = REPORT.as_html()
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "&lt;b&gt;@name&lt;/b&gt;" in page
    assert "<td>Total</td><td></td><td></td><td>USD</td><td class=n>-1.000000000000000001</td>" in page


def test_the_name_of_the_file_is_one_whatever_the_account_is_called() -> None:
    assert REPORT.file_name == "_012345-2026-05"


def test_totals_are_of_each_currency() -> None:
    assert REPORT.totals == {
        "EUR": (Decimal(3), Decimal(0)),
        "USD": (Decimal("-1.000000000000000001"), Decimal("2.50")),
    }
