"""Credentials, as storage uses them."""

from __future__ import annotations

import pytest

from outlay.aws.sessions import Credentials
from outlay.storage import open_place
from tests.services.s3 import ACCESS_KEY, S3, SECRET_KEY


@pytest.fixture
def _server_alone(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where STS is, and not a word of a region."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)


@pytest.mark.usefixtures("_server_alone")
def test_a_place_is_read_by_an_assumed_role_without_any_region_set(s3: S3) -> None:
    s3.client.put_object(Bucket=s3.bucket, Key="bills/a.csv", Body=b"x")
    role = Credentials(
        role_arn="arn:aws:iam::123456789012:role/outlay",
        external_id="outlay-1",
        access_key=(ACCESS_KEY, SECRET_KEY),
    )
    place = open_place(f"s3://{s3.bucket}/bills", credentials=role, endpoint=s3.endpoint)
    assert [file.path for file in place.list()] == ["a.csv"]
