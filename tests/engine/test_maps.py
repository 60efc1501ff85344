from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from outlay.engine.maps import TAGS, with_distinct_keys, with_tags

TEXTS = st.one_of(st.none(), st.sampled_from(["", "a", "bé", " "]))


def with_chunks(columns: dict[str, list[str | None]], at: int) -> pa.Table:
    whole = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    return pa.concat_tables([whole.slice(0, at), whole.slice(at)])


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=12), st.integers(0, 12))
def test_tags_are_the_filled_columns_and_of_one_key_the_first(rows: list[tuple[str | None, ...]], at: int) -> None:
    columns = {name: [row[place] for row in rows] for place, name in enumerate("xyz")}
    table = with_tags(with_chunks(columns, at), [("one", "x"), ("two", "y"), ("one", "z")])
    expected = []
    for x, y, z in rows:
        entries = [(key, value) for key, value in (("one", x or z), ("two", y)) if value]
        expected.append(entries or None)
    assert table[TAGS].to_pylist() == expected


def test_columns_that_are_no_text_are_left_to_the_engine() -> None:
    table = pa.table({"x": [1, 2]})
    assert with_tags(table, [("x", "x")]) is table


ENTRIES = st.lists(st.tuples(st.sampled_from("abc"), TEXTS), max_size=5)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), ENTRIES), max_size=10), st.integers(0, 10))
def test_repeated_keys_have_their_first_value(maps: list[list[tuple[str, str | None]] | None], start: int) -> None:
    whole = pa.table({"m": pa.array(maps, pa.map_(pa.string(), pa.string()))})
    firsts = [None if entries is None else list(dict(reversed(entries)).items()) for entries in maps[start:]]
    found = with_distinct_keys(whole.slice(start))["m"].to_pylist()
    assert [each and sorted(each) for each in found] == [each and sorted(each) for each in firsts]
