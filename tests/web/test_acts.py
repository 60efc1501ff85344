"""What is done to users and channels is shown with who did it, be it by the site or by a command."""

from __future__ import annotations

import os
import pwd
import re

from tests.web.sites import NAMES, Site


def told(site: Site, path: str) -> list[str]:
    """The list What people did of a page, newest first, without times."""
    _, _, part = site.ask(path, "administrator").text.partition("What people did")
    found = re.findall(r'<span class="fw-medium">([^<]*)</span> (.*?) <span', part)
    return [" ".join(each) for each in found]


def test_what_is_done_to_users_is_told(empty_site: Site) -> None:
    by_command = f"{pwd.getpwuid(os.getuid()).pw_name} on the command line"
    empty_site.outlay("users", "add", "carol")
    empty_site.outlay("users", "role", "carol", "administrator")
    empty_site.outlay("users", "link", "carol")
    empty_site.outlay("users", "remove", "carol", "--yes")
    form = {"username": "dora", "role": "viewer", "email": ""}
    assert empty_site.ask("/users", "administrator", "POST", data=form).status_code == 200
    assert told(empty_site, "/users") == [
        f"{NAMES['administrator']} added the user dora, viewer.",
        f"{by_command} removed the user carol.",
        f"{by_command} made a new link for carol.",
        f"{by_command} said what a user may do: carol is administrator.",
        f"{by_command} added the user carol, viewer.",
    ]


def test_what_is_done_to_channels_is_told(empty_site: Site) -> None:
    form = {"name": "FinOps", "url": "http://127.0.0.1:9/hush", "events": ["late"]}
    assert empty_site.ask("/notices/add/slack", "administrator", "POST", data=form).status_code == 302
    page = empty_site.ask("/notices", "administrator").text
    number = re.search(r"/notices/(\d+)/switch", page)
    assert number
    for doing, data in (("switch", {"on": "no"}), ("switch", {"on": "no"}), ("remove", {})):
        assert empty_site.ask(f"/notices/{number[1]}/{doing}", "administrator", "POST", data=data).status_code == 302
    who = NAMES["administrator"]
    assert told(empty_site, "/notices") == [
        f"{who} removed the channel FinOps.",
        f"{who} switched the channel FinOps off.",
        f"{who} added the channel FinOps.",
    ]
