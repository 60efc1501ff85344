"""`outlay notices add email|webhook|slack`."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Literal

from cyclopts import Parameter

import outlay
from outlay.cli.notices import ChannelName
from outlay.cli.options import Json
from outlay.cli.output import print_json, say
from outlay.cli.who import who
from outlay.errors import UsageError
from outlay.notices.event import KINDS

_STDIN = "-"

On = Annotated[
    tuple[str, ...],
    Parameter("--on", metavar="EVENT", help=f"What it tells: {', '.join(KINDS)}; may be repeated. All without it."),
]
Url = Annotated[
    str,
    Parameter(
        "--url",
        help=f"The address; {_STDIN} reads it from the standard input, so that no list of processes has it.",
        allow_leading_hyphen=True,
    ),
]


def email(
    name: ChannelName,
    /,
    *,
    host: Annotated[str, Parameter("--host", help="The SMTP server.")],
    sender: Annotated[str, Parameter("--from", metavar="ADDRESS", help="Who it is from.")],
    recipients: Annotated[tuple[str, ...], Parameter("--to", metavar="ADDRESS", help="Who is told; may be repeated.")],
    security: Annotated[
        Literal["starttls", "tls", "none"],
        Parameter("--security", help="none: only within one machine or network.", show_default=True),
    ] = "starttls",
    port: Annotated[
        int | None, Parameter("--port", help="587 with starttls, 465 with tls, 25 with none, unless you say otherwise.")
    ] = None,
    username: Annotated[str, Parameter("--username", help="The user name; the password is read from stdin.")] = "",
    on: On = (),
    json: Json = False,
) -> None:
    """Tell by e-mail.

    With --username the first line of the standard input is the password. It is encrypted, and never shown again.

    For example:

    outlay notices add email FinOps --host smtp.example.com --from outlay@example.com --to ada@example.com
    """
    password = _line(f"the password of {username}") if username else ""
    given = {"host": host, "sender": sender, "recipients": list(recipients), "security": security, "password": password}
    given |= {"username": username} if username else {}
    _add("email", name, {**given, **({} if port is None else {"port": port})}, on, json)


def webhook(name: ChannelName, /, *, url: Url, on: On = (), json: Json = False) -> None:
    """Tell an address of yours, as signed JSON.

    The secret that signs is printed once.

    For example:

    outlay notices add webhook FinOps --url https://example.com/hook --on late --on failing
    """
    _add("webhook", name, {"url": _address(url)}, on, json)


def slack(name: ChannelName, /, *, url: Url, on: On = (), json: Json = False) -> None:
    """Tell an incoming webhook of Slack, Mattermost, Rocket.Chat or Discord (/slack).

    For example:

    outlay notices add slack FinOps --url -
    """
    _add("slack", name, {"url": _address(url)}, on, json)


def _address(url: str) -> str:
    return _line("the address") if url == _STDIN else url


def _line(what: str) -> str:
    """Raises UsageError when there is none."""
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass(f"Type {what}: ")
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise UsageError(f"The standard input does not hold {what}.", next="Write it there, in one line.")
    return line


def _add(kind: str, name: str, given: dict[str, Any], on: tuple[str, ...], json: bool) -> None:
    with outlay.open() as o:
        _ = o.memory
        from outlay.state import noticing
        from outlay.web.notices.forms import channel_of

        new = channel_of(kind, {"name": name, **given, **({"events": list(on)} if on else {})})
        row = noticing.add(new, o.keyring, by=who())
        told = noticing.channel_told(row, o.keyring) | {"secret": new.secrets.get("secret")}
    if json:
        print_json(told)
        return
    say(f"{name} is added: it tells {told['where']}.")
    if told["secret"]:
        say(f"Its secret, with which the receiver checks who sent a notice, is {told['secret']}")
        say("It is not shown again.")
    say(f"next: Send a test with outlay notices test {name}.")
