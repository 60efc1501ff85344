"""`outlay notices list|test|switch|remove|log`: who is told what, and what came of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import Parameter

import outlay
from outlay import notifying
from outlay.cli.asking import ask_name
from outlay.cli.options import Json
from outlay.cli.output import Column, print_json, say, table
from outlay.cli.who import who
from outlay.errors import UsageError

ChannelName = Annotated[str, Parameter(help="The channel's name.")]


def list_(*, json: Json = False) -> None:
    """List the channels, where each tells, and of what.

    Addresses of webhooks may be secrets: of them only the host is shown.

    For example:

    outlay notices list
    """
    with outlay.open() as o:
        _ = o.memory
        from outlay.state import noticing

        told = [noticing.channel_told(row, o.keyring) for row in noticing.channels()]
    if json:
        print_json(told)
    elif told:
        columns = [Column("name"), Column("kind"), Column("where"), Column("on"), Column("tells")]
        rows = [(each["name"], each["kind"], each["where"], each["on"], ", ".join(each["events"])) for each in told]
        table(columns, rows)
    else:
        say("Nobody is told yet.")
        say("next: Add a channel with outlay notices add.")


def try_(name: ChannelName, /, *, json: Json = False) -> int:
    """Tell a test by a channel now, and say what came of it.

    Exit code 1 when it could not be told; a worker then tries it again.

    For example:

    outlay notices test FinOps
    """
    with outlay.open() as o:
        _ = o.memory
        from outlay.state import noticing

        number, is_told, said = notifying.try_channel(o, noticing.named(name).pk, by=who())
        if json:
            print_json(noticing.notice_told(noticing.notice(number)))
        else:
            say(said)
            if not is_told:
                say("next: Correct what it tells of; add the channel anew where its settings are wrong.")
    return 0 if is_told else 1


def switch(
    name: ChannelName,
    to: Annotated[Literal["on", "off"], Parameter(help="on or off.")],
    /,
    *,
    json: Json = False,
) -> None:
    """Switch a channel on or off.

    One that is off takes no notices; what waits is told when it is on again.

    For example:

    outlay notices switch FinOps off
    """
    with outlay.open() as o:
        _ = o.memory
        from outlay.state import noticing

        row = noticing.switch(noticing.named(name).pk, on=to == "on", by=who())
        told = noticing.channel_told(row, o.keyring)
    if json:
        print_json(told)
    else:
        say(f"{name} is {to}.")


def remove(
    name: ChannelName,
    /,
    *,
    yes: Annotated[bool, Parameter("--yes", help="Do not ask for the name.")] = False,
    json: Json = False,
) -> None:
    """Remove a channel, with its log.

    For example:

    outlay notices remove FinOps --yes
    """
    with outlay.open() as o:
        _ = o.memory
        from outlay.state import noticing

        row = noticing.named(name)
        if not yes:
            ask_name(name, is_silent=json)
        noticing.remove(row.pk, by=who())
    if json:
        print_json({"name": name, "removed": True})
    else:
        say(f"{name} is removed, with its log.")


def log(
    *,
    limit: Annotated[int, Parameter("--limit", metavar="N", help="How many at most.", show_default=True)] = 50,
    json: Json = False,
) -> None:
    """Show what was told, what is tried again and when, and what was given up; the newest first.

    For example:

    outlay notices log --limit 10
    """
    if not 1 <= limit <= _MOST:
        raise UsageError(f"{limit} is no number of notices.", next=f"Ask for 1 to {_MOST:,}.")
    with outlay.open() as o:
        _ = o.memory
        from outlay.state import noticing

        told = [noticing.notice_told(row) for row in noticing.log(limit)]
    if json:
        print_json(told)
    elif told:
        columns = [Column("made"), Column("channel"), Column("notice"), Column("came of it")]
        table(columns, [(_minute(each["made"]), each["channel"], each["subject"], _came(each)) for each in told])
    else:
        say("Nothing was told yet.")
        say("next: Send a test with outlay notices test CHANNEL.")


_MOST = 10_000


def _came(told: dict[str, Any]) -> str:
    tries = told["tries"]
    error = f": {tries[-1]['error']}" if tries and tries[-1]["error"] else ""
    if told["state"] == "told":
        return f"told {_minute(told['told'])}"
    if told["state"] == "given-up":
        return f"given up after {len(tries)} tries{error}"
    times = "once" if len(tries) == 1 else f"{len(tries)} times"
    return f"tried {times}, again {_minute(told['next_try'])}{error}" if tries else "waits for a worker"


def _minute(moment: str) -> str:
    return f"{moment[:16].replace('T', ' ')} UTC"
