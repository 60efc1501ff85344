"""`outlay users`: who may sign in to the site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from outlay.cli.asking import ask_name
from outlay.cli.options import Json
from outlay.cli.output import Column, facts, print_json, say, table
from outlay.cli.who import who

if TYPE_CHECKING:
    from outlay.settings import Settings
    from outlay.web.accounts.models import User

UserName = Annotated[str, Parameter(help="The user's name.")]
RoleName = Annotated[str, Parameter(help="viewer or administrator.")]


def add(
    name: UserName,
    /,
    *,
    role: Annotated[str, Parameter("--role", help="viewer or administrator.", show_default=True)] = "viewer",
    email: Annotated[str, Parameter("--email", help="Where notices go.")] = "",
    json: Json = False,
) -> None:
    """Add a user, and print the link by which they choose a password, once.

    For example:

    outlay users add ada --role administrator
    """
    with _site() as settings:
        from outlay.web.accounts import people

        user, path = people.add(name, role, email, by=who())
        _tell_link(settings, user, path, json)


def list_(*, json: Json = False) -> None:
    """List the users, what they may do, and when they signed in last.

    For example:

    outlay users list
    """
    with _site():
        from outlay.web.accounts.models import User

        told = [_told(user) for user in User.objects.all()]
    if json:
        print_json(told)
    elif told:
        columns = [Column("name"), Column("role"), Column("signed in")]
        table(columns, [(each["name"], each["role"], each["signed_in"] or "never") for each in told])
    else:
        say("There are no users yet.")
        say("next: Add the first one with outlay users add NAME --role administrator.")


def role(name: UserName, role: RoleName, /, *, json: Json = False) -> None:
    """Say what a user may do.

    For example:

    outlay users role ada viewer
    """
    with _site():
        from outlay.web.accounts import people

        user = people.named(name)
        people.set_role(user, role, by=who())
    if json:
        print_json(_told(user))
    else:
        say(f"{user.username} is {user.role} now.")


def link(name: UserName, /, *, json: Json = False) -> None:
    """Print a new link by which a user chooses a password, once. Links made before are over.

    For example:

    outlay users link ada
    """
    with _site() as settings:
        from outlay.web.accounts import people

        user = people.named(name)
        _tell_link(settings, user, people.new_link(user, by=who()), json)


def remove(
    name: UserName,
    /,
    *,
    yes: Annotated[bool, Parameter("--yes", help="Do not ask for the name.")] = False,
    json: Json = False,
) -> None:
    """Remove a user, with all their API tokens.

    For example:

    outlay users remove ada --yes
    """
    with _site():
        from outlay.web.accounts import people

        user = people.named(name)
        if not yes:
            ask_name(user.username, is_silent=json, left="nobody was removed")
        people.remove(user, by=who())
    if json:
        print_json({"name": user.username, "removed": True})
    else:
        say(f"{user.username} is removed.")


@contextmanager
def _site() -> Iterator[Settings]:
    """The site's part of the database. Raises SetupError."""
    import outlay
    from outlay.state.opening import close_state
    from outlay.web.site import open_site

    settings = outlay.open().settings
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    open_site(settings)
    try:
        yield settings
    finally:
        close_state()


def _told(user: User) -> dict[str, Any]:
    return {
        "name": user.username,
        "role": user.role,
        "email": user.email or None,
        "signed_in": user.last_login.isoformat() if user.last_login else None,
    }


def _tell_link(settings: Settings, user: User, path: str, json: bool) -> None:
    """Where the site is, only OUTLAY_URL says."""
    from outlay.web.accounts.links import LASTS

    url = f"{settings.url or 'http://127.0.0.1:8000'}{path}"
    if json:
        print_json({**_told(user), "link": url})
        return
    facts([("name", user.username), ("role", user.role), ("link", url)])
    say(f"next: Send the link to {user.username}. It can be used once, in the next {LASTS.days * 24} hours.")
    if settings.url is None:
        say("It is for a site on this machine at port 8000; set OUTLAY_URL where it is somewhere else.")
