"""docs/checking.md: its commands can be called, and what it says of findings is all there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from outlay.cli.app import make_app
from outlay.findings import CODES

PAGE = (Path(__file__).parents[2] / "docs" / "checking.md").read_text()
# Findings of a check alone that are errors, or that the page tells of elsewhere.
_ELSEWHERE = {"csv-not-packed"}


COMMANDS = sorted(set(re.findall(r"^(?: *- run: )?(outlay check .*)$", PAGE, re.MULTILINE)))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_the_page_can_be_called(command: str) -> None:
    called, bound, _ = make_app().parse_args(shlex.split(command)[1:], exit_on_error=False, print_error=False)
    assert called.__name__ == "check"
    assert bound.args


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) > 5


def test_the_page_explains_every_finding_that_only_a_check_tells() -> None:
    told = {code for code, each in CODES.items() if "outlay check" in each.when}
    explained = set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE))
    assert explained == told - _ELSEWHERE
