"""AWS's rules of names."""

from __future__ import annotations

import pytest

from outlay.aws.naming import (
    check_account,
    check_bucket,
    check_external_id,
    check_path,
    check_principal,
    check_role,
    check_user,
    new_external_id,
)
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
        ("Daily CUR", "name of a report"),
        ("acme/cur", "up to the first slash"),
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


ROLE = "arn:aws:iam::012345678901:role/finance/outlay"


@pytest.mark.parametrize("text", ["012345678901", "000000000000"])
def test_an_account_id_is_taken_with_the_zeros_in_its_front(text: str) -> None:
    assert check_account(text) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "missing"),
        ("12345678901", "put them back"),
        ("1", "fewer digits"),
        ("0123456789012", "more digits"),
        ("0123-4567-8901", "hyphens or blanks"),
        (" 012345678901", "hyphens or blanks"),
        ("acme-prod", "not its name or alias"),
        ("\u0661" * 12, "not an account id"),
        ("012345678901\n", "hyphens or blanks"),
    ],
)
def test_what_is_no_account_id_is_told_by_its_mistake(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as told:
        check_account(text)
    assert told.value.field == "account"


@pytest.mark.parametrize(
    "arn", [ROLE, "arn:aws-us-gov:iam::012345678901:role/x", "arn:aws-cn:iam::012345678901:role/a/b/c"]
)
def test_the_arn_of_a_role_is_taken(arn: str) -> None:
    assert check_role(arn) == arn


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        ("arn:aws:iam::012345678901:user/outlay", "that of a user"),
        ("arn:aws:sts::012345678901:assumed-role/outlay/me", "that of a session"),
        ("arn:aws:iam::012345678901:group/finance", "that of a group"),
        ("arn:aws:iam::012345678901:policy/outlay", "that of a policy"),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "is not the ARN of a role"),
        ("arn:aws:iam::012345678901:instance-profile/outlay", "instance profile"),
        ("arn:aws:iam::012345678901:root", "whole account"),
        (f" {ROLE}", "holds blanks"),
        ("arn:aws:iam::012345678901:role/my role", "holds blanks"),
        (f"{ROLE}\n", "holds blanks"),
        ("arn:aws:iam::12345678901:role/outlay", "12 digits"),
        ("outlay", "a role's name alone"),
        ("012345678901", "it is an account id"),
        ("AKIAIOSFODNN7EXAMPLE", "access key id"),
        ("https://console.aws.amazon.com/iam", "it is an address"),
        ("arn:aws:s3:::outlay", "that of a bucket"),
        ("arn:aws:iam::012345678901:role/", "It looks like"),
        (f"arn:aws:iam::012345678901:role/{'x' * 65}", "It looks like"),
        ("arn:aws:iam::012345678901:role/größe", "It looks like"),
    ],
)
def test_what_is_no_role_is_told_by_its_mistake(arn: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as told:
        check_role(arn)
    assert "is not the ARN of a role" in told.value.message
    assert told.value.field == "role_arn"
    assert told.value.next


def test_a_role_of_another_account_is_told_with_both() -> None:
    assert check_role(ROLE, account="012345678901") == ROLE
    with pytest.raises(UsageError, match="of the account 012345678901, not of 999999999999"):
        check_role(ROLE, account="999999999999")


@pytest.mark.parametrize("arn", [ROLE, "arn:aws:iam::012345678901:user/a/b", "arn:aws:iam::012345678901:root"])
def test_a_role_a_user_or_an_account_may_be_trusted(arn: str) -> None:
    assert check_principal(arn) == arn


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        ("", "get-caller-identity"),
        ("*", "is not the ARN"),
        ("012345678901", "is not the ARN"),
        ("arn:aws:sts::012345678901:assumed-role/outlay/me", "that of a session"),
        ("arn:aws:iam::012345678901:role/*", "is not the ARN"),
    ],
)
def test_nobody_else_may_be_trusted(arn: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as told:
        check_principal(arn)
    assert told.value.field == "principal"


@pytest.mark.parametrize("text", ["ab", "x" * 1224, "a_=,.@:/-+Z9"], ids=["shortest", "longest", "all letters"])
def test_an_external_id_of_awss_alphabet_is_taken(text: str) -> None:
    assert check_external_id(text) == text


@pytest.mark.parametrize(
    "text", ["", "a", "x" * 1225, "a b", "a'b", 'a"b', "a$b", "a{b", "a\\b", "ab\n", "größe", "a*"]
)
def test_an_external_id_that_sts_refuses_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="An external id has") as told:
        check_external_id(text)
    assert told.value.field == "external_id"


def test_a_new_external_id_is_another_each_time_and_is_taken() -> None:
    made = {check_external_id(new_external_id()) for _ in range(1000)}
    assert len(made) == 1000


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a/b", "a'b", "arn:aws:iam::012345678901:user/a"])
def test_what_is_no_users_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not the name of a user"):
        check_user(name)
