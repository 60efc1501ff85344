"""The code of `docs/adaptors.md` does what it says, and its reference names all that there is."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from outlay.adaptor import Adaptor
from outlay.adaptor.mapping import ROUNDS, load

PAGE = (Path(__file__).parents[2] / "docs" / "adaptors.md").read_text()
SOURCES = Path(__file__).parents[2] / "src" / "outlay" / "adaptor"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_class_of_the_page_runs_and_passes_its_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for code in blocks("python"):
        exec(compile(code, "adaptors.md", "exec"), names)  # noqa: S102 - of this project's own page
    assert capsys.readouterr().out == "2026-10 published 2\n2026-11 published 2\n"
    names["test_the_gateway_gives_a_bill"](tmp_path / "trial")


def test_the_rules_of_the_page_are_good(tmp_path: Path) -> None:
    (rules,) = blocks("yaml")
    (tmp_path / "m.yaml").write_text(f"source: {{from: in.csv}}\npublish: {{to: drops}}\n{rules}")
    mapping = load(tmp_path / "m.yaml")
    assert [len(mapping.rules), len(mapping.tags_from)] == [8, 2]


def test_every_key_of_a_mapping_is_in_the_reference() -> None:
    text = (SOURCES / "mapping.py").read_text()
    keys = set(re.findall(r'\.(?:value|text|section|sections|values|choice|flag|number|required)\(\s*"(\w+)"', text))
    assert {"delimiter", "else", "round", "tags_from"} <= keys
    missing = sorted(key for key in {*keys, "column", "value", "sql", *ROUNDS} if f"`{key}`" not in PAGE)
    assert missing == []


def test_every_part_of_the_class_is_in_the_reference() -> None:
    own = [name for name in vars(Adaptor) if not name.startswith("_") and name != "publish"]
    missing = [name for name in own if f"`{name}" not in PAGE]
    assert missing == []
    assert dataclasses.is_dataclass(Adaptor.retries)
