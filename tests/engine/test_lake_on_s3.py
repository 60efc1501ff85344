"""A lake in a bucket: written, read, asked and reverted through S3's own API, with its catalog in a database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import outlay
from outlay.app import Outlay
from outlay.errors import OutlayError, UsageError
from outlay.lake import open_lake
from outlay.settings import Settings
from outlay.state.new import NewConnection
from outlay.storage import open_place
from tests.cli.drops import Drops
from tests.services.s3 import S3, SECRET_KEY


@pytest.fixture(params=["sqlite", "postgresql"])
def on_s3(
    request: pytest.FixtureRequest, s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Outlay, Drops]]:
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    is_sqlite = request.param == "sqlite"
    catalog = f"sqlite:///{tmp_path}/catalog.db" if is_sqlite else request.getfixturevalue("postgres_url")
    monkeypatch.setenv("OUTLAY_LAKE", s3.url("lake"))
    monkeypatch.setenv("OUTLAY_CATALOG", catalog)
    drops = Drops(open_place(str(tmp_path / "bills" / "acme"), create=True), tmp_path / "bills" / "acme")
    with outlay.open() as o:
        yield o, drops


def test_bills_come_in_and_questions_are_answered(on_s3: tuple[Outlay, Drops], s3: S3) -> None:
    o, drops = on_s3
    drops.drop("2026-05", ["1.10", "2.20"])
    o.add(NewConnection("acme", "anycost", str(drops.folder), "Acme Cloud"))
    assert [run.outcome for run in o.ingest()] == ["committed"]
    assert o.costs(by=["ServiceName"]).totals == {"USD": Decimal("3.3")}
    assert o.sql("select sum(BilledCost) as t from charges").to_pylist() == [{"t": Decimal("3.300000000000000000")}]
    assert o.charges.count().execute() == 2
    stored = s3.client.list_objects_v2(Bucket=s3.bucket, Prefix="lake/charges/acme/")["Contents"]
    assert any(each["Key"].endswith(".parquet") for each in stored)
    assert [run.outcome for run in o.ingest()] == ["unchanged"]


def test_an_earlier_delivery_is_made_live_again_and_the_rest_tidied(on_s3: tuple[Outlay, Drops]) -> None:
    o, drops = on_s3
    o.add(NewConnection("acme", "anycost", str(drops.folder), "Acme Cloud"))
    for number in range(2):
        drops.drop("2026-05", [f"{number + 1}"], f"d{number}")
        assert [run.outcome for run in o.ingest()] == ["committed"]
    (period,) = o.periods("acme")
    o.revert("acme", "2026-05", period.earlier[0])
    assert o.costs().totals == {"USD": Decimal(1)}
    assert o.tidy().files_removed == 0


def test_keys_that_end_are_given_anew_before_they_do(s3: S3, tmp_path: Path) -> None:
    soon, later = timedelta(minutes=1), timedelta(hours=1)
    given = [soon]

    def credentials() -> dict[str, Any]:
        return {
            "access_key_id": "testing",
            "secret_access_key": SECRET_KEY,
            "token": f"token-{len(given)}",
            "expires_at": datetime.now(UTC) + given[-1],
        }

    settings = Settings.read(
        {**s3.environ, "OUTLAY_LAKE": s3.url("lake"), "OUTLAY_CATALOG": f"sqlite:///{tmp_path}/catalog.db"},
        home=tmp_path,
    )
    lake = open_lake(settings, credentials=credentials)

    def token() -> str:
        return str(lake.table().io.properties["s3.session-token"])

    try:
        given.append(later)
        assert token() == "token-2"
        given.append(soon)
        assert (token(), lake.seen().live, token()) == ("token-2", {}, "token-2")
    finally:
        lake.close()


ATTACKS = [
    "select * from read_parquet('s3://{bucket}/lake/**/*.parquet')",
    "select * from read_text('s3://{bucket}/secret.txt')",
    "select * from glob('s3://{bucket}/*')",
    "copy charges to 's3://{bucket}/stolen.parquet'",
    "select * from duckdb_secrets(redact=false)",
    "create or replace secret outlay (type s3)",
    "select * from read_text('{endpoint}/{bucket}/secret.txt')",
]


def test_sql_over_s3_reaches_nothing_but_the_charges(on_s3: tuple[Outlay, Drops], s3: S3) -> None:
    o, drops = on_s3
    drops.drop("2026-05", ["1"])
    o.add(NewConnection("acme", "anycost", str(drops.folder), "Acme Cloud"))
    list(o.ingest())
    s3.put("secret.txt", b"hush")
    for attack in ATTACKS:
        with pytest.raises(UsageError) as refused:
            o.sql(attack.format(bucket=s3.bucket, endpoint=s3.endpoint))
        assert "hush" not in str(refused.value)


def test_no_query_shows_the_credentials(on_s3: tuple[Outlay, Drops], s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush'; drop secret outlay; --")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "hush")
    o, drops = on_s3
    drops.drop("2026-05", ["1"])
    o.add(NewConnection("acme", "anycost", str(drops.folder), "Acme Cloud"))
    list(o.ingest())
    for function in ("duckdb_secrets()", "duckdb_settings()", "which_secret('s3://x', 's3')", "duckdb_views()"):
        assert "hush" not in str(o.sql(f"select * from {function}").to_pylist())
    assert SECRET_KEY not in str(o.sql("select secret_string from duckdb_secrets()").to_pylist()).replace(
        "key_id=testing", ""
    )


def test_a_bucket_that_is_not_there_is_told(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OUTLAY_LAKE", "s3://no-such-bucket-here/lake")
    monkeypatch.setenv("OUTLAY_CATALOG", f"sqlite:///{tmp_path}/catalog.db")
    with outlay.open() as o, pytest.raises(OutlayError) as told:
        o.costs()
    assert told.value.next
