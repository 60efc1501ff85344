from __future__ import annotations

import io

import pytest

from tests.cli.conftest import Outlay
from tests.cli.drops import Drops


def test_the_list_has_the_shape_of_the_contract(outlay: Outlay, drops: Drops) -> None:
    outlay("connections", "add", "anycost", "acme", "--cloud-provider", "Acme Cloud", "--location", drops.folder)
    (told,) = outlay("connections", "list", "--json").json
    contract = ("name", "kind", "cloud_provider", "location", "status", "reason", "next")
    assert {name: told[name] for name in contract} == {
        "name": "acme",
        "kind": "anycost",
        "cloud_provider": "Acme Cloud",
        "location": f"file://{drops.folder}",
        "status": "pending-data",
        "reason": "Not checked yet.",
        "next": "Bring in its bills with outlay ingest acme.",
    }


def test_without_connections_the_next_action_is_told(outlay: Outlay) -> None:
    assert "outlay demo DIR" in outlay("connections", "list").out
    assert outlay("connections", "list", "--json").json == []


def test_each_kind_takes_its_options(outlay: Outlay, drops: Drops) -> None:
    aws = ("--location", "s3://bucket/cur", "--export", "daily", "--expect-every", "24", "--external-id", "abc")
    role = ("--role-arn", "arn:aws:iam::123456789012:role/outlay")
    assert outlay("connections", "add", "aws", "main", *aws, *role).code == 0
    assert outlay("connections", "add", "focus", "eu", "--location", drops.folder, "--currency", "EUR").code == 0
    main = outlay("connections", "show", "main", "--json").json
    assert (main["export"], main["expect_every"], main["role_arn"]) == ("daily", 24, role[1])
    assert outlay("connections", "show", "eu", "--json").json["currency"] == "EUR"
    shown = outlay("connections", "show", "eu").out
    assert "currency" in shown
    assert "profile" not in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["aws", "Main", "--location", "s3://bucket/cur"], "cannot be the name of an AWS connection"),
        (["focus", "a b", "--location", "/bills"], "cannot be the name of a connection"),
        (["focus", "a", "--location", "ftp://x/y"], "ftp://"),
        (["focus", "a", "--location", "/bills", "--currency", "euro"], "is not a currency"),
        (["focus", "a", "--location", "/bills", "--expect-every", "1.5"], "is not a whole number of hours"),
        (["anycost", "a", "--location", "s3://bucket", "--cloud-provider", "x"], "cannot lie in the root"),
        (["aws", "a", "--location", "s3://bucket/x", "--role-arn", "me"], "is not the ARN of a role"),
        (
            ["anycost", "acme", "--location", "/bills/x", "--cloud-provider", "x"],
            "There is a connection named acme already",
        ),
    ],
)
def test_what_cannot_be_registered_is_told_by_its_rule(
    outlay: Outlay, acme: Drops, words: list[str], said: str
) -> None:
    ran = outlay("connections", "add", *words)
    assert ran.code == 2
    assert said in ran.err
    assert len(outlay("connections", "list", "--json").json) == 1


def test_a_pause_and_its_end(outlay: Outlay, acme: Drops) -> None:
    assert outlay("connections", "pause", "acme").out.startswith("acme is paused. ")
    assert outlay("connections", "list", "--json").json[0]["status"] == "paused"
    assert "outlay connections resume acme" in outlay("connections", "list").out
    assert outlay("connections", "resume", "acme", "--json").json["status"] == "healthy"


def test_removing_without_a_terminal_wants_yes(outlay: Outlay, acme: Drops) -> None:
    ran = outlay("connections", "remove", "acme")
    assert ran.code == 2
    assert "Add --yes" in ran.err
    assert len(outlay("connections", "list", "--json").json) == 1


def test_removing_keeps_the_charges_and_their_name(outlay: Outlay, acme: Drops) -> None:
    assert outlay("connections", "remove", "acme", "--yes").out == (
        "acme is removed. Its charges are still in the lake.\n"
    )
    assert outlay("costs", "--json").json["totals"] == {"USD": "6.6"}
    ran = outlay("connections", "add", "focus", "acme", "--location", acme.folder)
    assert ran.code == 2
    assert "The lake still holds charges of an earlier connection named acme." in ran.err


def test_purging_removes_the_charges_too(outlay: Outlay, acme: Drops) -> None:
    told = outlay("connections", "remove", "acme", "--yes", "--purge", "--json").json
    assert told == {"name": "acme", "removed": True, "charges_removed": 3}
    assert outlay("costs", "--json").json["totals"] == {}
    assert outlay("connections", "add", "focus", "acme", "--location", acme.folder).code == 0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "code"), [("acme\n", 0), ("yes\n", 2), ("", 2)])
def test_at_a_terminal_the_name_has_to_be_typed(
    outlay: Outlay, acme: Drops, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    ran = outlay("connections", "remove", "acme")
    assert ran.code == code
    assert "Its 3 charges of 2 billing periods stay in the lake" in ran.out
    assert len(outlay("connections", "list", "--json").json) == (0 if code == 0 else 1)


def test_a_narrow_terminal_shows_the_whole_list(outlay: Outlay, acme: Drops, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    shown = outlay("connections", "list").out
    assert max(map(len, shown.splitlines())) <= 80
    for part in ("acme", "anycost", "healthy", "The last delivery came"):
        assert part in " ".join(shown.split())
