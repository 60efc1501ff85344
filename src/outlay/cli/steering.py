"""`outlay connections set|stop|reseal`: how connections are checked, and how their secrets are kept."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

import outlay
from outlay import connecting
from outlay.cli.options import Json, Name
from outlay.cli.output import count, print_json, say
from outlay.cli.who import who
from outlay.errors import UsageError

_MONTH = "MONTH"


def set_(
    name: Name,
    /,
    *,
    check_every: Annotated[
        str | None, Parameter("--check-every", metavar="MINUTES", help="How often it is checked: 5 to 1440.")
    ] = None,
    bring_from: Annotated[
        str | None,
        Parameter("--bring-from", metavar=_MONTH, help="Bring in no months before this one, such as 2026-01."),
    ] = None,
    count_from: Annotated[
        str | None, Parameter("--count-from", metavar=_MONTH, help="The first month that answers count.")
    ] = None,
    count_to: Annotated[
        str | None, Parameter("--count-to", metavar=_MONTH, help="The last month that answers count.")
    ] = None,
    export: Annotated[
        str | None,
        Parameter("--export", help="The export or report that it brings in, while it names none or one not found."),
    ] = None,
    only_connected: Annotated[
        Literal["yes", "no"] | None,
        Parameter("--only-connected", help="Of a payer's bill, count the charges of connected accounts alone."),
    ] = None,
    json: Json = False,
) -> None:
    """Change how often a connection is checked, which export it is, and which months are brought in and counted.

    An empty month takes a bound away. Bills of months that do not count stay in the lake.

    For example:

    outlay connections set simple-cloud --check-every 30
    outlay connections set simple-cloud --count-to 2026-05
    outlay connections set simple-cloud --count-to ""
    outlay connections set main --export daily-cur
    outlay connections set payer --only-connected yes
    """
    if (check_every, bring_from, count_from, count_to, export, only_connected) == (None,) * 6:
        raise UsageError("Nothing is said of what to set.", next="See outlay connections set --help.")
    with outlay.open() as o:
        if only_connected is not None:
            from outlay import accounting

            accounting.count_only_connected(o, name, is_on=only_connected == "yes", by=who())
        view = o.connection(name)
        if export is not None:
            view = o.set_export(name, export)
        if count_from is not None or count_to is not None:
            row = view.row
            view = connecting.count(
                o,
                name,
                row.count_from if count_from is None else count_from,
                row.count_to if count_to is None else count_to,
                by=who(),
            )
        if bring_from is not None or check_every is not None:
            view = connecting.set_checks(o, name, every=check_every, bring_from=bring_from, by=who())
    row = view.row
    if json:
        months = {"bring_from": row.bring_from, "count_from": row.count_from, "count_to": row.count_to}
        texts = {k: v or None for k, v in {**months, "export": row.export}.items()}
        only = {"only_connected": row.only_connected}
        print_json({"name": name, "check_every": row.check_every_minutes, **texts, **only})
        return
    say(f"{name} is checked every {row.check_every_minutes} minutes.")
    say(f"Brought in are its months from {row.bring_from or 'the first'} on.")
    if row.export:
        say(f"The export is {row.export}.")
    say(f"Counted are those from {row.count_from or 'the first'} to {row.count_to or 'the last'}.")
    if row.only_connected:
        say("Counted are charges of connected accounts alone; outlay accounts shows which those are.")


def stop(name: Name, /, *, json: Json = False) -> None:
    """End the check of a connection that is under way.

    What is in stays. Months that were never brought in are left out until the connection is checked on request:
    by outlay ingest, or by Check now on its page.

    For example:

    outlay connections stop simple-cloud
    """
    with outlay.open() as o:
        stopped = connecting.stop(o, name, by=who())
    if json:
        print_json({"name": name, "stopped": stopped})
        return
    say(f"The check of {name} is asked to end." if stopped else f"Nobody checks {name} at the moment.")


def reseal(
    *,
    drop_old: Annotated[
        bool, Parameter("--drop-old", help="Forget the older keys; end every other process first.")
    ] = False,
    json: Json = False,
) -> None:
    """Seal the secrets of all access keys under a new key.

    The new key is put first into secret.key in the home. Where OUTLAY_SECRET_KEYS gives the keys, put a new one first
    there before.

    For example:

    outlay connections reseal
    """
    with outlay.open() as o:
        sealed = o.reseal(drop_old=drop_old)
    if json:
        print_json({"resealed": sealed})
        return
    say(f"{count(sealed, 'access key')} sealed anew.")
