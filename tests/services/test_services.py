from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import obstore
import psycopg
import pytest
from botocore.exceptions import ClientError
from obstore.exceptions import GenericError
from obstore.store import AzureStore, S3Store
from psycopg import sql

from tests.services.azure import AzureContainer
from tests.services.java import SUPPORTED, java_home, packaged_java
from tests.services.postgres import Postgres
from tests.services.s3 import S3


def store(s3: S3, *, retries: int = 0) -> S3Store:
    return S3Store(
        s3.bucket,
        endpoint=s3.endpoint,
        region=s3.region,
        access_key_id=s3.access_key,
        secret_access_key=s3.secret_key,
        client_options={"allow_http": True},
        retry_config={"max_retries": retries},
    )


def test_the_record_tells_each_page_of_a_listing_and_each_download(s3: S3) -> None:
    s3.put_many({f"bill/{number:04}": b"x" for number in range(1001)})
    with s3.recorded() as requests:
        assert sum(map(len, obstore.list(store(s3), prefix="bill"))) == 1001
        assert bytes(obstore.get(store(s3), "bill/0007").bytes()) == b"x"
    assert [request.kind for request in requests] == ["ListObjectsV2", "ListObjectsV2", "GetObject"]
    assert (requests[2].bucket, requests[2].key) == (s3.bucket, "bill/0007")


def test_a_fault_strikes_as_often_as_asked_and_the_kind_asked_for(s3: S3) -> None:
    s3.put("a", b"alpha")
    s3.fail("GetObject", status=503, times=2)
    with s3.recorded() as requests:
        assert bytes(obstore.get(store(s3, retries=3), "a").bytes()) == b"alpha"
        obstore.head(store(s3), "a")
    assert [request.kind for request in requests] == ["GetObject"] * 3 + ["HeadObject"]


def test_a_body_that_is_cut_is_an_error_to_the_reader(s3: S3) -> None:
    s3.put("a", b"alpha" * 1000)
    s3.cut("GetObject", after=100)
    with pytest.raises(GenericError):
        obstore.get(store(s3), "a").bytes()


def test_an_object_can_change_between_the_listing_and_the_download(s3: S3) -> None:
    s3.put("a", b"old")
    etag = obstore.head(store(s3), "a")["e_tag"]
    assert etag is not None
    s3.meanwhile("GetObject", lambda: s3.put("a", b"new"))
    with pytest.raises(obstore.exceptions.PreconditionError):
        obstore.get(store(s3), "a", options={"if_match": etag})


def test_buckets_of_two_tests_are_strangers_and_sts_and_iam_answer(s3: S3) -> None:
    assert s3.client.list_objects_v2(Bucket=s3.bucket)["KeyCount"] == 0
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.client.list_objects_v2(Bucket="nobody-made-this")
    role = s3.iam.create_role(RoleName=s3.bucket, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    with s3.recorded() as requests:
        assert s3.sts.assume_role(RoleArn=role, RoleSessionName="outlay")["Credentials"]["SessionToken"]
    assert [request.kind for request in requests] == ["AssumeRole"]


def test_postgresql_gives_each_test_an_empty_database(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE t (amount numeric(38, 18))")
        connection.execute("INSERT INTO t VALUES (0.000000000000000001)")
        row = connection.execute("SELECT sum(amount)::text, current_setting('server_encoding') FROM t").fetchone()
    assert row == ("0.000000000000000001", "UTF8")


def test_postgresql_drops_a_database_that_somebody_still_uses(postgres: Postgres) -> None:
    postgres.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier("left_open")))
    with psycopg.connect(postgres.url("left_open")):
        postgres.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier("left_open")))


def test_azurite_keeps_what_obstore_puts(azure: AzureContainer) -> None:
    container = AzureStore(
        azure.name,
        account_name=azure.account,
        account_key=azure.key,
        endpoint=azure.endpoint,
        client_options={"allow_http": True},
    )
    obstore.put(container, "2026-05/bill.csv", b"a,b\n")
    (found,) = obstore.list(container, prefix="2026-05").collect()
    assert (found["path"], found["size"]) == ("2026-05/bill.csv", 4)
    assert bytes(obstore.get(container, "2026-05/bill.csv").bytes()) == b"a,b\n"


SPARK = """
from pyspark.sql import SparkSession
options = {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC", "spark.driver.host": "127.0.0.1"}
spark = SparkSession.builder.master("local[2]").config(map=options).getOrCreate()
print(spark.sql("SELECT sum(id), current_timezone() FROM range(1000)").first())
spark.stop()
"""


# The packaged Java is for machines that have none, so it is tried on those that have one, too.
@pytest.mark.xdist_group("spark")
def test_spark_starts_on_the_packaged_java(tmp_path: Path) -> None:
    environ = {**os.environ, "JAVA_HOME": str(packaged_java()), "SPARK_LOCAL_IP": "127.0.0.1", "TZ": "UTC"}
    done = subprocess.run(
        [sys.executable, "-c", SPARK], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "Row(sum(id)=499500, current_timezone()='UTC')" in done.stdout, done.stderr


def test_the_java_for_spark_is_of_a_version_it_supports() -> None:
    done = subprocess.run([java_home() / "bin" / "java", "-version"], capture_output=True, text=True, check=True)
    assert any(f'version "{version}' in done.stderr for version in SUPPORTED)
