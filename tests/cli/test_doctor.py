from __future__ import annotations

import subprocess
import sys
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Outlay, Ran
from tests.cli.drops import Drops


def _check(ran: Ran, name: str) -> dict[str, Any]:
    found = [check for check in ran.json["checks"] if check["name"] == name]
    assert found, [check["name"] for check in ran.json["checks"]]
    check: dict[str, Any] = found[0]
    return check


def test_a_fresh_installation_is_in_order(outlay: Outlay) -> None:
    ran = outlay("doctor")
    assert ran.code == 0
    assert ran.out.endswith("Everything is in order.\n")
    told = outlay("doctor", "--json").json
    assert told["healthy"] is True
    assert [check["name"] for check in told["checks"]] == [
        "settings", "home", "database", "lake catalog", "lake location", "spool", "spool leftovers", "engine", "clock",
        "worker",
    ]  # fmt: skip


def test_a_home_that_cannot_be_used_is_the_only_thing_told(outlay: Outlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTLAY_HOME", "/etc/passwd")
    ran = outlay("doctor", "--json")
    assert ran.code == 1
    assert [check["verdict"] for check in ran.json["checks"]] == ["ok", "wrong"]
    assert "next for home: Point OUTLAY_HOME" in outlay("doctor").out


def test_a_setting_that_cannot_be_read_is_told(outlay: Outlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTLAY_THREADS", "none")
    ran = outlay("doctor", "--json")
    assert ran.code == 1
    assert "OUTLAY_THREADS" in _check(ran, "settings")["found"]


def test_a_damaged_database_is_told_and_the_lake_is_looked_at_all_the_same(outlay: Outlay, outlay_home: Path) -> None:
    outlay_home.mkdir(mode=0o700)
    (outlay_home / "state.db").write_bytes(b"no database" * 500)
    ran = outlay("doctor", "--json")
    assert ran.code == 1
    assert _check(ran, "database")["verdict"] == "wrong"
    assert _check(ran, "lake catalog")["verdict"] == "ok"
    assert not [check for check in ran.json["checks"] if check["name"] == "clock"]


def test_a_damaged_catalog_is_told(outlay: Outlay, outlay_home: Path) -> None:
    (outlay_home / "lake").mkdir(parents=True, mode=0o700)
    (outlay_home / "lake" / "catalog.db").write_bytes(b"no database" * 500)
    assert "catalog.db is damaged" in _check(outlay("doctor", "--json"), "lake catalog")["found"]


def test_a_home_that_others_can_read_is_a_warning(outlay: Outlay, outlay_home: Path) -> None:
    outlay_home.mkdir(mode=0o755)
    ran = outlay("doctor", "--json")
    assert ran.code == 0
    assert _check(ran, "home")["verdict"] == "warning"


def test_little_room_in_the_spool_is_a_warning(outlay: Outlay, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**12, 10**12, 10**9))
    assert _check(outlay("doctor", "--json"), "spool")["verdict"] == "warning"


def test_what_killed_runs_have_left_is_told_and_swept_when_asked(outlay: Outlay, outlay_home: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = outlay_home / "spool" / f"acme-20260501-20260601-{ended.pid}-0a1b2c3d"
    left.mkdir(parents=True)
    (left / "0.csv.gz").write_bytes(b"x")
    assert "outlay doctor --sweep" in _check(outlay("doctor", "--json"), "spool leftovers")["next"]
    assert _check(outlay("doctor", "--sweep", "--json"), "spool leftovers")["found"] == "folders removed: 1"
    assert not left.exists()


def test_each_connection_is_reached_unless_it_is_paused(outlay: Outlay, acme: Drops, tmp_path: Path) -> None:
    outlay("connections", "add", "focus", "gone", "--location", tmp_path / "nowhere")
    outlay("connections", "add", "focus", "later", "--location", tmp_path / "nowhere")
    outlay("connections", "pause", "later")
    ran = outlay("doctor", "--json")
    assert ran.code == 1
    assert "files: 4" in _check(ran, "connection acme")["found"]
    assert _check(ran, "connection gone")["verdict"] == "wrong"
    assert _check(ran, "connection later")["verdict"] == "ok"


def test_a_connection_whose_last_delivery_was_rejected_is_a_warning(outlay: Outlay, acme: Drops) -> None:
    acme.drop("2026-05", ["two"], "d2")
    outlay("ingest")
    check = _check(outlay("doctor", "--json"), "connection acme")
    assert check["verdict"] == "warning"
    assert "cost/cost is 'two'" in check["found"]


def test_missing_aws_credentials_are_told_once_something_lies_on_s3(outlay: Outlay) -> None:
    outlay("connections", "add", "aws", "main", "--location", "s3://bucket/cur")
    check = _check(outlay("doctor", "--json"), "AWS credentials")
    assert check["verdict"] == "warning"
    assert "AWS_PROFILE" in check["next"]


def test_a_clock_behind_what_was_recorded_is_wrong(
    outlay: Outlay, acme: Drops, monkeypatch: pytest.MonkeyPatch
) -> None:
    from outlay.state.memory import DatabaseMemory

    monkeypatch.setattr(DatabaseMemory, "newest_run", lambda self: datetime.now(UTC) + timedelta(hours=1))
    check = _check(outlay("doctor", "--json"), "clock")
    assert check["verdict"] == "wrong"
    assert "NTP" in check["next"]


def test_a_missing_httpfs_extension_is_told(outlay: Outlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outlay.engine.addresses.find_spec", lambda name: None)
    assert "pip install duckdb-extension-httpfs==" in _check(outlay("doctor", "--json"), "engine")["next"]


def test_no_worker_is_told_where_there_is_something_to_check(outlay: Outlay, acme: Drops) -> None:
    import outlay as installation

    told = _check(outlay("doctor", "--json"), "worker")
    assert (told["verdict"], "No worker is running" in told["found"]) == ("warning", True)
    assert "outlay worker" in told["next"]
    with installation.open() as o:
        _ = o.memory
        from outlay.state import workers

        workers.beat("elsewhere/12345678:42:x", datetime.now(UTC))
    told = _check(outlay("doctor", "--json"), "worker")
    assert (told["verdict"], told["found"].partition(" since ")[0]) == ("ok", "process 42 on elsewhere")
