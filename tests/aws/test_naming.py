"""AWS's rules of names."""

from __future__ import annotations

import pytest

from outlay.aws.naming import check_account, check_bucket, check_path, check_role_arn
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


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::000123456789:role/outlay",
        "arn:aws-cn:iam::123456789012:role/finance/out.lay+reads=1,@x-y_z",
        "arn:aws-us-gov:iam::123456789012:role/outlay",
    ],
)
def test_the_arn_of_a_role_is_taken(arn: str) -> None:
    assert check_role_arn(arn) == arn


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "has no ARN"),
        ("arn:aws:iam::123456789012:role/out lay", "has spaces"),
        (" arn:aws:iam::123456789012:role/outlay", "has spaces"),
        ("arn:aws:iam::123456789012:user/reader", "of a user"),
        ("arn:aws:iam::123456789012:root", "of an account"),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "12 digits"),
        ("arn:aws:iam::123456789012:policy/outlay", "of a policy"),
        ("arn:aws:iam::123456789012:instance-profile/x", "of an instance profile"),
        ("arn:aws:sts::123456789012:assumed-role/outlay/session", "of a role's session"),
        ("arn:aws:s3:::acme-billing", "of a bucket"),
        ("arn:aws:iam::12345:role/outlay", "12 digits"),
        ("https://console.aws.amazon.com/iam", "address of the console"),
        ("AKIAIOSFODNN7EXAMPLE", "access key id"),
        ("123456789012", "account id"),
        ("outlay-reads-bills", "name alone"),
        ("arn:aws:lambda:us-east-1:1:x", "not the ARN of a role"),
    ],
)
def test_what_is_given_in_place_of_a_roles_arn_is_named(text: str, what: str) -> None:
    with pytest.raises(UsageError, match=what) as told:
        check_role_arn(text)
    assert told.value.field == "role_arn"
    assert told.value.next


def test_an_account_id_keeps_its_zeros_and_a_mistake_in_one_is_named() -> None:
    assert check_account("000123456789") == "000123456789"
    for text, said in (
        ("1234-5678-9012", "Write 123456789012."),
        (" 123456789012", "Write 123456789012."),
        ("123456789", "spreadsheet"),
        ("1234567890123", "12 digits"),
        ("१२३४५६७८९०१२", "12 digits"),
        ("acme", "12 digits"),
    ):
        with pytest.raises(UsageError) as told:
            check_account(text)
        assert said in told.value.next
        assert told.value.field == "account"
