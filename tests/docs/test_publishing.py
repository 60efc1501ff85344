"""The commands and the code of `docs/publishing.md` do what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from outlay.cli.failing import run
from outlay.storage import open_place
from tests.drops.reading import costs, current, rows_of

PAGE = (Path(__file__).parents[2] / "docs" / "publishing.md").read_text()
HEAD = "time/usage_start,cost/cost,lineitem/id\n"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "may.csv").write_text(f"{HEAD}2026-05-01,1.25,a\n")
    (tmp_path / "day-2.csv").write_text(f"{HEAD}2026-05-02,2.50,a\n")
    commands = [line for block in blocks("console") for line in block.splitlines()]
    assert len(commands) == 9
    first, place = "", None
    for command in commands:
        name, *words = [first if word == "first" else word for word in shlex.split(command)]
        assert name == "outlay"
        assert run(words) == 0, command
        place = place or open_place(str(tmp_path / "drops" / "acme"))
        first = first or current(place)
        if "--append" in words:
            assert costs(place) == ["1.25", "2.50"]
    assert place is not None
    assert rows_of(place) == []
    assert len(place.list()) == 2


def test_the_code_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    exec(compile(code, "publishing.md", "exec"), {})  # noqa: S102 - of this project's own page
    drop_id, rows, cost = capsys.readouterr().out.split()
    place = open_place(str(tmp_path / "drops" / "simple-cloud"))
    assert (current(place), rows, cost) == (drop_id, "1", "12.3")
    assert rows_of(place)[0]["time/usage_start"] == "2026-05-01T13:00:00Z"
