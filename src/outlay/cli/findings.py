"""How commands tell findings: to people, grouped by kind, and to GitHub, as annotations of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from outlay.cli.output import out, text
from outlay.findings import Finding

_SHOWN_PER_CODE = 3
_STYLES = {"error": "red", "warning": "yellow"}


def tell_findings(findings: Sequence[Finding], counts: Mapping[str, int]) -> None:
    """The first few of each code; errors come first."""
    for alike, more in by_code(findings, counts):
        for each in alike:
            out().print(text(f"  {each.severity}: ", _STYLES[each.severity]) + text(each.message), soft_wrap=True)
        if more:
            out().print(text(f"  … and {more:,} more of this kind"), soft_wrap=True)
        out().print(text("  next: ", "bold") + text(alike[0].next), soft_wrap=True)


def by_code(findings: Sequence[Finding], counts: Mapping[str, int]) -> Iterator[tuple[list[Finding], int]]:
    """The first few findings of each code, and how many there are besides; errors come first."""
    for code in sorted({each.code for each in findings}, key=lambda code: _place(code, findings)):
        alike = [each for each in findings if each.code == code]
        shown = alike[:_SHOWN_PER_CODE]
        yield shown, max(counts.get(code, len(alike)) - len(shown), 0)


def _place(code: str, findings: Sequence[Finding]) -> tuple[bool, int]:
    first = next(number for number, each in enumerate(findings) if each.code == code)
    return not findings[first].is_error, first


def as_annotations(
    findings: Sequence[Finding], counts: Mapping[str, int], place: Callable[[Finding], tuple[str, int]]
) -> Iterator[str]:
    """Lines by which GitHub marks files. `place` gives a finding's file, blank for none, and its line, 0 for none.

    Source: GitHub Actions, "Workflow commands". It shows ten of a kind a step, hence the first few of each code alone.
    """
    for alike, more in by_code(findings, counts):
        for number, each in enumerate(alike, start=1):
            rest = f" … and {more:,} more of this kind." if more and number == len(alike) else ""
            file, line = place(each)
            properties = {"file": file, "line": str(line) if file and line else "", "title": each.code}
            told = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
            yield f"::{each.severity} {told}::{_data(f'{each.message} {each.next}{rest}')}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
