"""The forms of AWS on the stand-in: exports found and chosen, a path put right, an export made, its checklist seen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from outlay.period import BillingPeriod
from tests.aws_standin.delivering import deliver
from tests.aws_standin.organisation import EXTERNAL_ID, LINKED, Organisation, bill, build, export, report
from tests.aws_standin.standin import StandIn, statement
from tests.web.conftest import Visit
from tests.web.pages import PHONE, axe, overflow
from tests.web.sites import Home, Site, serving
from tests.web.tokens import Api, token

PERIOD, LAST = BillingPeriod(2026, 9), date(2026, 9, 3)
BILLING_APIS = ("AWSOrigamiServiceGatewayService", "AWSBillingAndCostManagementDataExports")
PATIENCE = 30_000


@dataclass(frozen=True)
class Aws:
    """A site whose AWS is the stand-in, where Fernwick has a report and two exports; one has delivered a month."""

    site: Site
    organisation: Organisation

    @property
    def standin(self) -> StandIn:
        return self.organisation.standin

    @property
    def account(self) -> str:
        return self.organisation.fernwick.account

    @property
    def access(self) -> dict[str, str]:
        return {"access": "role", "role_arn": self.organisation.fernwick.role_arn, "external_id": EXTERNAL_ID}

    def asked(self) -> list[str]:
        """The operations of the billing APIs that were asked for."""
        targets = (request.headers.get("x-amz-target", "") for request in self.standin.server.observed.requests)
        return [target for target in targets if target.startswith(BILLING_APIS)]

    def type_access(self, page: Page) -> None:
        page.get_by_label("Assume a role").check()
        page.get_by_label("Role ARN").fill(self.access["role_arn"])
        page.get_by_label("External id", exact=True).fill(EXTERNAL_ID)


@pytest.fixture(scope="module")
def aws(bare: Home) -> Iterator[Aws]:
    bare.put_back()
    standin = StandIn()
    try:
        organisation = build(standin)
        member = organisation.fernwick
        exports = standin.client("bcm-data-exports", member.account)
        exports.create_export(Export=export("hourly", member.bucket))
        exports.create_export(Export=export("narrow", member.bucket, columns=["bill_payer_account_id"]))
        standin.client("cur", member.account).put_report_definition(ReportDefinition=report("legacy", member.bucket))
        deliver(standin, member.account, "hourly", PERIOD, bill(member.payer, PERIOD, LAST)[:20])
        environ = {
            **organisation.own_key.environ,
            "AWS_ENDPOINT_URL": standin.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }
        with serving(bare, environ) as site:
            yield Aws(site, organisation)
    finally:
        standin.close()


def _text(aws: Aws, path: str, form: dict[str, str]) -> str:
    answer = aws.site.ask(path, "administrator", "POST", data=form)
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


FIND = "/add-connection/aws/exports"


def test_exports_are_found_shown_and_filled_in_when_one_is_chosen(aws: Aws, visit: Visit) -> None:
    page = visit(aws.site, "administrator")
    page.goto("/add-connection/aws")
    page.get_by_label("Connection Name").fill("found")
    aws.type_access(page)
    page.get_by_role("button", name="Find exports").click()
    expect(page.locator("[data-export=narrow]")).to_be_visible(timeout=PATIENCE)
    found = [row.get_attribute("data-export") for row in page.locator("[data-export]").all()]
    # Another test may have made one more.
    assert [name for name in found if name in ("legacy", "hourly", "narrow")] == ["legacy", "hourly", "narrow"]
    assert page.get_by_label("Bucket Name").input_value() == ""
    narrow = page.locator("[data-export=narrow]")
    expect(narrow).to_contain_text("Its query leaves out")
    expect(narrow.get_by_role("button")).to_have_count(0)
    assert axe(page) == []
    page.get_by_role("button", name="Use hourly").click()
    expect(page.locator("[data-used]")).to_contain_text("hourly is filled in")
    filled = {label: page.get_by_label(label).input_value() for label in ("Bucket Name", "Bucket Path")}
    assert filled == {"Bucket Name": "fernwick-billing", "Bucket Path": "exports"}
    assert page.get_by_label("Cost & Usage Report Name").input_value() == "hourly"
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("[data-test-result=well]")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("found")


def test_a_path_with_a_part_too_many_is_told_and_put_right(aws: Aws, visit: Visit) -> None:
    page = visit(aws.site, "administrator", width=PHONE)
    page.goto("/add-connection/aws")
    page.get_by_label("Bucket Name").fill("fernwick-billing")
    page.get_by_label("Bucket Path").fill("exports/wrong")
    page.get_by_label("Cost & Usage Report Name").fill("hourly")
    aws.type_access(page)
    page.get_by_role("button", name="Test", exact=True).click()
    offered = page.get_by_role("button", name="Use exports as path")
    expect(offered).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#test")).to_contain_text("The bills lie at s3://fernwick-billing/exports")
    offered.click()
    assert page.get_by_label("Bucket Path").input_value() == "exports"
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("[data-test-result=well]")).to_be_visible(timeout=PATIENCE)
    assert overflow(page) == []


def test_what_aws_denies_for_now_is_tested_again_by_a_button(aws: Aws, visit: Visit) -> None:
    page = visit(aws.site, "administrator", width=PHONE)
    page.goto("/add-connection/aws")
    page.get_by_label("Bucket Name").fill("fernwick-billing")
    page.get_by_label("Bucket Path").fill("exports")
    page.get_by_label("Cost & Usage Report Name").fill("hourly")
    aws.type_access(page)
    aws.standin.deny("s3:ListBucket")
    try:
        page.get_by_role("button", name="Test", exact=True).click()
        again = page.get_by_role("button", name="Test again")
        expect(again).to_be_visible(timeout=PATIENCE)
        failed = page.locator("[data-step=list]")
        expect(failed).to_contain_text("the credentials may not do s3:ListBucket")
        expect(failed).to_contain_text("New permissions take about 5 minutes to work. Test again in a minute")
        assert (axe(page), overflow(page)) == ([], [])
    finally:
        aws.standin.allow("s3:ListBucket")
    again.click()
    expect(page.locator("[data-test-result=well]")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Test again")).to_have_count(0)


@pytest.mark.parametrize(
    ("path", "named", "said"),
    [
        ("exports/hourly/data", "hourly", "The bills lie at s3://fernwick-billing/exports/hourly: give that path."),
        ("fernwick-billing/exports", "hourly", "The bills lie at s3://fernwick-billing/exports: give that path."),
        ("", "hourly", "It lies in exports: with that path only its own files are listed."),
        ("exports/hourly", "hourly", "All of it works."),
        ("nothing/here", "hourly", "holds no files"),
    ],
    ids=["below it", "bucket twice", "too few", "the export's own", "elsewhere"],
)
def test_each_path_is_told_for_what_it_is(aws: Aws, path: str, named: str, said: str) -> None:
    form = {"name": "x", "bucket": "fernwick-billing", "path": path, "export": named, **aws.access}
    assert said in _text(aws, "/add-connection/aws/test", form)


def test_a_path_with_a_part_too_few_does_and_the_right_one_is_offered(aws: Aws, visit: Visit) -> None:
    page = visit(aws.site, "administrator")
    page.goto("/add-connection/aws")
    page.get_by_label("Bucket Name").fill("fernwick-billing")
    page.get_by_label("Cost & Usage Report Name").fill("hourly")
    aws.type_access(page)
    page.get_by_role("button", name="Test", exact=True).click()
    page.get_by_role("button", name="Use exports as path").click(timeout=PATIENCE)
    assert page.get_by_label("Bucket Path").input_value() == "exports"
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_role("button", name="Use exports as path")).to_have_count(0, timeout=PATIENCE)
    expect(page.locator("[data-test-result=well]")).to_be_visible(timeout=PATIENCE)


def test_only_the_bucket_is_read_where_no_exports_are_asked_for(aws: Aws) -> None:
    before = len(aws.asked())
    form = {"name": "bucket-only", "bucket": "fernwick-billing", "path": "exports", "export": "hourly", **aws.access}
    assert "All of it works." in _text(aws, "/add-connection/aws/test", form)
    saved = aws.site.ask("/add-connection/aws", "administrator", "POST", data={**form, "check_every": "60"})
    assert saved.status_code == 302, saved.text
    assert aws.site.ask("/connections/bucket-only", "viewer").status_code == 200
    aws.site.outlay("ingest", "bucket-only")
    assert len(aws.asked()) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"role_arn": ""}, "The role is missing."),
        ({"role_arn": "outlay"}, "is not the ARN of a role"),
        ({"external_id": "another-one"}, "the external id differs"),
        ({"access": "profile", "profile": "nobody"}, "no profile"),
    ],
    ids=["no role", "no ARN", "wrong external id", "no profile"],
)
def test_access_that_does_not_do_is_told_where_the_exports_would_stand(
    aws: Aws, changes: dict[str, str], said: str
) -> None:
    assert said in _text(aws, FIND, {**aws.access, **changes})


def test_a_permission_that_is_missing_is_told_beside_what_is_seen(aws: Aws) -> None:
    aws.standin.deny("cur:DescribeReportDefinitions")
    try:
        said = _text(aws, FIND, aws.access)
    finally:
        aws.standin.allow("cur:DescribeReportDefinitions")
    assert "may not do cur:DescribeReportDefinitions" in said
    assert 'data-export="hourly"' in said
    assert 'data-export="legacy"' not in said


# Policies

FITTING = {
    "aws": (
        *("payer-export", "payer-report", "bucket-only", "payer-automatic", "billing-delivery", "bucket-sharing"),
        *("organizations", "cost-read", "discover-resources", "inventory", "metrics", "metadata"),
        *("trust", "assume-role"),
    ),
    "linked": ("discover-resources", "inventory", "metrics", "metadata", "organizations", "trust", "assume-role"),
    "anycost": ("bucket-reader", "bucket-only", "bucket-sharing", "trust", "assume-role"),
    "focus": ("bucket-only", "bucket-reader", "bucket-sharing", "trust", "assume-role"),
}


@pytest.mark.parametrize("tile", FITTING)
def test_a_form_offers_the_policies_that_fit_it_filled_in_in_four_ways_with_reasons(aws: Aws, tile: str) -> None:
    page = aws.site.ask(f"/add-connection/{tile}", "administrator").text
    assert tuple(re.findall(r'<option value="([\w-]+)" data-needs', page)) == FITTING[tile]
    for purpose in FITTING[tile]:
        form = {"bucket": "fernwick-billing", "purpose": purpose, **aws.access}
        said = _text(aws, f"/add-connection/{tile}/policy", form)
        for way in ("json", "terraform", "cloudformation", "cli"):
            assert f'id="way-{way}"' in said, (purpose, said)
        assert "Why each action is in it" in said
        needed = {
            "billing-delivery": aws.account,
            "trust": EXTERNAL_ID,
            "assume-role": aws.access["role_arn"],
            "bucket-sharing": "fernwick-billing",
        }
        assert needed.get(purpose, "outlay-reads-bills") in said


def test_the_trust_policy_has_the_external_id_and_whom_aws_says_outlay_is(aws: Aws, visit: Visit) -> None:
    page = visit(aws.site, "administrator", width=PHONE)
    page.goto("/add-connection/aws")
    external_id = page.get_by_label("External id", exact=True).input_value()
    assert external_id.startswith("outlay-")
    page.get_by_label("What it is for").select_option("billing-delivery")
    expect(page.get_by_label("Account id of the payer")).to_be_visible()
    expect(page.get_by_label("ARN that Outlay runs as")).to_be_hidden()
    page.get_by_label("What it is for").select_option("trust")
    expect(page.get_by_label("Account id of the payer")).to_be_hidden()
    page.get_by_role("button", name="Generate IAM Policy").click()
    text = page.locator("#way-json pre")
    expect(text).to_be_visible(timeout=PATIENCE)
    (statement,) = json.loads(text.inner_text())["Statement"]
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": [external_id]}}
    assert statement["Principal"] == {"AWS": ["arn:aws:iam::860513077401:user/outlay"]}
    page.get_by_text("Why each action is in it").click()
    expect(page.locator(".connections-reasons")).to_contain_text("Outlay gets credentials of the role")
    assert (axe(page), overflow(page)) == ([], [])
    page.get_by_role("tab", name="Terraform").click()
    with page.expect_download() as started:
        page.get_by_role("link", name="Download the Terraform").click()
    assert external_id in started.value.path().read_text()


def test_the_page_that_makes_an_export_offers_what_that_takes(aws: Aws) -> None:
    said = _text(aws, "/make-export/policy", {"bucket": "fernwick-made", **aws.access})
    assert "bcm-data-exports:CreateExport" in said
    delivery = {"bucket": "fernwick-made", "purpose": "billing-delivery", "policy_account": "0123", **aws.access}
    assert "has fewer digits than an account id" in _text(aws, "/make-export/policy", delivery)
    for broken in ('a"b', "a${b}", "a'b\nc"):
        assert "is not a bucket name" in _text(aws, "/make-export/policy", {"bucket": broken, **aws.access})
        trust = {**aws.access, "purpose": "trust", "policy_principal": broken}
        assert "is not the ARN of a role, a user or an account" in _text(aws, "/make-export/policy", trust)


# Made


def test_an_export_is_shown_made_and_waited_for(aws: Aws, visit: Visit) -> None:
    aws.standin.add_user(aws.account, "maker")
    more = statement("s3:*", "cur:*", "bcm-data-exports:*", "organizations:*")
    role = aws.standin.add_role(
        aws.account, "outlay-makes", more, trusts="arn:aws:iam::860513077401:root", external_id=EXTERNAL_ID
    )
    page = visit(aws.site, "administrator")
    page.goto("/make-export")
    aws.type_access(page)
    page.get_by_label("Role ARN").fill(role)
    page.get_by_label("Export name").fill("made-here")
    page.get_by_label("Bucket Name").fill("fernwick-made")
    page.get_by_label("Bucket Path").fill("outlay")
    page.get_by_label("Connection Name").fill("made")
    page.get_by_role("button", name="Show it").click()
    plan = page.locator("#plan")
    expect(plan.locator("[data-step]")).to_have_count(5, timeout=PATIENCE)
    expect(plan).to_contain_text("Make the bucket fernwick-made in us-east-1")
    plan.get_by_text("What AWS is asked").last.click()
    expect(plan).to_contain_text("line_item_resource_id")
    assert axe(page) == []
    assert overflow(page) == []
    assert "fernwick-made" not in _buckets(aws)
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("made", timeout=PATIENCE)
    expect(page.locator("[data-reason]")).to_contain_text("AWS delivers the first file within 24 hours.")
    expect(page.locator("[data-checklist=seen]")).to_contain_text("made-here", timeout=PATIENCE)
    expect(page.locator("[data-check=resource-ids]")).to_have_attribute("data-state", "done")
    expect(page.locator("[data-check=recent]")).to_have_attribute("data-state", "unseen")
    expect(page.locator("[data-check=versions]")).to_have_attribute("data-state", "missing")
    assert axe(page) == []
    assert "fernwick-made" in _buckets(aws)


def _buckets(aws: Aws) -> set[str]:
    return {each["Name"] for each in aws.standin.client("s3", aws.account).list_buckets()["Buckets"]}


def _wish(aws: Aws, **changes: str) -> dict[str, str]:
    """For a role that may make what is wished."""
    aws.standin.permit_role(
        aws.account, "outlay-reads-bills", statement("s3:*", "cur:*", "bcm-data-exports:*", "organizations:*")
    )
    wish = {"name": "waits", "export": "other", "bucket": "fernwick-billing", "path": "other", "new_bucket": "no"}
    return {**wish, **aws.access, **changes}


def test_nothing_is_made_without_the_mark_of_the_plan_that_was_shown(aws: Aws) -> None:
    answer = aws.site.ask("/make-export", "administrator", "POST", data=_wish(aws, mark="0" * 32))
    assert answer.status_code == 422
    assert "It is not what was shown before" in answer.text
    assert aws.standin.data_exports.named(aws.account, "other") is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"export": "a bill"}, "cannot be the name of an export"),
        ({"path": ""}, "root of the bucket"),
        ({"name": "Main Account"}, "cannot be the name of an AWS connection"),
        ({"bucket": "fernwick-nowhere"}, "There is no bucket fernwick-nowhere."),
        ({"export_kind": "focus-1.2", "split_cost": "yes"}, "no split cost allocation data in FOCUS"),
    ],
    ids=["export", "path", "name", "bucket", "split"],
)
def test_a_plan_that_cannot_be_is_told_with_the_reason(aws: Aws, changes: dict[str, str], said: str) -> None:
    assert said in _text(aws, "/make-export/plan", _wish(aws, **changes))


def test_a_linked_account_is_told_who_pays(aws: Aws) -> None:
    linked = next(iter(LINKED[aws.account]))
    key = aws.standin.add_user(linked, "somebody", statement("organizations:DescribeOrganization"))
    access = {"access": "key", "access_key_id": key.id, "secret_access_key": key.secret, "role_arn": ""}
    said = _text(aws, "/make-export/plan", _wish(aws, **access))
    assert f"{linked} is a linked account: {aws.account} pays for it" in said
    assert key.secret not in said


# Seen by others


@pytest.fixture(scope="module")
def connected(aws: Aws) -> str:
    """A connection that reads the hourly export, with a month brought in."""
    place = ("--location", "s3://fernwick-billing/exports", "--export", "hourly")
    access = ("--role-arn", aws.access["role_arn"], "--external-id", EXTERNAL_ID)
    aws.site.outlay("connections", "add", "aws", "connected", *place, *access)
    aws.site.outlay("ingest", "connected")
    return "connected"


def test_the_checklist_of_what_a_connection_reads_knows_its_tags(aws: Aws, connected: str) -> None:
    answer = aws.site.ask(f"/connections/{connected}/export", "viewer")
    assert answer.status_code == 200
    assert 'data-check="tags" data-state="done"' in answer.text
    assert 'data-check="payer" data-state="done"' in answer.text


def test_a_connection_that_moves_finds_exports_with_the_access_it_keeps(aws: Aws, connected: str) -> None:
    path = f"/connections/{connected}/move/exports"
    assert 'data-export="legacy"' in _text(aws, path, {"access": "keep"})
    assert "The role is missing." in _text(aws, path, {"access": "role"})


def test_an_export_that_is_gone_is_told_in_place_of_its_checklist(aws: Aws) -> None:
    place = ("--location", "s3://fernwick-billing/gone", "--export", "gone")
    access = ("--role-arn", aws.access["role_arn"], "--external-id", EXTERNAL_ID)
    aws.site.outlay("connections", "add", "aws", "gone", *place, *access)
    answer = aws.site.ask("/connections/gone/export", "viewer")
    assert answer.status_code == 200
    assert "AWS tells of no exports that lie at s3://fernwick-billing/gone." in answer.text


def test_the_api_lists_the_exports_for_tokens_that_may_write(aws: Aws, connected: str) -> None:
    told: Any = Api(aws.site, token(aws.site)).get(f"connections/{connected}/exports")
    assert {"legacy", "hourly", "narrow"} <= {each["name"] for each in told["exports"]}
    reading = Api(aws.site, token(aws.site, "viewer", "read")).ask(f"connections/{connected}/exports")
    assert reading.status_code == 403


def test_the_api_finds_and_makes_exports_by_an_access_that_is_sent(aws: Aws) -> None:
    api = Api(aws.site, token(aws.site))
    access = {name: value for name, value in aws.access.items() if name != "access"}
    found = api.ask("exports", "POST", json=access)
    assert found.status_code == 200, found.text
    assert {"legacy", "hourly", "narrow"} <= {each["name"] for each in found.json()["exports"]}
    role = aws.standin.add_role(
        aws.account,
        "outlay-makes-by-api",
        statement("s3:*", "cur:*", "bcm-data-exports:*", "organizations:*"),
        trusts="arn:aws:iam::860513077401:root",
        external_id=EXTERNAL_ID,
    )
    wish = {"export": "by-api", "bucket": "fernwick-by-api", "prefix": "outlay", "new_bucket": True}
    wish |= {"role_arn": role, "external_id": EXTERNAL_ID}
    planned = api.ask("exports/plan", "POST", json=wish)
    assert planned.status_code == 200, planned.text
    assert [each["step"] for each in planned.json()["steps"]] == ["bucket", "private", "encrypted", "policy", "export"]
    assert "fernwick-by-api" not in _buckets(aws)
    mark = planned.json()["mark"]
    for changes, status in (({"mark": "0" * 32}, 409), ({"mark": mark, "connection": "Not One"}, 422)):
        assert api.ask("exports/make", "POST", json={**wish, **changes}).status_code == status
    assert "fernwick-by-api" not in _buckets(aws)
    made = api.ask("exports/make", "POST", json={**wish, "mark": mark, "connection": "by-api"})
    assert (made.status_code, made.json()["connection"]) == (201, "by-api")
    assert aws.standin.data_exports.named(aws.account, "by-api") is not None
    shown = api.get("connections/by-api")
    assert (shown["location"], shown["export"], shown["role_arn"]) == ("s3://fernwick-by-api/outlay", "by-api", role)
    assert "AWS delivers the first file within 24 hours." in shown["reason"]


@pytest.mark.parametrize(
    ("access", "status", "said"),
    [
        ({"role_arn": "arn:aws:iam::041700259318:user/ada"}, 400, "it is that of a user"),
        ({"access_key_id": "short", "secret_access_key": "neither"}, 400, "That is no access key."),
        ({"profile": "nobody"}, 502, "no profile"),
        ({"access_of": "nowhere"}, 404, "There is no connection named"),
    ],
    ids=["user", "key", "profile", "connection"],
)
def test_an_access_that_does_not_do_is_refused_by_the_api(
    aws: Aws, access: dict[str, str], status: int, said: str
) -> None:
    answer = Api(aws.site, token(aws.site)).ask("exports", "POST", json=access)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["message"]
    assert "neither" not in answer.text
    reading = Api(aws.site, token(aws.site, "viewer", "read")).ask("exports", "POST", json=access)
    assert reading.status_code == 403
