"""IAM policies, in each way in which they are written down."""

from __future__ import annotations

import json
import shlex

import pytest

from outlay.aws.policies import POLICIES, WAYS, Target, policy, written
from outlay.errors import UsageError

ROLE = "arn:aws-cn:iam::123456789012:role/finance/outlay-reader"


def test_the_bucket_reader_may_get_and_list_in_that_bucket_alone() -> None:
    document = json.loads(written(policy("bucket-reader", Target("acme-billing")), "json"))
    assert document == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OutlayReadsBills",
                "Effect": "Allow",
                "Action": ["s3:Get*", "s3:List*"],
                "Resource": ["arn:aws:s3:::acme-billing", "arn:aws:s3:::acme-billing/*"],
            }
        ],
    }


def test_the_partition_is_the_roles() -> None:
    document = policy("bucket-reader", Target("acme-billing", ROLE)).document()
    assert document["Statement"][0]["Resource"][0] == "arn:aws-cn:s3:::acme-billing"


def test_the_command_is_one_line_of_a_shell_with_the_whole_document() -> None:
    words = shlex.split(written(policy("bucket-reader", Target("acme-billing", ROLE)), "cli").replace("\\\n", " "))
    assert words[:3] == ["aws", "iam", "put-role-policy"]
    assert words[words.index("--role-name") + 1] == "outlay-reader"
    assert json.loads(words[words.index("--policy-document") + 1])["Version"] == "2012-10-17"


@pytest.mark.parametrize("way", WAYS)
def test_every_way_names_the_actions_the_resources_and_who_gets_it(way: str) -> None:
    made = written(policy("bucket-reader", Target("acme-billing", ROLE)), way)
    for said in ("s3:Get*", "s3:List*", "arn:aws-cn:s3:::acme-billing/*"):
        assert said in made
    assert ("outlay-reader" in made) == (way != "json")
    for_user = written(policy("bucket-reader", Target("acme-billing", is_user=True)), way)
    assert way == "json" or "ser" in for_user.replace("outlay", "").lower()


def test_what_is_no_bucket_no_purpose_or_no_way_is_refused() -> None:
    with pytest.raises(UsageError):
        policy("bucket-reader", Target("Not A Bucket"))
    with pytest.raises(UsageError, match="bucket-reader"):
        policy("everything", Target("acme-billing"))
    with pytest.raises(UsageError, match="terraform"):
        written(policy(next(iter(POLICIES)), Target("acme-billing")), "yaml")


def test_a_role_that_is_no_name_gets_into_no_command() -> None:
    target = Target("acme-billing", "arn:aws:iam::123456789012:role/x; rm -rf /")
    assert "rm -rf" not in written(policy("bucket-reader", target), "cli")
