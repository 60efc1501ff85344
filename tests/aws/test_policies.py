"""What the policies allow, and for what they are refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from outlay.aws.policies import PURPOSES, Target, extended, policy
from outlay.aws.policies.document import INLINE_USER
from outlay.errors import UsageError
from tests.aws.targets import (
    ACCOUNT,
    BUCKET,
    EXTERNAL_ID,
    FOR_ROLE,
    FOR_USER,
    IDENTITY,
    NAMES,
    OUTLAY,
    ROLE,
)


def test_the_anycost_reader_may_get_and_list_in_that_bucket_alone() -> None:
    assert policy("bucket-reader", Target(BUCKET)).document() == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OutlayReadsDrops",
                "Effect": "Allow",
                "Action": ["s3:Get*", "s3:List*"],
                "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
            }
        ],
    }


def test_the_billing_services_may_write_for_one_account_alone() -> None:
    assert policy("billing-delivery", Target(BUCKET, account=ACCOUNT)).document()["Statement"] == [
        {
            "Sid": "EnableAWSDataExportsToWriteToS3AndCheckPolicy",
            "Effect": "Allow",
            "Principal": {"Service": ["billingreports.amazonaws.com", "bcm-data-exports.amazonaws.com"]},
            "Action": ["s3:PutObject", "s3:GetBucketPolicy"],
            "Resource": [f"arn:aws:s3:::{BUCKET}/*", f"arn:aws:s3:::{BUCKET}"],
            "Condition": {
                "StringLike": {
                    "aws:SourceAccount": [ACCOUNT],
                    "aws:SourceArn": [
                        f"arn:aws:cur:us-east-1:{ACCOUNT}:definition/*",
                        f"arn:aws:bcm-data-exports:us-east-1:{ACCOUNT}:export/*",
                    ],
                }
            },
        }
    ]


def test_discover_resources_has_the_fourteen_documented_actions() -> None:
    (statement,) = policy("discover-resources", Target()).document()["Statement"]
    assert statement["Resource"] == ["*"]
    assert set(statement["Action"]) == {
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketPolicyStatus",
        "s3:GetBucketTagging",
        "iam:GetAccessKeyLastUsed",
        "cloudwatch:GetMetricStatistics",
        "s3:GetBucketAcl",
        "ec2:Describe*",
        "s3:ListAllMyBuckets",
        "iam:ListUsers",
        "s3:GetBucketLocation",
        "iam:GetLoginProfile",
        "cur:DescribeReportDefinitions",
        "iam:ListAccessKeys",
        "elasticloadbalancing:Describe*",
    }


def test_a_role_is_trusted_by_one_principal_with_one_external_id() -> None:
    (statement,) = policy("trust", Target(principal=OUTLAY, external_id=EXTERNAL_ID)).document()["Statement"]
    assert statement["Principal"] == {"AWS": [OUTLAY]}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": [EXTERNAL_ID]}}
    assert "Resource" not in statement


def test_outlays_own_side_is_attached_to_whoever_outlay_runs_as() -> None:
    made = policy("assume-role", FOR_ROLE)
    assert made.target.attached_to == "the user outlay"
    assert made.document()["Statement"][0]["Resource"] == [ROLE]


def test_the_partition_is_the_roles() -> None:
    target = Target(BUCKET, ROLE.replace("arn:aws:", "arn:aws-cn:"))
    assert policy("bucket-only", target).document()["Statement"][0]["Resource"] == [f"arn:aws-cn:s3:::{BUCKET}/*"]
    with pytest.raises(UsageError, match="aws-cn"):
        policy("billing-delivery", Target(BUCKET, target.role_arn, account=ACCOUNT))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_the_making_of_an_export_writes_anything(name: str) -> None:
    """And even that deletes nothing and gives nobody any access but AWS's billing services."""
    made = policy(name, FOR_ROLE).document()["Statement"]
    writes = {
        action
        for each in made
        for action in each["Action"]
        if not re.match(r"[\w-]+:(Get|List|Describe|View|AssumeRole)", action)
    }
    assert writes == {
        "payer-automatic": {
            "cur:PutReportDefinition",
            "bcm-data-exports:CreateExport",
            "s3:CreateBucket",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutEncryptionConfiguration",
            "s3:PutBucketPolicy",
        },
        "billing-delivery": {"s3:PutObject"},
    }.get(name, set())


def test_every_reason_fits_a_comment_of_any_language_and_a_pasted_shell() -> None:
    for purpose in PURPOSES:
        texts = [purpose.about, *(grant.why for each in purpose.statements for grant in each.grants)]
        for text in texts:
            assert re.fullmatch(r"[A-Z][\w ,.:;/()-]+\.", text, re.ASCII), text


def test_statements_of_one_name_are_the_same_and_names_fit_iam() -> None:
    by_sid: dict[str, object] = {}
    for purpose in PURPOSES:
        for statement in purpose.statements:
            assert by_sid.setdefault(statement.sid, statement) == statement
            assert re.fullmatch(r"[A-Za-z0-9]+", statement.sid)


@pytest.mark.parametrize("name", IDENTITY)
def test_each_purpose_fits_the_smallest_place_that_iam_has(name: str) -> None:
    document = policy(name, FOR_USER).document()
    assert len(json.dumps(document, separators=(",", ":"))) <= INLINE_USER


def test_several_purposes_are_one_document_with_each_statement_once() -> None:
    made = policy(["payer-report", "payer-export", "organizations"], FOR_ROLE)
    sids = [each["Sid"] for each in made.document()["Statement"]]
    assert sids == [
        "OutlayFindsReports",
        "OutlayReadsBills",
        "OutlayFindsBills",
        "OutlayFindsExports",
        "OutlayReadsTheOrganization",
    ]


def test_what_iam_would_refuse_for_its_size_is_refused_here() -> None:
    policy(IDENTITY, FOR_ROLE)
    with pytest.raises(UsageError, match="2,048"):
        policy(IDENTITY, FOR_USER)


@pytest.mark.parametrize("together", [["trust", "organizations"], ["payer-report", "billing-delivery"]])
def test_what_is_attached_elsewhere_is_asked_for_by_itself(together: list[str]) -> None:
    with pytest.raises(UsageError, match="by itself"):
        policy(together, FOR_ROLE)


BREAKOUTS = ("'; id #", '"', "`id`", "$(id)", "${var.x}", "%{ if x }", "\ny", "\\", " y", "\u2019", "{", "*")


@pytest.mark.parametrize("evil", BREAKOUTS, ids=range(len(BREAKOUTS)))
@pytest.mark.parametrize("field", ["bucket", "account", "role_arn", "user", "principal", "external_id"])
def test_a_value_that_could_break_out_of_a_text_or_widen_a_policy_is_refused(field: str, evil: str) -> None:
    good = {"role_arn": ROLE, "principal": OUTLAY}.get(field, "")
    for name in ("trust", "assume-role", "billing-delivery", "bucket-only"):
        with pytest.raises(UsageError) as told:
            policy(name, _with(FOR_ROLE, field, good + evil))
        assert told.value.field == field
        assert told.value.next


def _with(target: Target, field: str, value: str) -> Target:
    changes: dict[str, Any] = {field: value}
    return replace(target, **changes)


def test_what_a_purpose_needs_has_to_be_given() -> None:
    for purpose in PURPOSES:
        for field in purpose.needs:
            with pytest.raises(UsageError) as told:
                policy(purpose.name, _with(FOR_ROLE, field, ""))
            assert told.value.field == field


def test_what_is_no_purpose_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="bucket-reader"):
        policy("everything", Target(BUCKET))
    with pytest.raises(UsageError, match="bucket-reader"):
        policy([], Target(BUCKET))


def test_a_role_and_a_user_are_two() -> None:
    with pytest.raises(UsageError, match="or to a user"):
        policy("bucket-only", Target(BUCKET, ROLE, user="outlay"))


# Extending a bucket's policy

OTHERS = {
    "Version": "2008-10-17",
    "Id": "house rules",
    "Statement": [
        {
            "Sid": "OnlyByTLS",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": f"arn:aws:s3:::{BUCKET}/home/${{aws:username}}/*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ],
}


def test_a_policy_that_is_there_is_extended_and_keeps_all_it_has() -> None:
    made = extended(policy("billing-delivery", FOR_ROLE), json.dumps(OTHERS)).document()
    assert (made["Version"], made["Id"]) == ("2008-10-17", "house rules")
    assert made["Statement"] == [
        *OTHERS["Statement"],
        *policy("billing-delivery", FOR_ROLE).document()["Statement"],
    ]


def test_extending_twice_is_extending_once() -> None:
    ours = policy("billing-delivery", FOR_ROLE)
    once = extended(ours, json.dumps(OTHERS)).document()
    assert extended(ours, json.dumps(once)).document() == once


def test_a_single_statement_is_extended_too() -> None:
    alone = {**OTHERS, "Statement": OTHERS["Statement"][0]}
    assert len(extended(policy("billing-delivery", FOR_ROLE), json.dumps(alone)).document()["Statement"]) == 2


@pytest.mark.parametrize(
    ("existing", "said"),
    [
        ("", "not JSON"),
        ("An error occurred (NoSuchBucketPolicy)", "not JSON"),
        ("[]", "no statements"),
        ('{"Version": "2012-10-17"}', "no statements"),
        ('{"Statement": ["x"]}', "no statements"),
        ('{"Statement": [{"Sid": "\\u0000"}]}', "characters"),
        (json.dumps({"Statement": [{"Sid": "x" * 20_000}]}), "20,480"),
    ],
    ids=["empty", "an error", "a list", "no statement", "no object", "control characters", "too long"],
)
def test_what_is_no_policy_is_not_extended(existing: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        extended(policy("billing-delivery", FOR_ROLE), existing)
