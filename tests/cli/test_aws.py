"""`outlay aws`: what it prints of an account in the stand-in. What AWS says is tested with `outlay.aws`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from outlay.aws.policies import Target, policy
from outlay.period import BillingPeriod
from tests.aws_standin.delivering import deliver, fail
from tests.aws_standin.organisation import EXTERNAL_ID, LINKED, Organisation, bill, export, report
from tests.aws_standin.standin import statement
from tests.cli.conftest import Outlay

PERIOD, LAST = BillingPeriod(2026, 9), date(2026, 9, 3)


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


@pytest.mark.parametrize(
    ("path", "offer"),
    [("exports/wrong", "s3://fernwick-billing/exports"), ("exports", ""), ("elsewhere/far", "")],
    ids=["a part too many", "right", "elsewhere"],
)
def test_adding_a_path_with_a_part_too_many_offers_the_right_one(
    outlay: Outlay, fernwick: Organisation, path: str, offer: str
) -> None:
    put(fernwick)
    rows = bill(fernwick.fernwick.payer, PERIOD, LAST)[:50]
    deliver(fernwick.standin, fernwick.fernwick.account, "hourly", PERIOD, rows)
    ran = outlay("connections", "add", "aws", "main", "--location", f"s3://fernwick-billing/{path}", *role(fernwick))
    assert ran.code == 0
    assert (f"at {offer} there is one" in ran.out) is bool(offer)
    assert outlay("connections", "show", "main").code == 0


# Made

MAKE = ("aws", "make-export", "bill", "--bucket", "fernwick-new", "--prefix", "outlay", "--new-bucket")


@pytest.fixture
def maker(fernwick: Organisation) -> Organisation:
    """The role has the policy that the docs tell, and may see the organisation."""
    document = policy("payer-automatic", Target("fernwick-new")).document()
    sees = statement("organizations:Describe*")
    fernwick.standin.permit_role(fernwick.fernwick.account, "outlay-reads-bills", *document["Statement"], sees)
    return fernwick


def buckets(organisation: Organisation) -> set[str]:
    found = organisation.standin.client("s3", organisation.fernwick.account).list_buckets()["Buckets"]
    return {each["Name"] for each in found}


def test_the_plan_is_shown_and_nothing_made_before_somebody_says_yes(outlay: Outlay, maker: Organisation) -> None:
    ran = outlay(*MAKE, *role(maker))
    assert ran.code == 2
    for said in ("1. Make the bucket fernwick-new in us-east-1.", "billingreports.amazonaws.com", "QueryStatement"):
        assert said in ran.out
    assert "Add --yes" in ran.err
    planned = outlay(*MAKE, *role(maker), "--json")
    assert (planned.code, planned.json["made"]) == (0, False)
    assert [each["there"] for each in planned.json["steps"]] == [False] * 5
    assert buckets(maker) == {"fernwick-billing"}


def test_an_export_is_made_connected_and_waits_for_its_first_file(
    outlay: Outlay, maker: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = outlay(*MAKE, *role(maker), "--connect", "main", "--yes")
    assert (ran.code, ran.err) == (0, "")
    assert "AWS delivers the first file within 24 hours." in ran.out
    told = outlay("aws", "exports", "main", "--json").json
    assert [each["name"] for each in told["exports"]] == ["bill"]
    shown = outlay("connections", "show", "main", "--json").json
    assert (shown["location"], shown["export"], shown["status"]) == ("s3://fernwick-new/outlay", "bill", "pending-data")
    assert "AWS delivers the first file within 24 hours." in shown["reason"]
    assert outlay("ingest", "main").code == 0
    assert "AWS has not run it yet." in outlay("connections", "show", "main", "--json").json["reason"]
    fail(maker.standin, maker.fernwick.account, "bill", "DELIVERY_FAILURE", "INSUFFICIENT_PERMISSION")
    assert outlay("ingest", "main").code == 0
    later(outlay)
    reason = outlay("connections", "show", "main", "--json").json["reason"]
    assert "and they have passed. AWS says of its last run: DELIVERY_FAILURE, INSUFFICIENT_PERMISSION." in reason
    assert "Put AWS's billing services into its policy" in reason


def later(outlay: Outlay) -> None:
    """As if it had been made 25 hours ago."""
    import outlay as installation
    from outlay.state.models import Connection

    with installation.open() as o:
        assert o.connection("main").row.export_arn
        Connection.objects.update(export_made_at=datetime.now(UTC) - timedelta(hours=25))


def test_a_connection_that_cannot_be_is_told_before_anything_is_made(outlay: Outlay, maker: Organisation) -> None:
    ran = outlay(*MAKE, *role(maker), "--connect", "Main Account", "--yes")
    assert ran.code == 2
    assert "cannot be the name of an AWS connection" in ran.err
    assert buckets(maker) == {"fernwick-billing"}


def test_made_again_it_is_there_already(outlay: Outlay, maker: Organisation) -> None:
    maker.standin.deny("bcm-data-exports:CreateExport")
    failed = outlay(*MAKE, *role(maker), "--yes")
    assert (failed.code, failed.out.count("done: ")) == (1, 4)
    assert "bcm-data-exports:CreateExport" in failed.err
    maker.standin.allow("bcm-data-exports:CreateExport")
    assert outlay(*MAKE, *role(maker), "--yes").code == 0
    existing = [word for word in MAKE if word != "--new-bucket"]
    ran = outlay(*existing, *role(maker), "--yes", "--json")
    assert (ran.code, [each["there"] for each in ran.json["steps"]]) == (0, [True, True])


def test_a_linked_account_is_told_that_it_cannot(
    outlay: Outlay, maker: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = next(iter(LINKED[maker.fernwick.account]))
    key = maker.standin.add_user(linked, "somebody", statement("s3:*", "organizations:DescribeOrganization"))
    for name, value in key.environ.items():
        monkeypatch.setenv(name, value)
    ran = outlay(*MAKE, "--yes")
    assert ran.code == 2
    assert f"{linked} is a linked account: {maker.fernwick.account} pays for it" in " ".join(ran.err.split())


def test_of_a_legacy_report_the_last_delivery_is_told_where_it_waits(outlay: Outlay, maker: Organisation) -> None:
    assert outlay(*MAKE, "--kind", "legacy-cur", *role(maker), "--connect", "main", "--yes").code == 0
    assert outlay("ingest", "main").code == 0
    reason = outlay("connections", "show", "main", "--json").json["reason"]
    assert reason.endswith("AWS delivers the first file within 24 hours.")
    maker.standin.cur.set_status(maker.fernwick.account, "bill", "ERROR_PERMISSIONS", datetime.now(UTC))
    assert outlay("ingest", "main").code == 0
    reason = outlay("connections", "show", "main", "--json").json["reason"]
    assert "AWS says of its last delivery: ERROR_PERMISSIONS. AWS may not write into the bucket." in reason


# Mistakes

PLACE = ("--location", "s3://fernwick-billing/cur")
ROLE_OF = "arn:aws:iam::012345678901"


@pytest.mark.parametrize(
    ("words", "said", "then"),
    [
        (("main", "--location", "s3://Daily_CUR/cur"), "not a bucket name", "If it is the name of a report or export"),
        (("main", "--location", "s3://daily cur/cur"), "not a bucket name", "If it is the name of a report or export"),
        (("main", "--location", "s3:///cur"), "The bucket has no name", "without s3://"),
        (("Main Account", *PLACE), "cannot be the name of an AWS connection", "without spaces and periods"),
        (("main.payer", *PLACE), "cannot be the name of an AWS connection", "without spaces and periods"),
        (
            ("main", *PLACE, "--role-arn", f"{ROLE_OF}:user/ada"),
            "it is that of a user",
            "Make a role that the user may assume",
        ),
        (
            ("main", *PLACE, "--role-arn", "arn:aws:iam::12345678901:role/x"),
            "does not have 12 digits",
            "Zeros in front",
        ),
        (("main", *PLACE, "--role-arn", "012345678901"), "it is an account id", "at the top of the role's page"),
        (
            ("main", *PLACE, "--role-arn", f"{ROLE_OF}:role/a b"),
            "it holds blanks",
            "Paste the ARN alone",
        ),
        (("main", *PLACE, "--external-id", "x"), "2 to 1,224 characters", "the role's trust policy"),
    ],
    ids=["report", "blank", "none", "name", "period", "user", "short", "account", "blanks", "external id"],
)
def test_a_mistake_is_named_before_anything_is_asked(
    outlay: Outlay, fernwick: Organisation, words: tuple[str, ...], said: str, then: str
) -> None:
    fernwick.standin.server.observed.requests.clear()
    ran = outlay("connections", "add", "aws", *words)
    assert ran.code == 2
    told = " ".join(ran.err.split())
    assert said in told
    assert then in told
    assert fernwick.standin.server.observed.requests == []


def test_what_aws_denies_a_new_connection_is_told_with_how_long_that_may_take(
    outlay: Outlay, fernwick: Organisation
) -> None:
    fernwick.standin.deny("s3:ListBucket")
    ran = outlay("connections", "add", "aws", "main", *PLACE, *role(fernwick))
    told = " ".join(ran.out.split())
    assert ran.code == 0
    assert "the credentials may not do s3:ListBucket" in told
    assert "New permissions take about 5 minutes to work. next:" in told
    assert "next: outlay ingest main, in a minute" in told
    assert outlay("connections", "show", "main", "--json").json["status"] == "pending-data"
    outlay("ingest", "main")
    shown = outlay("connections", "show", "main", "--json").json
    assert (shown["status"], "up to 5 minutes" in shown["reason"]) == ("pending-data", True)
