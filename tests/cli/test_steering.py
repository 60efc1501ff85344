from __future__ import annotations

import os
import pwd

import pytest

from tests.cli.conftest import Outlay
from tests.cli.drops import Drops

HUSH = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def total(outlay: Outlay) -> str:
    answer = outlay("costs", "--metric", "billed", "--json").json
    return str(answer["totals"].get("USD", "0"))


def test_months_are_left_uncounted_and_counted_again(outlay: Outlay, acme: Drops) -> None:
    assert total(outlay) == "6.6"
    said = outlay("connections", "set", "acme", "--count-to", "2026-05")
    assert "Counted are those from the first to 2026-05." in said.out
    assert total(outlay) == "3.3"
    assert [period["counted"] for period in outlay("periods", "acme", "--json").json] == [False, True]
    assert outlay("connections", "set", "acme", "--count-from", "2026-06").code == 2
    assert outlay("connections", "set", "acme", "--count-to", "", "--count-from", "2026-06").code == 0
    assert total(outlay) == "3.3"
    outlay("connections", "set", "acme", "--count-from", "")
    assert total(outlay) == "6.6"


def test_what_is_set_is_shown(outlay: Outlay, acme: Drops) -> None:
    told = outlay("connections", "set", "acme", "--check-every", "5", "--bring-from", "2026-05", "--json").json
    nothing = dict.fromkeys(("count_from", "count_to", "export"))
    assert told == {"name": "acme", "check_every": 5, "bring_from": "2026-05", **nothing, "only_connected": False}
    assert outlay("connections", "set", "acme", "--export", "daily", "--json").json["export"] == "daily"
    assert "brings in the export daily" in outlay("connections", "set", "acme", "--export", "hourly").err
    shown = outlay("connections", "show", "acme", "--json").json
    assert (shown["check_every"], shown["bring_from"]) == (5, "2026-05")


def test_setting_nothing_or_nonsense_is_wrong_usage(outlay: Outlay, acme: Drops) -> None:
    for words in ([], ["--check-every", "4"], ["--bring-from", "May"]):
        ran = outlay("connections", "set", "acme", *words)
        assert (ran.code, ran.out) == (2, "")
        assert "next:" in ran.err


def test_a_stop_says_when_there_is_nothing_to_stop(outlay: Outlay, acme: Drops) -> None:
    assert outlay("connections", "stop", "acme").out == "Nobody checks acme at the moment.\n"
    assert outlay("connections", "stop", "acme", "--json").json == {"name": "acme", "stopped": False}


def test_a_connection_is_shown_with_its_timeline_and_its_last_check(outlay: Outlay, acme: Drops) -> None:
    said = outlay("connections", "show", "acme").out
    assert "2 months looked at." in said
    assert said.index("healthy  ") < said.rindex("pending-data")
    told = outlay("connections", "show", "acme", "--json").json
    assert [change["after"] for change in told["timeline"]] == ["healthy", "pending-data"]
    assert told["progress"]["state"] == "done"


def test_access_keys_are_sealed_anew_and_never_shown(outlay: Outlay, acme: Drops) -> None:
    import outlay as installation
    from outlay.state.new import NewConnection

    key_id = "AKIAIOSFODNN7EXAMPLE"
    with installation.open() as o:
        new = NewConnection("main", "aws", "s3://bucket/cur", access_key_id=key_id, secret_access_key=HUSH)
        before = o.add(new).row.secret
    for words in (("reseal",), ("reseal", "--drop-old")):
        assert outlay("connections", *words).out == "1 access key sealed anew.\n"
    with installation.open() as o:
        row = o.connection("main").row
        assert row.secret != before
        assert o.keyring.open(row.secret, "main").reveal() == HUSH
    for shown in ("show main", "show main --json", "list --json"):
        said = outlay("connections", *shown.split())
        assert HUSH not in said.out + said.err
        assert key_id not in said.out + said.err
    assert outlay("connections", "show", "main", "--json").json["access_key"] == "…MPLE"


def test_what_commands_do_is_recorded_with_who_did_it(
    outlay: Outlay, acme: Drops, monkeypatch: pytest.MonkeyPatch
) -> None:
    import outlay as installation
    from outlay import connecting

    # The environment is no proof of who somebody is.
    monkeypatch.setenv("LOGNAME", "somebody-else")
    acme.drop("2026-05", ["9"], "d2")
    outlay("ingest", "acme")
    earlier = outlay("periods", "acme", "--json").json[1]["earlier"][0]
    for words in (
        ["connections", "pause", "acme"],
        ["connections", "resume", "acme"],
        ["connections", "set", "acme", "--count-to", "2026-06", "--check-every", "30", "--bring-from", "2026-05"],
        ["connections", "set", "acme", "--check-every", "30"],
        ["connections", "stop", "acme"],
        ["revert", "acme", "2026-05", earlier],
        ["revert", "acme", "2026-05", earlier],
    ):
        assert outlay(*words).code == 0
    with installation.open() as o:
        done = connecting.acts(o, "acme")
    user = pwd.getpwuid(os.getuid()).pw_name
    assert {each.who for each in done} == {f"{user} on the command line"}
    assert [each.sentence.partition(f" {earlier}")[0] for each in reversed(done)] == [
        "added the connection",
        "paused it",
        "resumed it",
        "changed which months count: the first to 2026-06.",
        "changed its settings: how often it is checked, from which month on.",
        "made an earlier delivery live:",
    ]
    assert outlay("connections", "remove", "acme", "--yes").code == 0
    with installation.open() as o:
        _ = o.memory
        from outlay.state.acts import done_to

        assert done_to("acme")[0].sentence == "removed the connection and kept its charges."
