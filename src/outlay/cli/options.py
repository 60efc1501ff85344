"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from outlay.errors import UsageError

Json = Annotated[bool, Parameter("--json", help="Print one JSON document and nothing else.")]
Format = Literal["table", "json", "csv"]
HowToPrint = Annotated[Format | None, Parameter("--format", help="How to print the answer. [default: table]")]
Name = Annotated[str, Parameter(help="The connection's name.")]


def chosen(format: Format | None, json: bool) -> Format:
    """`--json` is short for `--format json`. Raises UsageError when the two contradict."""
    if json and format not in (None, "json"):
        raise UsageError(f"--json and --format {format} contradict each other.", next="Give one of them.")
    return "json" if json else format or "table"
