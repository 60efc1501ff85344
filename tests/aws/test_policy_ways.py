"""Policies as they are written down, read back by what takes them: HCL, cfn-lint, a shell, the AWS CLI."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import awscli
import hcl2
import pytest
from awscli.clidriver import create_clidriver
from cfnlint.api import ManualArgs, lint
from hypothesis import given, settings
from hypothesis import strategies as st

from outlay.aws.policies import WAYS, Target, extended, policy, purpose, written
from outlay.errors import UsageError
from tests.aws.targets import (
    BUCKET,
    FOR_ROLE,
    FOR_SOMEBODY,
    FOR_USER,
    IDENTITY,
    NAMES,
    READ_BACK,
    commands,
    from_cloudformation,
    from_commands,
)
from tests.services.s3 import S3

TARGETS = {"role": FOR_ROLE, "user": FOR_USER, "somebody": FOR_SOMEBODY}


def _target(holder: str, name: str) -> Target:
    return FOR_ROLE if "role_arn" in purpose(name).needs else TARGETS[holder]


@pytest.mark.parametrize("holder", TARGETS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", WAYS)
def test_each_way_says_the_same_document(way: str, name: str, holder: str) -> None:
    made = policy(name, _target(holder, name))
    assert READ_BACK[way](written(made, way)) == made.document()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", [way for way in WAYS if way != "json"])
def test_each_action_has_its_reason_beside_it(way: str, name: str) -> None:
    made = policy(name, FOR_ROLE)
    lines = written(made, way).splitlines()
    for _, action, why in made.reasons():
        assert any(action in line and line.endswith(why) and "#" in line for line in lines), action


# All that are attached to a role are linted as one, for a linter takes its time.
LINTED: dict[str, tuple[list[str], Target]] = {
    "all of a role": (IDENTITY, FOR_ROLE),
    "a user": (["bucket-only"], FOR_USER),
    "somebody": (["bucket-only"], FOR_SOMEBODY),
    "bucket": (["billing-delivery"], FOR_ROLE),
    "shared bucket": (["bucket-sharing"], FOR_ROLE),
    "trust": (["trust"], FOR_ROLE),
    "caller": (["assume-role"], FOR_ROLE),
}


@pytest.mark.parametrize("case", LINTED)
def test_cloudformation_finds_nothing_to_say_of_the_template(case: str) -> None:
    """cfn-lint knows each action that AWS has, and what the resources of a template take."""
    text = written(policy(*LINTED[case]), "cloudformation")
    assert lint(text, config=ManualArgs(include_checks=["W", "I"], regions=["us-east-1"])) == []


def test_cfn_lint_would_tell_an_action_that_aws_does_not_have() -> None:
    text = written(policy("metrics", FOR_ROLE), "cloudformation").replace("ListMetrics", "ListMetricses")
    assert any("listmetricses" in str(each) for each in lint(text, config=ManualArgs(include_checks=["W"])))


def test_who_gets_it_stands_in_it_or_is_asked_for() -> None:
    assert 'role   = "outlay-reader"' in written(policy("bucket-only", FOR_ROLE), "terraform")
    assert 'user   = "bill.reader"' in written(policy("bucket-only", FOR_USER), "terraform")
    assert "var.outlay_role" in written(policy("bucket-only", FOR_SOMEBODY), "terraform")
    assert hcl2.loads(written(policy("bucket-only", FOR_SOMEBODY), "terraform"))["variable"]
    assert "!Ref RoleName" in written(policy("bucket-only", FOR_SOMEBODY), "cloudformation")
    assert commands(written(policy("bucket-only", Target(BUCKET, is_user=True)), "cli"))[0][4] == "USER-NAME"


def test_what_is_no_way_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="terraform"):
        written(policy("bucket-only", FOR_ROLE), "yaml")


def test_terraform_keeps_the_version_and_the_id_of_a_policy_that_is_extended() -> None:
    """The version decides whether `${aws:username}` is a variable."""
    statement = {"Sid": "x", "Effect": "Deny", "Resource": "arn:aws:s3:::x/${aws:username}"}
    existing = {"Version": "2008-10-17", "Id": "house rules", "Statement": [statement]}
    text = written(extended(policy("billing-delivery", FOR_ROLE), json.dumps(existing)), "terraform")
    ((_, labelled),) = hcl2.loads(text)["data"][0].items()
    ((_, data),) = labelled.items()
    assert (data["version"], data["policy_id"]) == ('"2008-10-17"', '"house rules"')
    assert "$${aws:username}" in str(data["source_policy_documents"])


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"])), st.data())
def test_nothing_in_a_policy_that_is_extended_breaks_out_of_any_language(text: str, data: st.DataObject) -> None:
    """Others wrote it: quotes, comments, `${…}` and line ends in it stay texts."""
    evil = text + data.draw(st.sampled_from(["", "'", '"', "${x}", "\\", "\n", " # ", "'; id", "`id`", "%{x}", ": - "]))
    existing = {"Version": "2012-10-17", "Statement": [{"Sid": evil, "Effect": "Deny", "Resource": [evil]}]}
    made = extended(policy("billing-delivery", FOR_ROLE), json.dumps(existing))
    assert json.loads(written(made, "json")) == made.document()
    assert from_cloudformation(written(made, "cloudformation")) == made.document()
    assert from_commands(written(made, "cli")) == made.document()
    if "%{" not in evil:  # which HCL escapes and python-hcl2 does not know
        (block,) = hcl2.loads(written(made, "terraform"))["data"]
        ((_, labelled),) = block.items()
        assert len(labelled) == 1


# The real command, on moto's server


@pytest.fixture
def aws(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", s3.region)
    # The package finds its own tables by this variable, which no test inherits.
    monkeypatch.setenv("AWS_DATA_PATH", str(Path(awscli.__file__).parent / "data"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def role(s3: S3) -> str:
    name = f"reader-{s3.bucket}"
    s3.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy("trust", FOR_ROLE).document()))
    return name


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("name", IDENTITY)
def test_the_aws_cli_takes_the_command(name: str, s3: S3, role: str) -> None:
    made = policy(name, Target(BUCKET, f"arn:aws:iam::123456789012:role/{role}"))
    (words,) = commands(written(made, "cli"))
    with redirect_stdout(io.StringIO()):
        assert create_clidriver().main(words[1:]) == 0
    assert s3.iam.get_role_policy(RoleName=role, PolicyName=made.name)["PolicyDocument"] == made.document()


def _sh(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-euo", "pipefail", "-c", text], capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("aws")
def test_a_shell_gives_a_bucket_its_policy_once_and_never_over_another(s3: S3) -> None:
    target = Target(s3.bucket, account="012345678901")
    script = written(policy("billing-delivery", target), "cli")
    assert _sh(script).returncode == 0
    first = json.loads(s3.client.get_bucket_policy(Bucket=s3.bucket)["Policy"])
    assert first == policy("billing-delivery", target).document()

    again = _sh(written(policy("billing-delivery", Target(s3.bucket, account="999999999999")), "cli"))
    assert "Nothing was changed" in again.stderr
    assert json.loads(s3.client.get_bucket_policy(Bucket=s3.bucket)["Policy"]) == first

    others = {"Version": "2012-10-17", "Statement": [{"Sid": "It's ours", "Effect": "Deny", "Principal": "*"}]}
    longer = extended(policy("billing-delivery", target), json.dumps(others))
    assert _sh(written(longer, "cli")).returncode == 0
    assert json.loads(s3.client.get_bucket_policy(Bucket=s3.bucket)["Policy"]) == longer.document()


@pytest.mark.usefixtures("aws")
def test_a_shell_makes_the_role_and_changes_the_trust_of_one_that_is_there(s3: S3, role: str) -> None:
    made = policy("trust", FOR_SOMEBODY)
    assert _sh(written(made, "cli")).returncode == 0
    assert s3.iam.get_role(RoleName="outlay-reader")["Role"]["AssumeRolePolicyDocument"] == made.document()
    s3.iam.delete_role(RoleName="outlay-reader")

    other = Target("", f"arn:aws:iam::123456789012:role/{role}", principal=FOR_ROLE.principal, external_id="another")
    assert _sh(written(policy("trust", other), "cli")).returncode == 0
    trusted = s3.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    assert trusted == policy("trust", other).document()
