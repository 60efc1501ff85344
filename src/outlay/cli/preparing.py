"""What `outlay up` has done before it starts anything, in a process of its own that ends with its memory.

`python -m outlay.cli.preparing [--demo]` brings the database up to date, connects sample bills to an empty home, and
prints as one JSON document what there is to tell.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import outlay
from outlay.errors import OutlayError
from outlay.settings import Settings

if TYPE_CHECKING:
    from outlay.app import Outlay

BILLS = "sample-bills"
# Found by name: the command line works without the site.


def main(words: Sequence[str]) -> int:
    try:
        # The site first: what sets Django up for the state alone does not know the site's models.
        link = first_link(Settings.read())
        with outlay.open() as o:
            _ = o.memory
            told = connect_samples(o) if "--demo" in words else ""
        print(json.dumps({"samples": told, "link": link}))
    except OutlayError as error:
        print(json.dumps({"error": error.message, "next": error.next}))
        return error.exit_code
    return 0


def connect_samples(o: Outlay, months: int = 12) -> str:
    """Write a year of sample bills into the home and connect them, once. What was done, or why nothing was."""
    bills = o.settings.home / BILLS
    connected = bills / "connected"
    if connected.exists():
        return ""
    others = [view.row.name for view in o.connections() if not view.row.location.startswith(f"file://{bills}")]
    if others:
        return f"No sample bills were connected: this home has connections already ({', '.join(others[:3])})."
    written = _write(bills, months)
    known = {view.row.name for view in o.connections()}
    for bill in written:
        if bill.name not in known:
            o.add(_new(bill, bills))
    connected.touch()
    return f"A year of sample bills of an invented company was written to {bills} and connected."


def _write(bills: Path, months: int) -> list[Any]:
    """Beside their place first: an interrupted start leaves no half of them."""
    from outlay.demo import write

    unfinished = bills.with_name(f"{bills.name}.unfinished")
    for folder in (unfinished, bills):
        shutil.rmtree(folder, ignore_errors=True)
    written = write(unfinished, months=months)
    unfinished.rename(bills)
    return written


def _new(bill: Any, bills: Path) -> Any:
    from outlay.state.new import NewConnection

    return NewConnection(
        bill.name,
        bill.kind,
        f"file://{bills / bill.location}",
        bill.cloud_provider or "" if bill.kind != "aws" else "",
        bill.export or "",
        bill.currency,
    )


def first_link(settings: Settings) -> str | None:
    """How the first administrator signs in; None when there is one already."""
    from outlay.web.site import open_site

    open_site(settings)
    from outlay.web.accounts.links import first_link

    return first_link(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
