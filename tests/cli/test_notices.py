"""Channels of notices by command: the same rules as on the page, and no secret but the one that is printed once."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Outlay
from tests.notices.receivers import Receiver, http, smtp

SECRET = "hush-hush-token"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http() as started:
        yield started


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_webhook_is_added_tried_switched_and_removed(
    outlay: Outlay, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Nobody is told yet." in outlay("notices", "list").out
    typed(monkeypatch, f"{receiver.url}/{SECRET}\n")
    added = outlay(
        "notices", "add", "webhook", "FinOps", "--url", "-", "--on", "late", "--on", "rejected", "--json"
    ).json
    assert (added["name"], added["kind"], added["where"]) == ("FinOps", "webhook", "127.0.0.1")
    assert (added["events"], added["on"], len(added["secret"]) > 30) == (["late", "rejected"], True, True)
    ran = outlay("notices", "test", "FinOps", "--json")
    assert (ran.code, ran.json["state"], ran.json["event"]) == (0, "told", "test")
    assert json.loads(receiver.posted[0].body)["event"] == "test"
    assert outlay("notices", "switch", "FinOps", "off", "--json").json["on"] is False
    listed = outlay("notices", "list", "--json").json
    assert listed == [{name: value for name, value in added.items() if name != "secret"} | {"on": False}]
    for words in (["list"], ["list", "--json"], ["log"], ["log", "--json"]):
        said = outlay("notices", *words).out
        assert SECRET not in said
        assert added["secret"] not in said
    assert outlay("notices", "remove", "FinOps").code == 2
    assert outlay("notices", "remove", "FinOps", "--yes", "--json").json == {"name": "FinOps", "removed": True}
    assert outlay("notices", "log", "--json").json == []


def test_the_log_tells_what_was_tried_and_when_it_is_tried_again(outlay: Outlay, receiver: Receiver) -> None:
    assert outlay("notices", "add", "slack", "Team", "--url", receiver.url).code == 0
    receiver.status = 500
    failed = outlay("notices", "test", "Team")
    assert (failed.code, "answered 500" in failed.out, "tried again" in failed.out) == (1, True, True)
    receiver.status = 200
    assert outlay("notices", "test", "Team").code == 0
    told, waiting = outlay("notices", "log", "--json").json
    assert (told["state"], told["next_try"], [each["error"] for each in told["tries"]]) == ("told", None, [None])
    assert (waiting["state"], waiting["told"], len(waiting["tries"])) == ("waiting", None, 1)
    assert "answered 500" in waiting["tries"][0]["error"]
    said = outlay("notices", "log").out
    assert "tried 1 times" not in said
    assert "tried once, again" in said
    assert "told 20" in said
    assert len(outlay("notices", "log", "--limit", "1", "--json").json) == 1


def test_a_mail_has_its_password_from_the_standard_input(outlay: Outlay, monkeypatch: pytest.MonkeyPatch) -> None:
    with smtp(password=SECRET) as box:
        typed(monkeypatch, f"{SECRET}\n")
        words = ["--host", "127.0.0.1", "--port", box.port, "--security", "none", "--username", "outlay"]
        people = ["--from", "outlay@example.com", "--to", "ada@example.com", "--to", "bo@example.com"]
        added = outlay("notices", "add", "email", "Mail", *words, *people)
        assert (added.code, "ada@example.com, bo@example.com by 127.0.0.1" in added.out) == (0, True)
        assert SECRET not in added.out
        assert outlay("notices", "test", "Mail").code == 0
    assert box.sign_ins == [("outlay", SECRET)]
    assert box.mails[0]["To"] == "ada@example.com, bo@example.com"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["webhook", "x", "--url", "ftp://example.com"], "url: That is no address."),
        (["webhook", "x", "--url", "https://ada:hush@example.com/"], "url: A name and password"),
        (["slack", "x", "--url", "https://example.com", "--on", "always"], "events: "),
        (["email", "x", "--host", "a b", "--from", "a@example.com", "--to", "b@example.com"], "host: "),
        (["email", "x", "--host", "h", "--from", "a@example.com", "--to", "nobody"], "recipients: "),
        (["email", "x", "--host", "h", "--port", "0", "--from", "a@example.com", "--to", "b@example.com"], "port: "),
        (["slack", "\x07", "--url", "https://example.com"], "name: Write it in one line."),
        (["slack", "x" * 101, "--url", "https://example.com"], "name: "),
    ],
)
def test_what_the_page_refuses_the_command_refuses(outlay: Outlay, words: list[str], said: str) -> None:
    ran = outlay("notices", "add", *words)
    assert (ran.code, ran.out, said in ran.err) == (2, "", True), ran.err
    assert "hush" not in ran.err
    assert outlay("notices", "list", "--json").json == []


def test_a_name_that_is_taken_or_unknown_is_told(outlay: Outlay) -> None:
    add = ("notices", "add", "slack", "Team", "--url", "https://example.com/")
    assert outlay(*add).code == 0
    taken = outlay(*add)
    assert (taken.code, "There is a channel Team already." in taken.err) == (2, True)
    for words in (["test", "Other"], ["switch", "Other", "on"], ["remove", "Other", "--yes"]):
        ran = outlay("notices", *words)
        assert (ran.code, "There is no channel 'Other'" in ran.err) == (2, True)
