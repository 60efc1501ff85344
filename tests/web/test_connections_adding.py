"""Adding connections in a browser: each kind with good and bad values, the test, the policy, and no secret shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from outlay.demo import SampleBill, write
from outlay.storage import open_place
from tests.cli.drops import Drops
from tests.services.azure import ACCOUNT, AzureContainer, AzureServer
from tests.services.s3 import ACCESS_KEY, REGION, SECRET_KEY, S3Server
from tests.web.conftest import Visit
from tests.web.pages import PHONE, WIDE, axe, overflow
from tests.web.sites import Home, Site, serving

BUCKET = "acme-billing"
# Azure's, and one that moto keeps under its name: of Google's client it does not decode the hyphens of a bucket.
CONTAINER, GOOGLE_BUCKET = "acme-container", "acmebilling"
KEY_ID, SECRET = "AKIAEXAMPLEEXAMPLE42", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYverysecretKEY"
ROLE = "arn:aws:iam::123456789012:role/finance/outlay-reader"


@dataclass(frozen=True)
class Cloud:
    """A site whose AWS is on loopback, with a month of sample bills in a bucket and in a folder."""

    site: Site
    bills: Mapping[str, SampleBill]
    folder: Path


@pytest.fixture(scope="module")
def cloud(bare: Home, s3_server: S3Server, azure_server: AzureServer) -> Iterator[Cloud]:
    """Google Cloud Storage is moto's server, too: its client speaks S3's own XML."""
    bare.put_back()
    folder = bare.folder / "bills"
    bills = {bill.name: bill for bill in write(folder, months=1)}
    client = s3_server.client("s3")
    client.create_bucket(Bucket=BUCKET)
    for file in sorted(each for each in folder.rglob("*") if each.is_file()):
        client.put_object(Bucket=BUCKET, Key=str(file.relative_to(folder)), Body=file.read_bytes())
    environ = {
        "AWS_ENDPOINT_URL": s3_server.endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "GOOGLE_BASE_URL": s3_server.endpoint,
        "GOOGLE_SKIP_SIGNATURE": "true",
        **AzureContainer(CONTAINER, ACCOUNT, azure_server.key, azure_server.endpoint).environ,
    }
    azure_server.create_container(CONTAINER)
    client.create_bucket(Bucket=GOOGLE_BUCKET)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        for place in (f"az://{CONTAINER}/drops", f"s3://{GOOGLE_BUCKET}/drops"):
            Drops(open_place(place), folder).drop("2026-06", ["100", "20"])
    for each in client.list_objects_v2(Bucket=GOOGLE_BUCKET)["Contents"]:
        # Google's client does not sign here.
        client.put_object_acl(Bucket=GOOGLE_BUCKET, Key=each["Key"], ACL="public-read")
    with serving(bare, environ) as site:
        yield Cloud(site, bills, folder)


def _says(page: Page, label: str, value: str, wrong: str) -> None:
    """A field says what is wrong with a value while it is typed."""
    page.get_by_label(label, exact=True).fill(value)
    expect(page.locator(".connections-field", has=page.get_by_label(label, exact=True))).to_contain_text(wrong)


def _is_quiet(page: Page, label: str, value: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(value)
    said = page.locator(".connections-field", has=field).locator(".invalid-feedback")
    expect(said).to_have_count(0)
    expect(field).not_to_have_attribute("aria-invalid", "true")


def _tried(page: Page) -> dict[str, str]:
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("[data-test-result]")).to_be_visible(timeout=30_000)
    steps = page.locator("[data-step]")
    return {
        str(step.get_attribute("data-step")): str(step.get_attribute("data-state"))
        for step in (steps.nth(number) for number in range(steps.count()))
    }


DONE = dict.fromkeys(("name", "access", "list", "layout", "periods", "bill"), "done")


def test_an_anycost_bucket_is_checked_as_one_types_tested_and_saved(cloud: Cloud, visit: Visit) -> None:
    page = visit(cloud.site, "administrator")
    page.goto("/connections")
    page.get_by_role("link", name="Add connection").first.click()
    page.get_by_role("link", name="Get started with AnyCost Bucket").click()
    for value in ("simple cloud", "simple.cloud"):
        _says(page, "Connection Name", value, "letters, digits, hyphens and underscores only")
    _is_quiet(page, "Connection Name", "simple-cloud_prod")
    for hours in ("1.5", "daily"):
        _says(page, "Expected Data Delivery Frequency", hours, "not a whole number of hours")
    _is_quiet(page, "Expected Data Delivery Frequency", "24")
    for bucket, rule in (
        ("ab", "3 to 63 characters"),
        ("Acme", "lower-case letters"),
    ):
        _says(page, "Bucket Name", bucket, rule)
    _is_quiet(page, "Bucket Name", BUCKET)
    path = cloud.bills["simple-cloud"].location
    _says(page, "Bucket Path", f"/{path}", "begins or ends with a slash")
    _says(page, "Bucket Path", "/", "root of the bucket")
    _is_quiet(page, "Bucket Path", path)
    _says(page, "Role ARN", "arn:aws:iam::12:role/x", "not the ARN of a role")
    _is_quiet(page, "Role ARN", ROLE)
    _is_quiet(page, "Cloud Provider", "Simple Cloud")
    assert _tried(page) == DONE, page.locator("#test").inner_text()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("simple-cloud_prod")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pending Data")
    expect(page.locator("[data-access-said]")).to_contain_text(ROLE)
    row = next(each for each in cloud.site.outlay("connections", "list") if each["name"] == "simple-cloud_prod")
    assert row["location"] == f"s3://{BUCKET}/{path}"
    assert row["cloud_provider"] == "Simple Cloud"


def test_a_form_that_is_sent_with_faults_is_refused_by_the_server_and_keeps_what_was_typed(
    cloud: Cloud, visit: Visit
) -> None:
    page = visit(cloud.site, "administrator")
    page.goto("/add-connection/anycost")
    page.get_by_label("Connection Name", exact=True).fill("no spaces please")
    page.get_by_label("Bucket Name", exact=True).fill(BUCKET)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#field_cloud_provider")).to_contain_text("name of its cloud provider")
    expect(page.locator("#field_name")).to_contain_text("cannot be the name")
    expect(page.locator("#field_path")).to_contain_text("root of the bucket")
    expect(page.locator("#field_role_arn")).to_contain_text("The role is missing")
    expect(page.get_by_label("Bucket Name", exact=True)).to_have_value(BUCKET)
    assert axe(page) == []


def test_the_policy_is_for_that_bucket_alone_and_says_whose_it_is(cloud: Cloud, visit: Visit) -> None:
    page = visit(cloud.site, "administrator")
    page.goto("/add-connection/anycost")
    page.get_by_role("button", name="Generate IAM Policy").click()
    expect(page.locator("#policy")).to_contain_text("The bucket has no name")
    page.get_by_label("Bucket Name", exact=True).fill(BUCKET)
    page.get_by_label("Role ARN", exact=True).fill(ROLE)
    page.get_by_role("button", name="Generate IAM Policy").click()
    expect(page.locator("#policy")).to_contain_text("the role outlay-reader")
    document = json.loads(page.locator("#way-json pre").inner_text())
    (statement,) = document["Statement"]
    assert statement["Action"] == ["s3:Get*", "s3:List*"]
    assert statement["Resource"] == [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    for way, said in (("Terraform", "aws_iam_role_policy"), ("CloudFormation", "AWS::IAM::RolePolicy")):
        page.get_by_role("tab", name=way).click()
        expect(page.get_by_role("tabpanel", name=way).locator("pre")).to_contain_text(said)
    page.get_by_role("tab", name="AWS CLI").click()
    with page.expect_download() as started:
        page.get_by_role("link", name="Download the AWS CLI").click()
    text = started.value.path().read_text()
    assert "aws iam put-role-policy" in text
    assert "--role-name outlay-reader" in text


def test_an_access_key_is_never_shown_again(cloud: Cloud, visit: Visit) -> None:
    bill = cloud.bills["fernwick-aws"]
    page = visit(cloud.site, "administrator")
    page.goto("/add-connection/aws")
    page.get_by_label("Connection Name", exact=True).fill("payer")
    page.get_by_label("Bucket Name", exact=True).fill(BUCKET)
    page.get_by_label("Bucket Path", exact=True).fill(bill.location)
    page.get_by_label("Cost & Usage Report Name").fill(bill.export or "")
    page.get_by_label("Use an access key").check()
    expect(page.get_by_label("Role ARN", exact=True)).to_be_hidden()
    _says(page, "Access key id", "not a key", "That is no access key")
    page.get_by_label("Access key id", exact=True).fill(KEY_ID)
    page.get_by_label("Secret access key", exact=True).fill(SECRET)
    assert _tried(page) == DONE, page.locator("#test").inner_text()
    seen = [page.content()]
    page.get_by_label("Connection Name", exact=True).fill("Not For AWS")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#field_name")).to_contain_text("lower-case letters")
    seen.append(page.content())
    page.get_by_label("Connection Name", exact=True).fill("payer")
    page.get_by_label("Secret access key", exact=True).fill(SECRET)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-access-said]")).to_have_text("access key …LE42")
    for path in ("/connections/payer", "/connections/payer/edit", "/connections", "/connections/payer/move"):
        page.goto(path)
        seen.append(page.content())
        assert KEY_ID not in seen[-1], path
    assert not any(SECRET in text for text in seen)
    assert SECRET not in cloud.site.log.read_text()
    assert SECRET.encode() not in (cloud.site.home.home / "state.db").read_bytes()
    # An AnyCost bucket may use its access.
    page.goto("/add-connection/anycost")
    page.get_by_label("Use the access of an AWS connection").check()
    page.get_by_label("AWS connection", exact=True).select_option("payer")
    page.get_by_label("Cloud Provider", exact=True).fill("Simple Cloud")
    page.get_by_label("Connection Name", exact=True).fill("borrower")
    page.get_by_label("Bucket Name", exact=True).fill(BUCKET)
    page.get_by_label("Bucket Path", exact=True).fill(cloud.bills["simple-cloud"].location)
    assert _tried(page) == DONE, page.locator("#test").inner_text()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-access-said]")).to_have_text("that of payer")


def test_a_focus_export_is_read_with_the_servers_own_credentials(cloud: Cloud, visit: Visit) -> None:
    page = visit(cloud.site, "administrator")
    page.goto("/add-connection/focus")
    page.get_by_label("Connection Name", exact=True).fill("nordlicht-bucket")
    page.get_by_label("Bucket Name", exact=True).fill(BUCKET)
    page.get_by_label("Bucket Path", exact=True).fill(cloud.bills["nordlicht"].location)
    page.get_by_label("Use this server's own AWS credentials").check()
    assert _tried(page) == DONE, page.locator("#test").inner_text()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-access-said]")).to_have_text("this server's own AWS credentials")


@pytest.mark.parametrize(
    ("scheme", "storage", "label", "wrong", "rule", "bucket", "access"),
    [
        (
            *("az", "Azure Blob Storage", "Container Name", "acme--bills", "no two hyphens in a row", CONTAINER),
            "this server's own Azure credentials",
        ),
        (
            *("gs", "Google Cloud Storage", "Bucket Name", "google-bills", "Google keeps names", GOOGLE_BUCKET),
            "this server's own Google Cloud credentials",
        ),
    ],
    ids=["azure", "google"],
)
def test_bills_of_azure_and_google_cloud_are_checked_tested_and_saved(
    cloud: Cloud, visit: Visit, scheme: str, storage: str, label: str, wrong: str, rule: str, bucket: str, access: str
) -> None:
    page = visit(cloud.site, "administrator")
    page.goto("/add-connection/anycost")
    # Good on S3: what was typed is checked anew for the storage that is chosen.
    page.get_by_label("Bucket Name", exact=True).fill(wrong)
    page.get_by_label("Storage", exact=True).select_option(storage)
    expect(page.locator("#field_bucket")).to_contain_text(rule)
    expect(page.get_by_role("button", name="Generate IAM Policy")).to_be_hidden()
    expect(page.get_by_label("Role ARN", exact=True)).to_be_hidden()
    expect(page.get_by_text("Read with this server's own")).to_have_count(2)
    expect(page.locator(f"[data-storage-of={scheme}]")).to_be_visible()
    _says(page, label, f"{scheme}://{bucket}", "is an address")
    _is_quiet(page, label, bucket)
    _says(page, "Bucket Path", "/drops", "begins or ends with a slash")
    page.get_by_label("Cloud Provider", exact=True).fill("Simple Cloud")
    page.get_by_label("Connection Name", exact=True).fill(f"by-{scheme}")
    page.get_by_label("Bucket Path", exact=True).fill("nothing/here")
    assert _tried(page)["list"] == "failed"
    expect(page.locator("[data-step=list]")).to_contain_text("holds no files")
    page.get_by_label("Bucket Path", exact=True).fill("drops")
    page.locator("[data-test-result]").evaluate("each => each.remove()")
    assert _tried(page) == DONE, page.locator("#test").inner_text()
    expect(page.locator("[data-step=access]")).to_contain_text("This server's own")
    expect(page.locator("#test")).to_contain_text("2026-06")
    assert axe(page) == []
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-access-said]")).to_have_text(access)
    row = next(each for each in cloud.site.outlay("connections", "list") if each["name"] == f"by-{scheme}")
    assert row["location"] == f"{scheme}://{bucket}/drops"
    said = {"name": "other", "cloud_provider": "X", "storage": scheme, "bucket": wrong, "path": "drops"}
    answer = cloud.site.ask("/add-connection/anycost", "administrator", "POST", data=said)
    assert (answer.status_code, rule in answer.text) == (422, True)
    # It can go on in another bucket of the same cloud.
    page.goto(f"/connections/by-{scheme}/move")
    expect(page.get_by_label("Storage", exact=True)).to_have_value(scheme)
    expect(page.get_by_label(label, exact=True)).to_be_visible()


def test_a_test_says_which_step_failed_and_what_to_do(cloud: Cloud, visit: Visit) -> None:
    page = visit(cloud.site, "administrator")
    page.goto("/add-connection/anycost")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("#test")).to_contain_text("Not tried yet")
    page.get_by_label("Use this server's own AWS credentials").check()
    page.get_by_label("Bucket Path", exact=True).fill("nothing/here")
    page.get_by_label("Bucket Name", exact=True).fill("no-such-bucket-anywhere")
    assert _tried(page) == DONE | {"list": "failed", "layout": "skipped", "periods": "skipped", "bill": "skipped"}
    expect(page.locator("[data-step=list]")).to_contain_text("does not exist")
    page.get_by_label("Bucket Name", exact=True).fill(BUCKET)
    page.locator("[data-test-result]").evaluate("each => each.remove()")
    assert _tried(page)["list"] == "failed"
    expect(page.locator("[data-step=list]")).to_contain_text("holds no files")
    page.get_by_label("Bucket Path", exact=True).fill(cloud.bills["nordlicht"].location)
    page.locator("[data-test-result]").evaluate("each => each.remove()")
    assert _tried(page) == DONE | {"layout": "failed", "periods": "skipped", "bill": "skipped"}
    assert cloud.site.outlay("connections", "list") is not None


def test_a_folder_is_taken_only_from_within_what_the_installation_allows(
    cloud: Cloud, visit: Visit, tmp_path: Path
) -> None:
    root = cloud.site.home.folder
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "way-out").symlink_to(outside)
    (root / "circle").symlink_to(root / "circle")
    (cloud.folder / "way-in").symlink_to(cloud.folder / cloud.bills["simple-cloud"].location)
    page = visit(cloud.site, "administrator")
    page.goto("/add-connection/folder")
    for path, wrong in (
        (str(outside), "lies outside the folders"),
        ("/etc", "lies outside the folders"),
        ("/etc/no-such-folder-at-all", "lies outside the folders"),
        (f"{root}/../{outside.name}", "lies outside the folders"),
        (f"{root}-at-first", "lies outside the folders"),
        (f"file://{root}/%2e%2e/outside", "is no folder on this server"),
        (f"{root}/way-out", "lies outside the folders"),
        (f"{root}/circle", "folder"),
        (f"{root}/bills/nowhere", "is no folder on this server"),
        ("~root", "whole path"),
        ("bills", "whole path"),
        ("s3://bucket/path", "whole path"),
    ):
        _says(page, "Folder", path, wrong)
    page.get_by_label("Cloud Provider", exact=True).fill("Simple Cloud")
    page.get_by_label("Connection Name", exact=True).fill("from-a-folder")
    _is_quiet(page, "Folder", f"{cloud.folder}/way-in")
    assert _tried(page) == DONE, page.locator("#test").inner_text()
    page.get_by_role("button", name="Save").click()
    # The folder itself is kept, not the link: that may lead elsewhere tomorrow.
    real = (cloud.folder / cloud.bills["simple-cloud"].location).resolve()
    expect(page.locator("main")).to_contain_text(f"file://{real}")
    expect(page.locator("[data-access-said]")).to_have_text("none needed")
    answer = cloud.site.ask(
        "/add-connection/folder", "administrator", "POST", data={"name": "x", "kind": "focus", "folder": "/etc"}
    )
    assert answer.status_code == 422
    assert not any(each["name"] == "x" for each in cloud.site.outlay("connections", "list"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_forms_are_accessible_and_fit(cloud: Cloud, visit: Visit, width: int, theme: str) -> None:
    page = visit(cloud.site, "administrator", width=width, theme=theme)
    for tile in ("anycost", "aws", "focus", "folder"):
        page.goto(f"/add-connection/{tile}")
        if tile != "folder":
            page.get_by_label("Bucket Name", exact=True).fill(BUCKET)
            page.get_by_role("button", name="Generate IAM Policy").click()
            expect(page.locator("#policy pre").first).to_be_visible()
        assert (tile, axe(page), overflow(page)) == (tile, [], [])


@pytest.fixture(scope="module")
def plain(bare: Home) -> Iterator[Site]:
    """For the last tests: a site without folders and without any cloud, on the same home."""
    bare.put_back()
    with serving(bare, {"OUTLAY_FOLDERS": ""}) as site:
        yield site


def test_a_test_of_azure_without_an_account_says_who_names_it(plain: Site) -> None:
    said = {"storage": "az", "bucket": CONTAINER, "path": "drops", "name": "x", "cloud_provider": "X"}
    said |= {"currency": "USD", "check_every": "60"}
    answer = plain.ask("/add-connection/anycost/test", "administrator", "POST", data=said)
    assert "AZURE_STORAGE_ACCOUNT_NAME" in answer.text
    assert answer.text.count('data-state="skipped"') == 5


def test_without_allowed_folders_there_is_no_way_to_one(plain: Site) -> None:
    assert "OUTLAY_FOLDERS" in plain.ask("/add-connection", "administrator").text
    said = {"name": "x", "kind": "focus", "folder": str(plain.home.folder)}
    answer = plain.ask("/add-connection/folder", "administrator", "POST", data=said)
    assert answer.status_code == 422
    assert re.search("connects no folders", answer.text)
