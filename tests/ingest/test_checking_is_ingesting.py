"""What is wrong with a drop is the same to a check as to an ingest: each of these is brought in, and checked."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from outlay.findings import CODES, Finding
from outlay.formats.cbf import Cbf
from outlay.ingest import lint
from outlay.ingest.result import RunResult
from outlay.storage import open_place
from tests.ingest.world import MAY, World

HEADER = b"time/usage_start,cost/cost,resource/id,resource/tag:team,lineitem/type,k8s/labels,cost/discounted_cost\n"
START = b"2026-05-03T10:00:00Z"
# What is wrong with a drop: the bytes of its files, by their names in it.
DROPS: dict[str, dict[str, bytes]] = {
    "nothing": {"a.csv.gz": gzip.compress(HEADER + START + b",1,vm/1,web,Usage,,\n")},
    "no rows": {"a.csv.gz": gzip.compress(HEADER)},
    "blanks": {"a.csv.gz": gzip.compress(HEADER + b",,,,,,\n" + START + b",,,,,,\n")},
    "numbers": {
        "a.csv.gz": gzip.compress(
            HEADER + b"".join(START + b"," + each + b",,,,,\n" for each in (b"1e3", b"$5", b"1" * 21, b"NaN", b" 1"))
        )
    },
    "times": {
        "a.csv.gz": gzip.compress(
            HEADER + b"".join(each + b",1,,,,,\n" for each in (b"5/1/2026", b"46143", b"2026-04-30T23:00:00Z", b"soon"))
        )
    },
    "many": {"a.csv.gz": gzip.compress(HEADER + b"".join(b"soon,%d,,,,,\n" % n for n in range(250)))},
    "types and tags": {"a.csv.gz": gzip.compress(HEADER + START + b",1,,web,Refund,{,\n" + START + b",1,,,,[],x\n")},
    "rounding": {"a.csv.gz": gzip.compress(HEADER + START + b",0.1234567890123456789,,,,,2\n")},
    "ragged": {"a.csv.gz": gzip.compress(HEADER + START + b",1,2\n" + START + b",1,,,,,\n" + START + b",1,,,,,,,\n")},
    "quotes": {"a.csv.gz": gzip.compress(HEADER + START + b',1,a"b,,,,\n' + START + b',"1,,,,,\n')},
    "columns": {"a.csv.gz": gzip.compress(b"cost/cost,cost/colour,resource/tag:a b\n1,2,3\n")},
    "column twice": {"a.csv.gz": gzip.compress(b"time/usage_start,cost/cost,cost/cost\n")},
    "delimiter": {"a.csv.gz": gzip.compress(b"time/usage_start;cost/cost\n")},
    "no header": {"a.csv.gz": gzip.compress(b"\n1,2\n")},
    "empty": {"a.csv.gz": b"", "b.csv.gz": gzip.compress(b"")},
    "not packed": {"a.csv.gz": HEADER, "b.csv.gz": b"{}"},
    "cut off": {"a.csv.gz": gzip.compress(HEADER + START + b",1,,,,,\n")[:-6]},
    "no UTF-8": {"a.csv.gz": gzip.compress(HEADER + START + b",1,,,,,\n" + START + b",1,\xff,,,,\n")},
    "NUL": {"a.csv.gz": gzip.compress(HEADER + START + b",1,\0,,,,\n")},
    "two files": {
        "a.csv.gz": gzip.compress(HEADER + START + b",x,,,,,\n"),
        "b.csv.gz": gzip.compress(HEADER + START + b",y,,,,,\n" + START + b",z\n"),
    },
}


GOOD = gzip.compress(HEADER + START + b",1,,,,,\n")
MANIFEST = f"{MAY.id}/manifest.json"
# What is wrong with a month: the bytes of all that lies at the place.
MONTHS: dict[str, dict[str, bytes]] = {
    "manifest is no JSON": {MANIFEST: b"{", f"{MAY.id}/d1/a.csv.gz": GOOD},
    "manifest is a list": {MANIFEST: b"[]", f"{MAY.id}/d1/a.csv.gz": GOOD},
    "manifest names no drop": {MANIFEST: b'{"version": "1.3.0"}', f"{MAY.id}/d1/a.csv.gz": GOOD},
    "manifest leads out": {MANIFEST: b'{"current_drop_id": "../d1"}', f"{MAY.id}/d1/a.csv.gz": GOOD},
    "manifest of another version": {
        MANIFEST: b'{"version": "7", "current_drop_id": "d1"}',
        f"{MAY.id}/d1/a.csv.gz": GOOD,
    },
    "drop is gone": {MANIFEST: b'{"current_drop_id": "d2"}', f"{MAY.id}/d1/a.csv.gz": GOOD},
    "other files": {
        MANIFEST: b'{"current_drop_id": "d1"}',
        f"{MAY.id}/d1/a.csv.gz": GOOD,
        f"{MAY.id}/d1/b.csv": HEADER,
        f"{MAY.id}/d1/_SUCCESS": b"",
    },
    "two months in one": {"20260501-20260701/manifest.json": b"{}"},
    **{
        f"drop: {name}": {
            MANIFEST: json.dumps({"version": "1.3.0", "current_drop_id": "d1"}).encode(),
            **{f"{MAY.id}/d1/{file}": content for file, content in files.items()},
        }
        for name, files in DROPS.items()
    },
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("equal")
    made = World(folder / "home", open_place(str(folder / "bills"), create=True))
    yield made
    made.close()


def both(world: World, folder: Path, files: Mapping[str, bytes]) -> tuple[RunResult, list[Finding], dict[str, int]]:
    """The run of an ingest; what a check finds in the same place, and how often."""
    world.place = open_place(str(folder / "out"), create=True)
    world.source = replace(world.source, name=folder.name.replace(" ", "-"), location=world.place.location)
    for path, content in files.items():
        world.place.write(path, content)
    wish = lint.Wish(world.place.location.path)
    (checked,) = lint.check(world.engine, world.settings, wish, open_place)
    return world.one(), list(checked.findings), dict(checked.counts)


@pytest.mark.parametrize("name", MONTHS)
def test_the_errors_of_a_check_are_those_of_the_ingest(world: World, tmp_path: Path, name: str) -> None:
    ingested, findings, counts = both(world, tmp_path, MONTHS[name])
    assert errors(findings) == errors(ingested.findings)
    assert counted(counts) == counted(ingested.counts)
    assert bool(errors(findings)) == ingested.is_bad
    # Of warnings it has more, and a period that an ingest has emptied is one that would be emptied.
    warned = {each.code for each in ingested.findings}
    assert warned - {"period-emptied"} <= {each.code for each in findings}
    assert ("period-emptied" in warned) == ("drop-empty" in counts)


def test_a_file_with_too_many_rows_is_told_alike(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cbf, "max_rows_a_file", 1)
    two = gzip.compress(HEADER + (START + b",1,,,,,\n") * 2)
    ingested, findings, counts = both(
        world, tmp_path, {MANIFEST: b'{"current_drop_id": "d1"}', f"{MAY.id}/d1/a.csv.gz": two}
    )
    assert [each.code for each in findings] == ["rows-too-many"]
    assert errors(findings) == errors(ingested.findings)
    assert counted(counts) == counted(ingested.counts)


def errors(findings: tuple[Finding, ...] | list[Finding]) -> list[Finding]:
    return [each for each in findings if each.is_error]


def counted(counts: Mapping[str, int]) -> dict[str, int]:
    return {code: number for code, number in counts.items() if CODES[code].severity == "error"}
