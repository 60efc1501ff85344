"""Expressions of a mapping: the fields of one row, exact money, and nothing else of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from outlay.engine.expressions import BadExpression, Expressions, Kind, Unbound

COLUMNS = ("cost", "Price Each", "tags/Team", "tags/team", "note", "_row")


@pytest.fixture(scope="module")
def expressions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Expressions]:
    with Expressions(tmp_path_factory.mktemp("scratch")) as made:
        yield made


def rows(**columns: list[str | None]) -> pa.Table:
    length = len(next(iter(columns.values())))
    return pa.table({name: pa.array(columns.get(name, [None] * length), pa.string()) for name in COLUMNS})


def made(expressions: Expressions, sql: str, kind: Kind, table: pa.Table) -> tuple[list[Any], list[bool]]:
    bound = expressions.bind({"x": expressions.parse(sql, kind)}, COLUMNS)
    found = expressions.make(bound, table)["x"]
    return found.values.to_pylist(), found.failed.tolist()


@pytest.mark.parametrize(
    ("sql", "kind", "expected"),
    [
        ("cost::DECIMAL(20,9) * 1.19", "number", Decimal("1.46370000000")),
        ("divide(cost, 7)", "number", Decimal("0.175714285714285714")),
        ("divide(-2, 3)", "number", Decimal("-0.666666666666666667")),
        ("""length(note) * '100'::HUGEINT""", "number", "200"),
        ("""upper("note") || '-' || "tags/Team" || "tags/team" """, "text", "HI-Aa"),
        ("coalesce(nullif(note, 'hi'), \"Price Each\")", "text", "7"),
        ("case when cost::DECIMAL(9,6) > 1 then 'much' else 'little' end", "text", "much"),
        ("strptime(note || ' 2026-05-01', 'hi %Y-%m-%d') + INTERVAL 2 HOUR", "time", "2026-05-01 02:00:00"),
        ("list_transform(string_split(note, ''), x -> x || '!')[1]", "text", "h!"),
        ("note = 'hi' and cost is not null", "condition", True),
        ("NOTE", "text", "hi"),
    ],
)
def test_an_expression_gives_a_value_of_its_row(expressions: Expressions, sql: str, kind: Kind, expected: Any) -> None:
    odd: dict[str, list[str | None]] = {"Price Each": ["7"], "tags/Team": ["A"], "tags/team": ["a"]}
    table = rows(cost=["1.23"], note=["hi"], **odd)
    assert made(expressions, sql, kind, table) == ([expected], [False])


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("(select 1)", "it asks a query of its own"),
        ("exists(select * from duckdb_settings())", "it asks a query of its own"),
        ("cost in (from read_csv('/etc/passwd'))", "it asks a query of its own"),
        ("row_number() over ()", "it looks at other rows"),
        ("*", "it names all columns at once"),
        ("columns('.*')", "it names all columns at once"),
        ("unnest([1, 2])", "unnest makes several rows of one"),
        ("current_setting('temp_directory')", "current_setting is nothing of the row"),
        ("$1", "it has a place for a parameter"),
        ("1 as one", "it has a name of its own"),
        ("1, 2", "it is not one expression"),
        ("1 from charges", "it is not one expression"),
        ("1; select 2", "it is not one expression"),
        ("1 limit 1", "it is not one expression"),
        ("cost +", "syntax error"),
        ("product.service", "product.service is not quoted"),
    ],
)
def test_what_is_not_one_expression_over_a_row_is_refused(expressions: Expressions, sql: str, said: str) -> None:
    with pytest.raises(BadExpression) as caught:
        expressions.parse(sql, "text")
    assert said in caught.value.reason


@pytest.mark.parametrize(
    ("sql", "kind", "said", "at"),
    [
        ("cost::DECIMAL(20,9) / 3", "number", "is a binary fraction (DOUBLE)", 20),
        ("(cost::DOUBLE * 2)::DECIMAL(38,18)", "number", 'CAST("cost" AS DOUBLE) is a binary fraction', 5),
        ("cost::DECIMAL(9,2) * 1e-7::DECIMAL(9,2)", "number", "1e-07 is a binary fraction", 21),
        ("sqrt(cost::DECIMAL(9,2))::DECIMAL(38,18)", "number", "is a binary fraction (DOUBLE)", 0),
        ("cots", "number", "there is no column cots; cost is meant?", 0),
        ('"TAGS/TEAM"', "text", "there is no column TAGS/TEAM; tags/Team is meant?", 0),
        ("sum(cost::DECIMAL(9,2))", "number", "aggregates are not allowed", 0),
        ("nonsense(cost)", "text", "nonsense", 0),
        ("random()::VARCHAR", "text", "volatile", 0),
        ("write_log('x')", "text", "volatile", 0),
        ("cost", "condition", "it gives VARCHAR, where true or false is wanted", 0),
        ("[cost]", "text", "it gives VARCHAR[], where text, a number or a time is wanted", 0),
        ("cost::DOUBLE", "text", "it gives DOUBLE", 0),
        ("query('select 1')", "text", "query", 0),
        ("read_text('/etc/passwd')", "text", "read_text", 0),
        ("getenv('HOME')", "text", "getenv", 0),
    ],
)
def test_an_expression_that_does_not_fit_is_told_with_its_place(
    expressions: Expressions, sql: str, kind: Kind, said: str, at: int
) -> None:
    parsed = expressions.parse(sql, kind)
    with pytest.raises(Unbound) as caught:
        expressions.bind({"x": parsed}, COLUMNS)
    assert caught.value.name == "x"
    assert said in caught.value.error.reason
    assert caught.value.error.at == at


def test_numbers_of_json_are_refused_for_money(expressions: Expressions) -> None:
    with pytest.raises(BadExpression, match="reads numbers in JSON as binary fractions"):
        expressions.parse("(note->>'cost')::DECIMAL(38,18)", "number")
    assert made(expressions, "note->>'a'", "text", rows(note=['{"a": "b"}'])) == (["b"], [False])


@pytest.mark.parametrize(
    "sql",
    [
        "json_extract_path_text(note, 'cost')",
        'json_transform(note, \'{"cost": "DECIMAL(38,20)"}\').cost',
        'from_json(note, \'{"cost": "DECIMAL(38,20)"}\').cost',
        "(note::JSON)['cost']",
        "cost::JSON::DECIMAL(38,20)",
        "format('{:.20f}', cost::DECIMAL(38,20))",
        "printf('%.20f', cost::DECIMAL(38,20))",
        "list_transform([cost], lambda x: (x::DOUBLE * 3)::VARCHAR)[1]",
        "[(x::DOUBLE * 3)::VARCHAR for x in [cost]][1]",
    ],
)
def test_money_goes_through_no_binary_fraction_that_no_type_shows(expressions: Expressions, sql: str) -> None:
    with pytest.raises((BadExpression, Unbound)) as caught:
        expressions.bind({"x": expressions.parse(sql, "number")}, COLUMNS)
    assert "no money" in str(caught.value)


def test_rows_that_fail_are_known_and_say_why(expressions: Expressions) -> None:
    table = rows(cost=["1", "x", None, "4"])
    bound = expressions.bind({"x": expressions.parse("cost::INTEGER", "number")}, COLUMNS)
    found = expressions.make(bound, table)["x"]
    assert (found.values.to_pylist(), found.failed.tolist()) == (["1", None, None, "4"], [False, True, False, False])
    assert expressions.reason(bound, table.slice(1, 1), "x") == (
        "Could not convert string 'x' to INT32 when casting from source column \"cost\""
    )
    assert made(expressions, "divide(1, cost)", "number", rows(cost=["0"]))[1] == [True]


def test_an_expression_reads_no_file_and_no_python(expressions: Expressions, tmp_path: Path) -> None:
    """What the taking apart may overlook, DuckDB itself refuses."""
    (tmp_path / "secret.csv").write_text("a\n1\n")
    for sql in (f"SELECT * FROM '{tmp_path}/secret.csv'", "SELECT * FROM COLUMNS", "INSTALL httpfs", "SET threads = 2"):
        with pytest.raises(Exception, match=r"Permission|Catalog|configuration|disabled"):
            expressions._con.execute(sql)  # noqa: SLF001 - past the taking apart
