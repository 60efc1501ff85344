"""The table of AWS's and boto3's refusals, for those that the stand-in does not make."""

from __future__ import annotations

import pytest
from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from outlay.aws.faults import FAULTS, Doing, Fault, translated
from outlay.errors import AccessError, Denied, NotFound, Unavailable

DOING = Doing(
    "cur:DescribeReportDefinitions", "the role arn:aws:iam::123456789012:role/x", "us-east-1", role="the-role"
)


def refused(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeReportDefinitions")


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (boto.UnauthorizedSSOTokenError(), Denied, "session-ended"),
        (boto.SSOTokenLoadError(profile_name="x", error_msg="y"), Denied, "session-ended"),
        (boto.TokenRetrievalError(provider="sso", error_msg="y"), Denied, "session-ended"),
        (boto.NoCredentialsError(), Denied, "no-credentials"),
        (boto.PartialCredentialsError(provider="env", cred_var="secret"), Denied, "no-credentials"),
        (boto.CredentialRetrievalError(provider="process", error_msg="y"), Denied, "no-credentials"),
        (boto.ProfileNotFound(profile="x"), Denied, "no-profile"),
        (boto.ConfigParseError(path="x"), Denied, "no-profile"),
        (boto.EndpointConnectionError(endpoint_url="x"), Unavailable, ""),
        (boto.ReadTimeoutError(endpoint_url="x"), Unavailable, ""),
        (boto.ConnectTimeoutError(endpoint_url="x"), Unavailable, ""),
        (boto.SSLError(endpoint_url="x", error=OSError("y")), Unavailable, ""),
        (boto.InvalidRegionError(region_name="x y"), AccessError, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BotoCoreError) else None,
)
def test_what_boto3_says_by_itself_is_one_of_outlays_errors(
    error: BotoCoreError, kind: type[AccessError], reason: str
) -> None:
    ours = translated(error, DOING)
    assert type(ours) is kind
    assert getattr(ours, "reason", "") == reason
    assert ours.message
    assert ours.next


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: f"{row.reason} {min(row.codes)}")
def test_every_row_of_the_table_is_reached_and_says_what_to_do(row: Fault) -> None:
    region = "ap-east-1" if row.region_must_be_enabled else "us-east-1"
    doing = Doing(row.action or DOING.action, DOING.who, region, role="the-role", what="the export x")
    for code in sorted(row.codes):
        ours = translated(refused(code, row.words), doing)
        assert ours.message == row.made(doing).message
        assert ours.next
        assert type(ours) is row.error
        assert getattr(ours, "reason", row.reason) == row.reason
        assert "{" not in f"{ours}"


def test_the_words_of_an_unknown_code_are_told_on_one_line_and_cut() -> None:
    ours = translated(refused("Strange", "first\n  second " + "x" * 1000), DOING)
    assert "Strange, first second" in ours.message
    assert len(ours.message) < 400
    assert not isinstance(ours, (Denied, NotFound, Unavailable))


@pytest.mark.parametrize(
    ("words", "reason", "may_pass"),
    [
        ("because no identity-based policy allows the sts:AssumeRole action", "role-refused", True),
        ("with an explicit deny in a service control policy", "forbidden", False),
        ("with an explicit deny in an identity-based policy", "forbidden", False),
        ("", "role-refused", True),
    ],
)
def test_why_a_role_is_not_assumed_is_told_where_aws_says_it(words: str, reason: str, *, may_pass: bool) -> None:
    doing = Doing("sts:AssumeRole", "the access key AKIAX", "us-east-1", role="the-role")
    said = f"User: arn:aws:iam::860513077401:user/outlay is not authorized to perform: sts:AssumeRole {words}".strip()
    ours = translated(refused("AccessDenied", said), doing)
    assert isinstance(ours, Denied)
    assert (ours.reason, ours.may_pass) == (reason, may_pass)
    assert ("It does not tell which it is" in ours.message) == (not words)
