"""`outlay policy`: what it prints, and what it refuses. What the policies do is tested with `outlay.aws.policies`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from outlay.aws.policies import PURPOSES, Target, policy
from tests.aws.targets import ACCOUNT, BUCKET, EXTERNAL_ID, FOR_ROLE, OUTLAY, READ_BACK, ROLE
from tests.cli.conftest import Outlay

ROOT = Path(__file__).parents[2]
DELIVERY = ("policy", "billing-delivery", "--bucket", BUCKET, "--account", ACCOUNT)


def test_without_a_purpose_it_lists_them_all(outlay: Outlay) -> None:
    ran = outlay("policy")
    assert ran.code == 0
    for purpose in PURPOSES:
        assert purpose.name in ran.out
    assert [each["purpose"] for each in outlay("policy", "--json").json] == [each.name for each in PURPOSES]


def test_it_says_what_for_whom_the_document_and_why(outlay: Outlay) -> None:
    ran = outlay("policy", "payer-export", "organizations", "--bucket", BUCKET, "--role-arn", ROLE)
    assert ran.code == 0
    assert "Attach it to the role outlay-reader." in ran.out
    for said in ("s3:GetObject", "Reads the manifests and the files of the bill.", "organizations:List*", "next:"):
        assert said in ran.out


def test_the_json_holds_the_document_and_its_reasons(outlay: Outlay) -> None:
    told = outlay("policy", "bucket-only", "--bucket", BUCKET, "--user", "bill.reader", "--json").json
    assert told["document"] == policy("bucket-only", Target(BUCKET)).document()
    assert told["attach"] == "Attach it to the user bill.reader."
    assert {each["action"] for each in told["reasons"]} == {"s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"}


@pytest.mark.parametrize("way", READ_BACK)
def test_a_way_is_printed_alone(way: str, outlay: Outlay) -> None:
    """Byte for byte, so that it can be put into a file; zeros in front of an account id stay."""
    ran = outlay(*DELIVERY, "--as", way)
    assert (ran.code, ran.err) == (0, "")
    assert READ_BACK[way](ran.out) == policy("billing-delivery", Target(BUCKET, account=ACCOUNT)).document()


def test_a_trust_gets_a_new_external_id_that_is_told(outlay: Outlay) -> None:
    words = ("policy", "trust", "--principal", OUTLAY, "--as", "json")
    ran = outlay(*words)
    (statement,) = json.loads(ran.out)["Statement"]
    (made,) = statement["Condition"]["StringEquals"]["sts:ExternalId"]
    assert re.fullmatch(r"outlay-[0-9a-f]{32}", made)
    assert f"--external-id {made}" in ran.err
    assert json.loads(outlay(*words).out) != json.loads(ran.out)
    given = outlay(*words, "--external-id", EXTERNAL_ID)
    assert given.err == ""
    assert json.loads(given.out) == policy("trust", FOR_ROLE).document()


def test_the_policy_of_a_bucket_is_extended_from_a_file(outlay: Outlay, tmp_path: Path) -> None:
    there = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Ours", "Effect": "Deny"}]})
    file = tmp_path / "policy.json"
    file.write_text(there)
    ran = outlay(*DELIVERY, "--extend", file, "--as", "json")
    assert [each["Sid"] for each in ran.json["Statement"]] == ["Ours", "EnableAWSDataExportsToWriteToS3AndCheckPolicy"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["everything"], "There is no policy 'everything'"),
        (["bucket-only"], "The bucket has no name"),
        (["bucket-only", "--bucket", "s3://x"], "is an address"),
        (["bucket-only", "--bucket", BUCKET, "--role-arn", OUTLAY], "it is that of a user"),
        (["bucket-only", "--bucket", BUCKET, "--role-arn", ROLE, "--account", "999999999999"], "of the account"),
        (["bucket-only", "--bucket", BUCKET, "--role-arn", ROLE, "--user", "me"], "to a role or to a user"),
        (["billing-delivery", "--bucket", BUCKET, "--account", "12345678901"], "fewer digits"),
        (["trust"], "Who assumes the role is not said"),
        (["trust", "organizations", "--principal", OUTLAY], "attached elsewhere"),
        (["trust", "--principal", OUTLAY, "--external-id", "a b"], "An external id has"),
        (["organizations", "--extend", "x"], "Only a bucket's own policy"),
        ([*DELIVERY[1:], "--extend", "no-such-file"], "no-such-file cannot be read"),
        (["organizations", "--json", "--as", "cli"], "contradict"),
        (["organizations", "--as", "yaml"], "yaml"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(outlay: Outlay, words: list[str], said: str) -> None:
    ran = outlay("policy", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "next:" in ran.err or "--help" in ran.err


def test_the_page_of_the_docs_has_every_purpose_action_and_reason() -> None:
    page = (ROOT / "docs" / "policies.md").read_text()
    for purpose in PURPOSES:
        assert f"## {purpose.name}\n" in page
        for statement in purpose.statements:
            for grant in statement.grants:
                assert f"| `{statement.sid}` | `{grant.action}` | {grant.why} |" in page
