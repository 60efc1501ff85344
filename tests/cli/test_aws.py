"""`outlay aws`: what it prints of an account in the stand-in. What AWS says is tested with `outlay.aws`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aws_standin.organisation import EXTERNAL_ID, Organisation, export, report
from tests.cli.conftest import Outlay


@pytest.fixture
def fernwick(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> Organisation:
    """Outlay runs with its own user's key, which may assume the role of the payer."""
    for name, value in {**organisation.own_key.environ, "AWS_ENDPOINT_URL": organisation.standin.endpoint}.items():
        monkeypatch.setenv(name, value)
    return organisation


def role(organisation: Organisation) -> tuple[str, ...]:
    return ("--role-arn", organisation.fernwick.role_arn, "--external-id", EXTERNAL_ID)


def put(organisation: Organisation, *, name: str = "hourly", **changes: Any) -> None:
    member = organisation.fernwick
    client = organisation.standin.client("bcm-data-exports", member.account)
    client.create_export(Export=export(name, member.bucket, **changes))


def put_report(organisation: Organisation, **changes: Any) -> None:
    member = organisation.fernwick
    client = organisation.standin.client("cur", member.account)
    client.put_report_definition(ReportDefinition=report("legacy", member.bucket, **changes))


def test_an_account_without_exports_is_told_how_to_get_one(outlay: Outlay, fernwick: Organisation) -> None:
    ran = outlay("aws", "exports", *role(fernwick))
    assert (ran.code, ran.err) == (0, "")
    assert fernwick.fernwick.account in ran.out
    assert "It has no report and no export." in ran.out
    assert "it pays for all of them" in ran.out


def test_each_export_is_listed_with_what_it_is_and_its_checklist(
    outlay: Outlay, fernwick: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "220")
    put_report(fernwick)
    put(fernwick)
    put(fernwick, name="narrow", columns=["bill_payer_account_id"])
    ran = outlay("aws", "exports", *role(fernwick))
    assert ran.code == 0
    for said in ("legacy Cost and Usage Report", "CUR 2.0", "s3://fernwick-billing/cur", "none yet", "not visible"):
        assert said in " ".join(ran.out.split())
    assert "Its query leaves out bill_payer" not in ran.out
    assert "Its query leaves out line_item_usage_account_id" in ran.out


def test_the_json_tells_the_same_and_nulls_what_is_not_known(outlay: Outlay, fernwick: Organisation) -> None:
    put(fernwick)
    told = outlay("aws", "exports", *role(fernwick), "--json").json
    assert (told["account"], told["standing"], told["denied"]) == (fernwick.fernwick.account, "payer", [])
    (one,) = told["exports"]
    assert (one["kind"], one["usable"], one["why_not"], one["last_delivery"]) == ("cur-2.0", True, None, None)
    assert {each["code"]: each["holds"] for each in one["checklist"]}["tags"] is None


def test_a_permission_that_is_missing_is_told_beside_what_is_seen(outlay: Outlay, fernwick: Organisation) -> None:
    put(fernwick)
    fernwick.standin.deny("cur:DescribeReportDefinitions")
    ran = outlay("aws", "exports", *role(fernwick))
    assert ran.code == 0
    assert "may not do cur:DescribeReportDefinitions" in ran.out
    assert "hourly" in ran.out


def test_a_connection_lends_its_access(outlay: Outlay, fernwick: Organisation) -> None:
    put(fernwick)
    place = f"s3://{fernwick.fernwick.bucket}/exports"
    assert outlay("connections", "add", "aws", "main", "--location", place, *role(fernwick)).code == 0
    told = outlay("aws", "exports", "main", "--json").json
    assert [each["name"] for each in told["exports"]] == ["hourly"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("main", "--profile", "payer"), 2, "Both main and an access of its own"),
        (("--role-arn", "outlay"), 2, "it is a role's name alone"),
        (("--profile", "nobody"), 1, "no profile"),
        ((), 1, "No AWS credentials were found"),
        (("nowhere",), 2, "There is no connection named 'nowhere'"),
    ],
    ids=["both", "no role", "no profile", "nothing", "no connection"],
)
def test_access_that_is_none_is_refused_with_the_next_action(
    outlay: Outlay, words: tuple[str, ...], code: int, said: str
) -> None:
    ran = outlay("aws", "exports", *words)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert "next:" in ran.err or "Next:" in ran.err


def test_a_connection_of_a_folder_has_no_access_to_lend(outlay: Outlay, tmp_path: Any) -> None:
    place = tmp_path / "bills"
    place.mkdir()
    outlay("connections", "add", "focus", "acme", "--location", str(place))
    ran = outlay("aws", "exports", "acme")
    assert ran.code == 2
    assert "does not read from S3" in ran.err
