"""Each flow works with exactly its policy, and is denied with any action of it taken away.

A server enforces it: moto, for actions and resources of users and of assumed roles, and for the trust of a role. What
it leaves out, conditions and the principals of bucket policies, is worked out by `tests.aws.allowing`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult

from outlay.aws.policies import PURPOSES, Target, policy
from outlay.aws.sessions import Credentials
from tests.aws.allowing import allows
from tests.aws.company import Company, corrected, is_denied
from tests.aws.flows import FLOWS, WAITING, Call
from tests.aws.targets import ACCOUNT, BUCKET, EXTERNAL_ID, IDENTITY, ROLE
from tests.services.s3 import S3Server


@pytest.fixture(scope="module")
def company(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with corrected():
        made = Company(s3_server, tmp_path_factory.mktemp("company"))
        yield made
        made.close()
    s3_server.observed.requests.clear()


def _document(name: str, bucket: str) -> dict[str, Any]:
    return policy(name, Target(bucket)).document()


def _actions(document: Mapping[str, Any]) -> list[str]:
    return [action for each in document["Statement"] for action in each["Action"]]


def _without(document: Mapping[str, Any], sid: str, action: str = "") -> dict[str, Any]:
    """One action less, or, without one, the whole statement."""
    less = copy.deepcopy(dict(document))
    for each in less["Statement"]:
        if each["Sid"] == sid:
            each["Action"] = [name for name in each["Action"] if action and name != action]
    less["Statement"] = [each for each in less["Statement"] if each["Action"]]
    return less


def _lacks(call: Call, document: Mapping[str, Any]) -> bool:
    return any(not any(fnmatchcase(need, action) for action in _actions(document)) for need in call.needs)


# By purpose, the statement and one of its actions, or none for all of them.
TAKEN = [
    pytest.param(purpose.name, statement.sid, action, id=f"{purpose.name}-{statement.sid}-{action or 'all'}")
    for purpose in PURPOSES
    if purpose.name in FLOWS
    for statement in purpose.statements
    for action in ("", *statement.actions)
    if not set(statement.actions if not action else [action]) <= set(WAITING)
]


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_works_with_exactly_its_policy(name: str, company: Company) -> None:
    company.allow(_document(name, company.bucket))
    denied = [call.needs for call in FLOWS[name] if is_denied(lambda call=call: call.make(company))]  # type: ignore[misc]
    assert denied == []


@pytest.mark.parametrize(("name", "sid", "action"), TAKEN)
def test_what_needs_an_action_is_denied_when_it_is_taken_away(
    name: str, sid: str, action: str, company: Company
) -> None:
    less = _without(_document(name, company.bucket), sid, action)
    company.allow(less)
    lost = [call for call in FLOWS[name] if _lacks(call, less)]
    assert lost, f"no call of {name} needs {action or sid}"
    assert [call.needs for call in lost if not is_denied(lambda call=call: call.make(company))] == []  # type: ignore[misc]


def test_every_action_of_every_policy_is_tried_or_waits() -> None:
    for name in IDENTITY:
        needed = {need for call in FLOWS[name] for need in call.needs}
        for action in _actions(_document(name, BUCKET)):
            is_tried = any(fnmatchcase(need, action) for need in needed)
            assert is_tried != (action in WAITING), f"{name} {action}"


@pytest.mark.parametrize("name", [name for name in FLOWS if set(_actions(_document(name, BUCKET))) & set(WAITING)])
def test_what_waits_for_a_server_is_allowed_by_its_policy_alone(name: str) -> None:
    """moto's own reading of the document, without a request."""
    document = _document(name, BUCKET)
    for action, (asked, why) in WAITING.items():
        assert why
        for sid in [each["Sid"] for each in document["Statement"] if action in each["Action"]]:
            assert _permitted(document, asked)
            assert not _permitted(_without(document, sid, action), asked)


def _permitted(document: Mapping[str, Any], action: str) -> bool:
    return IAMPolicy(json.dumps(document)).is_action_permitted(action) is PermissionResult.PERMITTED


@pytest.mark.parametrize("name", ["bucket-reader", "bucket-only", "payer-report", "payer-export", "payer-automatic"])
def test_a_policy_for_a_bucket_opens_no_other(name: str, company: Company) -> None:
    company.allow(_document(name, "another-bucket"))
    assert is_denied(lambda: company.ingest("anycost", "anycost"))
    assert is_denied(lambda: company.client("s3").get_bucket_location(Bucket=company.bucket))
    assert is_denied(lambda: company.client("s3").get_bucket_policy(Bucket=company.bucket))


@pytest.mark.parametrize("name", FLOWS)
def test_a_policy_allows_no_deleting_and_no_writing_of_objects(name: str, company: Company) -> None:
    company.allow(_document(name, company.bucket))
    s3 = company.client("s3")
    assert is_denied(lambda: s3.put_object(Bucket=company.bucket, Key="x", Body=b"x"))
    assert is_denied(lambda: s3.delete_object(Bucket=company.bucket, Key="bills/cur/reports/acme"))
    assert is_denied(lambda: s3.delete_bucket(Bucket=company.bucket))
    assert is_denied(lambda: s3.delete_bucket_policy(Bucket=company.bucket))


# Roles


@pytest.fixture(scope="module")
def role(company: Company) -> str:
    trust = policy("trust", Target(principal=company.user_arn, external_id=EXTERNAL_ID))
    name = f"role-{company.bucket}"
    made = company.s3.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust.document()))
    document = json.dumps(_document("bucket-reader", company.bucket))
    company.s3.iam.put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=document)
    return made["Role"]["Arn"]


@pytest.fixture
def assumed(company: Company, role: str, monkeypatch: pytest.MonkeyPatch) -> Credentials:
    monkeypatch.setenv("AWS_ENDPOINT_URL", company.s3.endpoint)
    return Credentials(role_arn=role, external_id=EXTERNAL_ID, access_key=company.key)


def _caller(company: Company, role: str) -> dict[str, Any]:
    return policy("assume-role", Target(role_arn=role, principal=company.user_arn)).document()


def test_a_role_is_assumed_by_its_trust_and_the_callers_policy(
    company: Company, role: str, assumed: Credentials
) -> None:
    company.allow(_caller(company, role))
    assert not is_denied(lambda: company.ingest("anycost", "anycost", assumed))
    assert is_denied(lambda: company.ingest("anycost", "anycost")), "the caller itself may read nothing"


def test_without_the_callers_policy_a_role_is_not_assumed(company: Company, role: str, assumed: Credentials) -> None:
    company.allow(None)
    assert is_denied(assumed)
    company.allow(_caller(company, f"{role}-other"))
    assert is_denied(assumed)


@pytest.mark.usefixtures("assumed")
def test_without_the_external_id_of_its_trust_a_role_is_not_assumed(company: Company, role: str) -> None:
    company.allow(_caller(company, role))
    assert is_denied(Credentials(role_arn=role, external_id="another", access_key=company.key))


def test_a_role_that_trusts_another_is_not_assumed(company: Company, role: str, assumed: Credentials) -> None:
    company.allow(_caller(company, role))
    name, before = role.rpartition("/")[2], policy("trust", Target(principal=company.user_arn, external_id=EXTERNAL_ID))
    other = policy("trust", Target(principal=f"{company.user_arn}-other", external_id=EXTERNAL_ID))
    company.s3.iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(other.document()))
    assert is_denied(assumed)
    company.s3.iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(before.document()))
    assert not is_denied(assumed)


# What moto does not enforce

TRUST = policy("trust", Target(principal=f"arn:aws:iam::{ACCOUNT}:role/outlay", external_id=EXTERNAL_ID)).document()


@pytest.mark.parametrize(
    ("principal", "context", "is_allowed"),
    [
        (f"arn:aws:iam::{ACCOUNT}:role/outlay", {"sts:ExternalId": EXTERNAL_ID}, True),
        (f"arn:aws:iam::{ACCOUNT}:role/outlay", {"sts:ExternalId": f"{EXTERNAL_ID}x"}, False),
        (f"arn:aws:iam::{ACCOUNT}:role/outlay", {}, False),
        (f"arn:aws:iam::{ACCOUNT}:role/outlay2", {"sts:ExternalId": EXTERNAL_ID}, False),
        (f"arn:aws:iam::{ACCOUNT}:root", {"sts:ExternalId": EXTERNAL_ID}, False),
    ],
    ids=["the one", "another id", "no id", "another role", "the account"],
)
def test_a_trust_holds_for_one_principal_that_gives_the_id(
    principal: str, context: dict[str, str], is_allowed: bool
) -> None:
    assert allows(TRUST, "sts:AssumeRole", principal=("AWS", principal), context=context) == is_allowed


DELIVERY = policy("billing-delivery", Target(BUCKET, account=ACCOUNT)).document()
REPORTS = ("billingreports.amazonaws.com", f"arn:aws:cur:us-east-1:{ACCOUNT}:definition/daily")
EXPORTS = ("bcm-data-exports.amazonaws.com", f"arn:aws:bcm-data-exports:us-east-1:{ACCOUNT}:export/daily-1")
WHOLE = f"arn:aws:s3:::{BUCKET}"
OBJECT = f"arn:aws:s3:::{BUCKET}/cur/acme-00001.csv.gz"


def _delivers(
    document: Mapping[str, Any],
    service: str,
    source: str,
    *,
    action: str = "s3:PutObject",
    resource: str = OBJECT,
    account: str = ACCOUNT,
) -> bool:
    context = {"aws:SourceAccount": account, "aws:SourceArn": source}
    return allows(document, action, resource, principal=("Service", service), context=context)


@pytest.mark.parametrize(("service", "source"), [REPORTS, EXPORTS], ids=["reports", "exports"])
def test_each_billing_service_may_deliver_for_the_payer_and_for_nobody_else(service: str, source: str) -> None:
    assert _delivers(DELIVERY, service, source)
    assert _delivers(DELIVERY, service, source, action="s3:GetBucketPolicy", resource=WHOLE)
    other = source.replace(ACCOUNT, "999999999999")
    assert not _delivers(DELIVERY, service, other, account="999999999999")
    assert not _delivers(DELIVERY, service, other)
    assert not _delivers(DELIVERY, service, source, account="999999999999")
    assert not _delivers(DELIVERY, "config.amazonaws.com", source)
    assert not _delivers(DELIVERY, service, f"arn:aws:s3:::{ACCOUNT}")
    assert not _delivers(DELIVERY, service, source, resource="arn:aws:s3:::another/x")
    assert not _delivers(DELIVERY, service, source, action="s3:GetObject")
    assert not allows(DELIVERY, "s3:PutObject", OBJECT, principal=("Service", service)), "without a source"


@pytest.mark.parametrize("key", ["aws:SourceAccount", "aws:SourceArn"])
def test_without_one_of_the_two_conditions_another_account_gets_closer(key: str) -> None:
    """Why both are there: each alone lets through a request that lies in the other one."""
    less = copy.deepcopy(DELIVERY)
    del less["Statement"][0]["Condition"]["StringLike"][key]
    service, source = REPORTS
    foreign = {"aws:SourceAccount": {"account": "999999999999"}, "aws:SourceArn": {}}[key]
    where = source if key == "aws:SourceAccount" else source.replace(ACCOUNT, "999999999999")
    assert _delivers(less, service, where, **foreign)
    assert not _delivers(DELIVERY, service, where, **foreign)


def test_each_action_service_and_source_of_the_delivery_is_needed() -> None:
    asked = [
        (service, source, action, resource)
        for service, source in (REPORTS, EXPORTS)
        for action, resource in (("s3:PutObject", OBJECT), ("s3:GetBucketPolicy", WHOLE))
    ]
    (statement,) = DELIVERY["Statement"]
    sources = statement["Condition"]["StringLike"]["aws:SourceArn"]
    for holder, values in (
        ("Action", statement["Action"]),
        ("Resource", statement["Resource"]),
        ("Principal", statement["Principal"]["Service"]),
        ("Condition", sources),
    ):
        for value in values:
            text = json.dumps(DELIVERY["Statement"][0][holder]).replace(json.dumps(value), '"nothing"')
            less = {"Statement": [{**statement, holder: json.loads(text)}]}
            assert not all(_delivers(less, one, two, action=do, resource=at) for one, two, do, at in asked), value
    assert all(_delivers(DELIVERY, one, two, action=do, resource=at) for one, two, do, at in asked)


SHARING = policy("bucket-sharing", Target(BUCKET, ROLE)).document()


def test_a_shared_bucket_may_be_read_by_that_role_alone() -> None:
    asked = (("s3:GetObject", OBJECT), ("s3:ListBucket", WHOLE), ("s3:GetBucketLocation", WHOLE))
    for action, resource in asked:
        assert allows(SHARING, action, resource, principal=("AWS", ROLE))
        assert not allows(SHARING, action, resource, principal=("AWS", f"{ROLE}-other"))
        assert not allows(SHARING, action, resource)
        sid = next(each["Sid"] for each in SHARING["Statement"] if action in each["Action"])
        assert not allows(_without(SHARING, sid), action, resource, principal=("AWS", ROLE))
    assert not allows(SHARING, "s3:PutObject", OBJECT, principal=("AWS", ROLE))
