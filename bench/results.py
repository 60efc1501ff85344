"""`bench/results.md`: a section for each benchmark, each written when that one has run."""

from __future__ import annotations

import re
from pathlib import Path

PATH = Path(__file__).parent / "results.md"
TITLE = "# Benchmark results"
_SECTION = re.compile(r"^## ", re.MULTILINE)


def write(heading: str, body: str, path: Path = PATH) -> None:
    """Put the section in the place of the one before of that heading; the others stay."""
    found = _sections(path.read_text() if path.exists() else "")
    found[heading] = body.strip()
    parts = [TITLE, *(f"## {each}\n\n{text}" for each, text in found.items())]
    path.write_text("\n\n".join(parts) + "\n")


def _sections(text: str) -> dict[str, str]:
    """Bodies by heading, in order."""
    _, *sections = _SECTION.split(text)
    divided = (section.partition("\n") for section in sections)
    return {heading.strip(): body.strip() for heading, _, body in divided}
