"""Expressions of an adaptor's mapping: what DuckDB's SQL makes of the fields of one row, and nothing else.

An expression is taken apart before it is run. It sees the fields of its row, as text; it asks no table, counts no other
row, and DuckDB has given up files, network and settings by then. Where it makes money, no part of it may be a binary
fraction: `/` and JSON's numbers are refused there, `divide(a, b)` is exact to 18 places.
Source: DuckDB, "Securing DuckDB"; `json_serialize_sql`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path
from typing import Any, Literal, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa

from outlay.errors import Bug, DiskFull, UsageError

Kind = Literal["number", "time", "text", "condition"]
_Node: TypeAlias = dict[str, Any]

_MEMORY = 256 * 1024**2
_DIVIDED = "DECIMAL(38,18)"
_PLACES = Decimal(1).scaleb(-18)
_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)

# What an expression may be made of, by DuckDB's names of the classes.
_CLASSES = frozenset(
    (
        *("BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION"),
        *("LAMBDA", "LAMBDA_REF", "OPERATOR"),
    )
)
_REASONS = {
    "SUBQUERY": "it asks a query of its own",
    "WINDOW": "it looks at other rows",
    "STAR": "it names all columns at once",
    "PARAMETER": "it has a place for a parameter",
}
_ROW_MAKERS = frozenset(("unnest", "unlist", "generate_series", "range_table"))
_OUTSIDE = frozenset(("current_setting", "getvariable", "current_query"))
# By the beginning of a function's name: it makes binary fractions of numbers, and shows none.
_THROUGH_JSON = ("->", "json", "from_json")
_FORMATS = frozenset(("format", "printf"))
_BINARY = ("DOUBLE", "FLOAT", "REAL")
_OWN = re.compile(r"\bf(\d{6})\b")
# By what is made: the types that it may have, by their beginning.
_NUMBERS = ("DECIMAL", "VARCHAR", "JSON", *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"))
_UNSIGNED = ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
_ALLOWED: dict[Kind, tuple[str, ...]] = {
    "number": (*_NUMBERS, *_UNSIGNED),
    "time": ("VARCHAR", "TIMESTAMP", "DATE"),
    "text": (*_NUMBERS, *_UNSIGNED, "TIMESTAMP", "DATE", "BOOLEAN", "UUID"),
    "condition": ("BOOLEAN",),
}
_MADE: dict[Kind, str] = {
    "number": "a decimal",
    "time": "a time, or the text of one",
    "text": "text, a number or a time",
    "condition": "true or false",
}


class BadExpression(Exception):
    """An expression that cannot be run. `at` is where in it, in letters from 0, as far as that is known."""

    def __init__(self, reason: str, *, at: int = 0, next: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at
        self.next = next


@dataclass(frozen=True)
class Parsed:
    """An expression taken apart. `columns` are the names that it uses, as they are written, and where."""

    sql: str
    kind: Kind
    tree: _Node
    columns: dict[str, int]


@dataclass(frozen=True)
class Made:
    """What an expression gave for some rows; `failed` tells where it could not."""

    values: Any
    failed: np.ndarray[Any, np.dtype[np.bool_]]


class Bound:
    """Expressions over rows with certain columns. `used` are the columns that they need."""

    def __init__(self, columns: Sequence[str], texts: Mapping[str, str]) -> None:
        self.used = [name for name in columns if any(_own(columns, name) in text for text in texts.values())]
        self.columns = tuple(columns)
        self.texts = dict(texts)


class Expressions:
    """A DuckDB of its own for expressions; to be closed."""

    def __init__(self, scratch: Path, *, memory: int = _MEMORY) -> None:
        self._con = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{memory // 1024**2}MiB",
                # One thread keeps the rows in their order.
                "threads": 1,
                "temp_directory": str(scratch / "expressions"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_persistent_secrets": False,
                "python_enable_replacements": False,
            },
        )
        self._con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        self._con.create_function("divide_decimals", _divide, [_DIVIDED, _DIVIDED], _DIVIDED)
        self._con.execute(f"CREATE MACRO divide(a, b) AS divide_decimals(CAST(a AS {_DIVIDED}), CAST(b AS {_DIVIDED}))")
        self._con.execute("SET enable_external_access = false; SET lock_configuration = true")

    def __enter__(self) -> Expressions:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._con.close()

    def parse(self, sql: str, kind: Kind) -> Parsed:
        """Raises BadExpression for what is not one expression over the fields of a row."""
        head = "SELECT "
        answer = json.loads(self._one("SELECT json_serialize_sql(?)", [f"{head}{sql}"]))
        if answer["error"]:
            at = max(int(answer.get("position") or len(head)) - len(head), 0)
            raise BadExpression(f"{answer['error_message'].rstrip('.')}", at=at)
        tree = _only(answer)
        columns: dict[str, int] = {}
        for node, bound in _nodes(tree):
            at = _at(node, len(head))
            _check(node, kind, at)
            if node["class"] == "COLUMN_REF" and not (set(node["column_names"]) & bound):
                if len(node["column_names"]) > 1:
                    whole = ".".join(node["column_names"])
                    raise BadExpression(f"{whole} is not quoted", at=at, next=f'Write "{whole}" with double quotes.')
                columns.setdefault(node["column_names"][0], at)
        return Parsed(sql, kind, tree, columns)

    def bind(self, parsed: Mapping[str, Parsed], columns: Sequence[str]) -> Bound:
        """Expressions by name, for rows with these columns. Raises Unbound: which one cannot be run, and why."""
        texts = {}
        for name, each in parsed.items():
            try:
                texts[name] = self._bound(each, columns)
            except BadExpression as error:
                raise Unbound(name, error) from error
        return Bound(columns, texts)

    def _bound(self, parsed: Parsed, columns: Sequence[str]) -> str:
        names = {name: _own(columns, _found(name, columns, at)) for name, at in parsed.columns.items()}
        tree = json.loads(json.dumps(parsed.tree))
        parts = []
        for node, bound in _nodes(tree):
            if node["class"] == "COLUMN_REF" and not (set(node["column_names"]) & bound):
                node["column_names"] = [names[node["column_names"][0]]]
            elif not bound:
                parts.append(node)
        fields = ", ".join(f"''::VARCHAR AS {_own(columns, name)}" for name in columns) or "1 AS nothing"
        # The smallest part is told: `_nodes` gives the whole before its parts.
        for node in reversed(parts) if parsed.kind == "number" else ():
            kind = self._type(self._text(node), fields, columns)
            if kind == "JSON":
                raise _through_json(_named(self._text(node), columns), _at(node, len("SELECT ")))
            if kind.startswith(_BINARY):
                raise BadExpression(
                    f"{_named(self._text(node), columns)} is a binary fraction ({kind}), which is no money",
                    at=_at(node, len("SELECT ")),
                    next="Cast to DECIMAL(38,18), multiply by a decimal, or divide exactly with divide(a, b).",
                )
        text = self._text(tree)
        kind = self._type(text, fields, columns, is_strict=True)
        if not kind.startswith(_ALLOWED[parsed.kind]) or kind.endswith("]"):
            raise BadExpression(f"it gives {kind}, where {_MADE[parsed.kind]} is wanted")
        return f"CAST({text} AS VARCHAR)" if _is_written(kind, parsed.kind) else text

    def _type(self, text: str, fields: str, columns: Sequence[str], *, is_strict: bool = False) -> str:
        """The type of an expression; "" for a part that has none by itself. `_row` keeps other rows out."""
        try:
            answer = self._con.execute(
                f"DESCRIBE SELECT TRY(struct_pack(v := {text})) AS made, _row FROM (SELECT {fields}, 1 AS _row)"
            ).fetchall()
        except duckdb.Error as error:
            if is_strict:
                raise BadExpression(_named(_said(error), columns)) from error
            return ""
        return str(answer[0][1]).removeprefix("STRUCT(v ").removesuffix(")")

    def _text(self, node: _Node) -> str:
        whole = json.loads(self._one("SELECT json_serialize_sql('SELECT 1')", []))
        whole["statements"][0]["node"]["select_list"] = [node]
        return str(self._one("SELECT json_deserialize_sql(?::JSON)", [json.dumps(whole)])).removeprefix("SELECT ")

    def make(self, bound: Bound, table: pa.Table, names: Sequence[str] | None = None) -> dict[str, Made]:
        """What each expression gives for each row of a table of text. Raises DiskFull and UsageError."""
        wanted = list(bound.texts if names is None else names)
        if not wanted:
            return {}
        try:
            made = self._rows(bound, table, [f"TRY(struct_pack(v := {bound.texts[name]}))" for name in wanted])
        except duckdb.Error as error:
            said = _named(_said(error), bound.columns)
            raise UsageError(f"The expressions cannot be run: {said}.", next="Write them in another way.") from error
        found = {}
        for place, name in enumerate(wanted):
            column: Any = made.column(place).combine_chunks()
            found[name] = Made(column.field("v"), np.asarray(column.is_null()))
        return found

    def reason(self, bound: Bound, row: pa.Table, name: str) -> str:
        """Why an expression cannot be computed for a row, in DuckDB's words."""
        try:
            self._rows(bound, row, [bound.texts[name]])
        except duckdb.Error as error:
            return _named(_said(error), bound.columns)
        return "it failed"

    def _rows(self, bound: Bound, table: pa.Table, selected: Sequence[str]) -> pa.Table:
        fields = [table.column(table.column_names.index(name)) for name in bound.used]
        given: dict[str, Any] = {
            _own(bound.columns, name): field for name, field in zip(bound.used, fields, strict=True)
        }
        self._con.register("fields", pa.table({**given, "_row": pa.array(np.arange(table.num_rows, dtype=np.int64))}))
        listed = ", ".join(f"{text} AS m{place}" for place, text in enumerate(selected))
        try:
            made = self._con.execute(f"SELECT {listed} FROM fields").to_arrow_table()
        except duckdb.OutOfMemoryException as error:
            raise DiskFull(
                "The expressions need more memory than they may use.", next="Make them smaller, or their texts."
            ) from error
        finally:
            self._con.unregister("fields")
        if made.num_rows != table.num_rows:
            raise Bug(f"{table.num_rows} rows became {made.num_rows}.", next="Please report this with the expressions.")
        return made

    def _one(self, sql: str, values: list[Any]) -> Any:
        row = self._con.execute(sql, values).fetchone()
        assert row is not None  # noqa: S101 - these give one row
        return row[0]


class Unbound(Exception):
    """The expression `name` does not fit the columns that there are."""

    def __init__(self, name: str, error: BadExpression) -> None:
        super().__init__(error.reason)
        self.name = name
        self.error = error


def _divide(one: Decimal, other: Decimal) -> Decimal:
    """Exact to 18 places, the last rounded half to even."""
    return _EXACT.quantize(_EXACT.divide(one, other), _PLACES)


def _only(answer: _Node) -> _Node:
    """The one expression of a SELECT that has nothing else."""
    statements = answer["statements"]
    node = statements[0]["node"] if len(statements) == 1 else {}
    parts = node.get("select_list", ())
    more = [node.get(key) for key in ("where_clause", "having", "qualify", "sample", "modifiers", "group_expressions")]
    if node.get("type") != "SELECT_NODE" or len(parts) != 1 or any(more) or node["from_table"]["type"] != "EMPTY":
        raise BadExpression("it is not one expression", next="Write what would stand behind SELECT, once.")
    tree: _Node = parts[0]
    if tree.get("alias"):
        raise BadExpression("it has a name of its own", next="Leave the AS out.")
    return tree


def _nodes(tree: Any, bound: frozenset[str] = frozenset()) -> Iterator[tuple[_Node, frozenset[str]]]:
    """Every expression in a tree, the whole before its parts, with the names that lambdas around it give."""
    if isinstance(tree, list):
        for each in tree:
            yield from _nodes(each, bound)
    elif isinstance(tree, dict):
        inner = bound
        if "class" in tree:
            if tree["class"] == "LAMBDA":
                inner = bound | {name for node, _ in _nodes(tree["lhs"]) for name in node.get("column_names", ())}
            yield tree, inner if tree["class"] == "LAMBDA" else bound
        for key, each in tree.items():
            # A constant's value is no expression, whatever it looks like.
            if isinstance(each, dict | list) and key not in ("value", "cast_type"):
                yield from _nodes(each, inner)


def _at(node: _Node, before: int) -> int:
    """Where in the expression; what DuckDB has no place for is at its beginning."""
    place = int(node.get("query_location", 0)) - before
    return place if 0 <= place < 2**32 else 0


def _check(node: _Node, kind: Kind, at: int) -> None:
    if node["class"] not in _CLASSES:
        reason = _REASONS.get(node["class"], f"it has a part of the kind {node['class'].lower()}")
        raise BadExpression(reason, at=at, next="An expression is made of the fields of its own row alone.")
    name = node.get("function_name", "")
    if name in _ROW_MAKERS:
        raise BadExpression(f"{name} makes several rows of one", at=at, next="Leave it out.")
    if name in _OUTSIDE:
        raise BadExpression(f"{name} is nothing of the row", at=at, next="Leave it out.")
    if kind != "number":
        return
    if name.startswith(_THROUGH_JSON):
        raise _through_json(name, at)
    if name in _FORMATS:
        raise BadExpression(
            f"{name} writes numbers as binary fractions, which are no money", at=at, next="Cast to VARCHAR, or round."
        )
    if node["class"] == "LAMBDA":
        raise BadExpression(
            "what a lambda calculates may be a binary fraction, which is no money",
            at=at,
            next="Calculate without one.",
        )


def _through_json(what: str, at: int) -> BadExpression:
    return BadExpression(
        f"{what} reads numbers in JSON as binary fractions, which are no money",
        at=at,
        next="Name the column and the key instead: {column: …, key: …} keeps every digit.",
    )


def _found(name: str, columns: Sequence[str], at: int) -> str:
    """The column that a name means: itself, or the only one that differs by case alone."""
    if name in columns:
        return name
    near = [column for column in columns if column.casefold() == name.casefold()]
    if len(near) == 1:
        return near[0]
    alike = near or difflib.get_close_matches(name, columns, 1, 0.6)
    hint = f"; {alike[0]} is meant?" if alike else ""
    raise BadExpression(f"there is no column {name}{hint}", at=at, next="Correct the name; texts have single quotes.")


def _own(columns: Sequence[str], name: str) -> str:
    """A name that no other column has, be it by case alone, and that has the same length as its neighbours'."""
    return f"f{columns.index(name):06}"


def _named(said: str, columns: Sequence[str]) -> str:
    """With the names that the invoice has."""
    return _OWN.sub(lambda found: f'"{columns[int(found[1])]}"', said)


def _is_written(made: str, kind: Kind) -> bool:
    if kind == "condition" or made == "VARCHAR":
        return False
    return not made.startswith("DECIMAL") if kind == "number" else kind == "time" or made in ("UUID", "JSON")


def _said(error: BaseException) -> str:
    """DuckDB's first line, without the kind of its error."""
    line = str(error).partition("\n")[0].rstrip(". ")
    _, colon, rest = line.partition("Error: ")
    return rest if colon else line


__all__ = ["BadExpression", "Bound", "Expressions", "Kind", "Made", "Parsed", "Unbound"]
