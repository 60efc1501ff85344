from __future__ import annotations

from decimal import Decimal

import pytest

from outlay.cli.output import Column, clean, count, money, month, table


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("1234567.891", "1,234,567.89"),
        ("0", "0.00"),
        ("-3.5", "-3.50"),
        ("0.005", "0.00"),
        ("0.0049", "0.0049"),
        ("-0.000123456", "-0.00012"),
        ("0.000000000000000001", "<0.000001"),
        ("-0.000000000000000001", ">-0.000001"),
        ("99999999999999999999.999999999999999999", "100,000,000,000,000,000,000.00"),
    ],
)
def test_amounts_for_people(amount: str, shown: str) -> None:
    assert money(Decimal(amount)) == shown


def test_control_characters_are_shown_and_not_obeyed() -> None:
    assert clean("a\x1b[31mb\rc\x07\ud800é\n") == "a�[31mb�c��é\n"


def test_words_for_numbers_and_months() -> None:
    assert (count(1, "row"), count(1200, "row"), month("20260501-20260601")) == ("1 row", "1,200 rows", "2026-05")


COLUMNS = [Column("name"), Column("amount", True), Column("note")]
ROWS = [("a [red]name[/red]", "1,234.50", "a note that is rather long, as notes are"), ("b", None, "")]


def test_a_table_folds_texts_and_keeps_numbers_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    table(COLUMNS, ROWS)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 50
    assert "1,234.50" in shown
    assert "[red]name[/red]" in " ".join(shown.split())


def test_where_a_table_would_not_fit_each_row_is_a_block(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    table(COLUMNS, ROWS)
    assert capsys.readouterr().out.splitlines()[:3] == [
        "name    a [red]name[/red]",
        "amount  1,234.50",
        "note    a note that is rather long, as notes are",
    ]
