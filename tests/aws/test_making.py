"""Exports that are made in the stand-in: shown first, step by step, and again after a failure."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from outlay.aws.exports import Found, exports_found
from outlay.aws.making import FORMATS, MADE, Wish, carry_out, faults, plan
from outlay.aws.sessions import Credentials, Session, who_am_i
from outlay.errors import AccessError, Denied, UsageError
from outlay.period import BillingPeriod
from tests.aws_standin.delivering import deliver
from tests.aws_standin.organisation import LINKED, Organisation, bill, export
from tests.aws_standin.standin import Key, statement

ALL = [statement("s3:*"), statement("cur:*", "bcm-data-exports:*", "organizations:*")]
NEW = Wish("daily-bill", "fernwick-new", "outlay/bills", is_new_bucket=True)
PERIOD, LAST = BillingPeriod(2026, 9), date(2026, 10, 20)


class Payer:
    """Fernwick's management account and a user there who may make all that is asked for."""

    def __init__(self, organisation: Organisation) -> None:
        self.standin, self.member = organisation.standin, organisation.fernwick
        self.session = self.signed_in(self.standin.add_user(self.member.account, "maker", *ALL))
        self.identity = who_am_i(self.session)

    def signed_in(self, key: Key) -> Session:
        return Session(Credentials(access_key=key.pair, endpoint=self.standin.endpoint, region="eu-central-1"))

    def plan(self, wish: Wish = NEW) -> Any:
        return plan(self.session, self.identity, wish)

    def make(self, wish: Wish = NEW) -> list[str]:
        return [step.name for step in carry_out(self.session, self.plan(wish))]

    def found(self) -> Found:
        return exports_found(self.session, self.identity)

    def policy(self, bucket: str) -> list[dict[str, Any]]:
        client = self.standin.client("s3", self.member.account)
        found: list[dict[str, Any]] = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
        return found

    def buckets(self) -> set[str]:
        found = self.standin.client("s3", self.member.account).list_buckets()["Buckets"]
        return {each["Name"] for each in found}


@pytest.fixture
def payer(organisation: Organisation) -> Payer:
    return Payer(organisation)


def by_name(steps: Any) -> dict[str, Any]:
    return {step.name: step for step in steps}


def test_a_plan_shows_every_request_and_makes_nothing(payer: Payer) -> None:
    made = payer.plan()
    steps = by_name(made.steps)
    assert list(steps) == ["bucket", "private", "encrypted", "policy", "export"]
    assert not any(step.is_there for step in made.steps)
    assert steps["bucket"].title == "Make the bucket fernwick-new in us-east-1"
    assert steps["private"].request["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"] is True
    (allowed,) = steps["policy"].request["Policy"]["Statement"]
    assert allowed["Condition"]["StringLike"]["aws:SourceAccount"] == [payer.member.account]
    assert "line_item_resource_id" in steps["export"].request["Export"]["DataQuery"]["QueryStatement"]
    assert (payer.buckets(), payer.found().exports) == ({"fernwick-billing"}, ())
    json.dumps(made.as_dict())


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("format", FORMATS)
def test_what_is_made_is_as_it_was_wished_and_delivers(payer: Payer, kind: str, format: str) -> None:
    versioning = "overwrite" if format == "csv" else "new version"
    wish = Wish("bill", "fernwick-new", "a/b", kind, True, "eu-west-1", format, "daily", False, versioning)
    assert payer.make(wish) == ["bucket", "private", "encrypted", "policy", "export"]
    (found,) = payer.found().exports
    assert (found.name, found.kind, found.location) == ("bill", kind, "s3://fernwick-new/a/b")
    assert (found.format, found.granularity, found.versioning) == (format, "daily", versioning)
    assert (found.usable, found.resource_ids, found.region, found.split_cost) == (True, True, "eu-west-1", False)
    client = payer.standin.client("s3", payer.member.account)
    assert client.get_bucket_location(Bucket="fernwick-new")["LocationConstraint"] == "eu-west-1"
    assert all(client.get_public_access_block(Bucket="fernwick-new")["PublicAccessBlockConfiguration"].values())
    rules = client.get_bucket_encryption(Bucket="fernwick-new")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    rows = bill(payer.member.payer, PERIOD, LAST)[:50]
    assert deliver(payer.standin, payer.member.account, "bill", PERIOD, rows).keys


@pytest.mark.parametrize("kind", ["cur-2.0", "legacy-cur"])
def test_split_cost_is_asked_for_where_it_is_wished(payer: Payer, kind: str) -> None:
    payer.make(Wish("bill", "fernwick-billing", "a", kind, split_cost=True))
    (found,) = payer.found().exports
    assert found.split_cost


def test_a_bucket_that_exists_is_changed_in_nothing_but_its_policy(payer: Payer) -> None:
    client = payer.standin.client("s3", payer.member.account)
    others = {"Sid": "Others", "Effect": "Allow", "Principal": {"AWS": payer.member.role_arn}, "Action": "s3:GetObject"}
    others["Resource"] = "arn:aws:s3:::fernwick-billing/*"
    client.put_bucket_policy(
        Bucket="fernwick-billing", Policy=json.dumps({"Version": "2012-10-17", "Statement": [others]})
    )
    wish = Wish("bill", "fernwick-billing", "outlay")
    made = payer.plan(wish)
    assert [step.name for step in made.steps] == ["policy", "export"]
    assert "keep the 1 statement of its policy" in made.steps[0].title
    assert payer.make(wish) == ["policy", "export"]
    first, ours = payer.policy("fernwick-billing")
    assert first == others
    assert ours["Principal"]["Service"] == ["billingreports.amazonaws.com", "bcm-data-exports.amazonaws.com"]
    assert payer.plan(wish).is_done


def test_the_statement_of_another_payer_who_delivers_into_the_bucket_is_kept(payer: Payer) -> None:
    """AWS's console gives it the same name, whoever the payer is."""
    before = payer.policy("fernwick-billing")
    theirs = json.loads(json.dumps(before).replace(payer.member.account, "999999999999"))
    client = payer.standin.client("s3", payer.member.account)
    document = json.dumps({"Version": "2012-10-17", "Statement": theirs})
    client.put_bucket_policy(Bucket="fernwick-billing", Policy=document)
    payer.make(Wish("bill", "fernwick-billing", "outlay"))
    after = payer.policy("fernwick-billing")
    assert after[0] == theirs[0]
    assert len({each["Sid"] for each in after}) == len(after) == 2
    assert payer.plan(Wish("bill", "fernwick-billing", "outlay")).is_done


@pytest.mark.parametrize(
    ("denied", "done"),
    [
        ("s3:CreateBucket", []),
        ("s3:PutBucketPublicAccessBlock", ["bucket"]),
        ("s3:PutEncryptionConfiguration", ["bucket", "private"]),
        ("s3:PutBucketPolicy", ["bucket", "private", "encrypted"]),
        ("bcm-data-exports:CreateExport", ["bucket", "private", "encrypted", "policy"]),
    ],
    ids=["bucket", "private", "encrypted", "policy", "export"],
)
def test_after_a_failure_in_any_step_it_is_carried_on(payer: Payer, denied: str, done: list[str]) -> None:
    payer.standin.deny(denied)
    seen: list[str] = []
    with pytest.raises(AccessError):
        note_each(seen, payer)
    assert seen == done
    payer.standin.allow(denied)
    again = payer.plan()
    assert by_name(again.steps)["bucket"].is_there is bool(done)
    list(carry_out(payer.session, again))
    assert [each.name for each in payer.found().exports] == ["daily-bill"]
    assert by_name(payer.plan().steps)["export"].is_there
    # Once more does no harm.
    payer.make()
    assert len(payer.found().exports) == 1


def note_each(seen: list[str], payer: Payer) -> None:
    """What was done before a step fails stays noted."""
    for step in carry_out(payer.session, payer.plan()):
        seen.append(step.name)  # noqa: PERF401


def test_a_linked_account_is_told_who_pays_for_it(organisation: Organisation, payer: Payer) -> None:
    linked = next(iter(LINKED[payer.member.account]))
    session = payer.signed_in(
        organisation.standin.add_user(linked, "maker", statement("s3:*", "organizations:DescribeOrganization"))
    )
    with pytest.raises(UsageError, match=f"{linked} is a linked account: {payer.member.account} pays for it"):
        plan(session, who_am_i(session), NEW)


def test_where_the_payer_may_not_be_seen_the_plan_says_so(payer: Payer) -> None:
    payer.standin.deny("organizations:DescribeOrganization")
    made = plan(payer.session, who_am_i(payer.session), NEW)
    assert "may not be seen whether another account pays" in made.notes[0]
    payer.standin.allow("organizations:DescribeOrganization")
    assert not payer.plan().notes


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (Wish("a bill", "acme-new", "x"), "name"),
        (Wish("bill", "Acme", "x"), "bucket"),
        (Wish("bill", "acme-new", ""), "prefix"),
        (Wish("bill", "acme-new", "/x"), "prefix"),
        (Wish("bill", "acme-new", "ä"), "prefix"),
        (Wish("bill", "acme-new", "x", "cbf"), "kind"),
        (Wish("bill", "acme-new", "x", region="Frankfurt"), "region"),
        (Wish("bill", "acme-new", "x", format="xlsx"), "format"),
        (Wish("bill", "acme-new", "x", granularity="monthly"), "granularity"),
        (Wish("bill", "acme-new", "x", versioning="never"), "versioning"),
        (Wish("bill", "acme-new", "x", "focus-1.2", split_cost=True), "split_cost"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wish_that_breaks_a_rule_is_refused_before_aws_is_asked(wish: Wish, field: str) -> None:
    (error,) = faults(wish).values()
    assert error.field == field
    assert error.next


def test_a_bucket_that_is_not_there_or_elsewhere_or_not_new_is_told(payer: Payer) -> None:
    client = payer.standin.client("s3", payer.member.account)
    for wish, said in (
        (Wish("bill", "fernwick-nothing", "x"), "There is no bucket fernwick-nothing"),
        (Wish("bill", "fernwick-billing", "x", region="eu-west-1"), "is in us-east-1, not in eu-west-1"),
    ):
        with pytest.raises(UsageError, match=said):
            payer.plan(wish)
    client.put_object(Bucket="fernwick-billing", Key="a", Body=b"a")
    with pytest.raises(UsageError, match="is there already, and holds files"):
        payer.plan(Wish("bill", "fernwick-billing", "x", is_new_bucket=True))


def test_an_export_of_that_name_that_differs_is_left_as_it_is(payer: Payer) -> None:
    payer.standin.client("bcm-data-exports", payer.member.account).create_export(
        Export=export("bill", "fernwick-billing", prefix="elsewhere")
    )
    with pytest.raises(UsageError, match="has bill already, which differs in prefix"):
        payer.plan(Wish("bill", "fernwick-billing", "outlay"))


def test_what_may_not_be_listed_is_not_made_blindly(payer: Payer) -> None:
    payer.standin.deny("bcm-data-exports:ListExports")
    with pytest.raises(Denied) as raised:
        payer.plan()
    assert raised.value.action == "bcm-data-exports:ListExports"


def test_a_plan_has_the_same_mark_until_something_changes(payer: Payer) -> None:
    first = payer.plan()
    assert payer.plan().mark == first.mark
    payer.standin.client("s3", payer.member.account).create_bucket(Bucket="fernwick-new")
    assert payer.plan().mark != first.mark
