"""Every kind of finding has a test that expects it. That the test brings it about is for its reader to see."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from outlay.findings import CODES

TESTS = Path(__file__).parent
# A finding made by hand shows nothing: what its call is given does not count.
_MADE_BY_HAND = ("finding", "Finding")


def texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MADE_BY_HAND:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from texts(child)


@functools.cache
def said() -> frozenset[str]:
    files = (path for path in TESTS.rglob("test_*.py") if path != Path(__file__))
    return frozenset(text for path in files for text in texts(ast.parse(path.read_text())))


@pytest.mark.parametrize("code", CODES)
def test_every_finding_code_is_brought_about_by_a_test(code: str) -> None:
    assert code in said()
