"""AWS's rules of names."""

from __future__ import annotations

import pytest

from outlay.aws.naming import check_bucket, check_path
from outlay.errors import UsageError


@pytest.mark.parametrize("name", ["abc", "acme-billing", "a.b.c", "1-2", "x" * 63])
def test_a_bucket_name_that_aws_allows_is_taken(name: str) -> None:
    assert check_bucket(name) == name


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "Give its name"),
        ("ab", "3 to 63 characters"),
        ("x" * 64, "3 to 63 characters"),
        ("Acme", "lower-case letters"),
        ("acme_billing", "lower-case letters"),
        ("acme..billing", "two dots in a row"),
        ("192.168.0.1", "IP address"),
        ("-acme", "begins and ends"),
        ("acme.", "begins and ends"),
        ("s3://acme", "bucket's name alone"),
        ("arn:aws:s3:::acme", "bucket's name alone"),
        ("xn--acme", "AWS keeps names"),
        ("amzn-s3-demo-bucket", "AWS keeps names"),
        ("acme-s3alias", "AWS keeps names"),
        ("acme--x-s3", "AWS keeps names"),
    ],
)
def test_a_bucket_name_that_aws_refuses_is_refused_with_the_rule(name: str, rule: str) -> None:
    with pytest.raises(UsageError, match=rule) as told:
        check_bucket(name)
    assert told.value.field == "bucket"


@pytest.mark.parametrize("path", ["a", "my/file/path", "größe/ü", "a b"])
def test_a_plain_path_is_taken(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize("path", ["", "/", "/a", "a/", "a//b", "a/../b", "./a", "a/\nb", "x" * 1025])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(UsageError) as told:
        check_path(path)
    assert told.value.field == "path"
    assert told.value.next


def test_a_path_may_be_left_out_where_bills_may_lie_in_the_root() -> None:
    assert check_path("", required=False) == ""
