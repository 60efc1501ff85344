"""The reports and exports that an account has, found over HTTP in the stand-in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from outlay.aws.exports import (
    KINDS,
    NEEDED,
    POINTS,
    TROUBLES,
    Found,
    FoundExport,
    billing_region,
    exports_found,
)
from outlay.aws.sessions import Credentials, Identity, Session, who_am_i
from outlay.errors import Denied, NotFound
from outlay.formats import cur_names, focus
from outlay.period import BillingPeriod
from tests.aws_standin.cur import CurApi
from tests.aws_standin.data_exports import CUR2, DataExportsApi
from tests.aws_standin.delivering import Refusal, deliver, fail
from tests.aws_standin.organisation import EXTERNAL_ID, LINKED, Organisation, bill, export, report
from tests.aws_standin.standin import statement

PERIOD, LAST = BillingPeriod(2026, 9), date(2026, 10, 20)
LISTS = ("cur:DescribeReportDefinitions", "bcm-data-exports:List*", "bcm-data-exports:Get*")


class Account:
    """Fernwick's management account, and what Outlay's role sees there."""

    def __init__(self, organisation: Organisation) -> None:
        self.standin, self.member = organisation.standin, organisation.fernwick
        self.session = Session(
            Credentials(
                role_arn=self.member.role_arn,
                external_id=EXTERNAL_ID,
                access_key=organisation.own_key.pair,
                endpoint=self.standin.endpoint,
                # Far from where the billing APIs are.
                region="eu-central-1",
            )
        )

    def report(self, name: str, **changes: Any) -> None:
        client = self.standin.client("cur", self.member.account)
        client.put_report_definition(ReportDefinition=report(name, self.member.bucket, **changes))

    def export(self, name: str, **changes: Any) -> str:
        client = self.standin.client("bcm-data-exports", self.member.account)
        arn: str = client.create_export(Export=export(name, self.member.bucket, **changes))["ExportArn"]
        return arn

    def found(self, **more: Any) -> Found:
        return exports_found(self.session, who_am_i(self.session), **more)

    def only(self, **more: Any) -> FoundExport:
        (one,) = self.found(**more).exports
        return one

    def deliver(self, name: str) -> None:
        deliver(self.standin, self.member.account, name, PERIOD, bill(self.member.payer, PERIOD, LAST)[:20])

    def fail(self, name: str, code: str, reason: str) -> None:
        fail(self.standin, self.member.account, name, code, reason)


@pytest.fixture
def account(organisation: Organisation) -> Account:
    return Account(organisation)


def points(export: FoundExport) -> dict[str, bool | None]:
    return {check.code: check.holds for check in export.checklist}


# What is there


def test_an_account_without_any_export_has_none(account: Account) -> None:
    assert account.found() == Found(())


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, {"granularity": "hourly", "format": "csv", "compression": "gzip", "versioning": "overwrite"}),
        (
            {"Format": "Parquet", "Compression": "Parquet", "ReportVersioning": "CREATE_NEW_REPORT"},
            {"format": "parquet", "compression": "snappy", "versioning": "new version"},
        ),
        ({"Compression": "ZIP", "TimeUnit": "DAILY"}, {"compression": "zip", "granularity": "daily"}),
        ({"TimeUnit": "MONTHLY"}, {"granularity": "monthly"}),
        ({"AdditionalSchemaElements": []}, {"resource_ids": False, "split_cost": False}),
        ({"AdditionalSchemaElements": ["RESOURCES", "SPLIT_COST_ALLOCATION_DATA"]}, {"split_cost": True}),
        ({"RefreshClosedReports": False}, {"refreshes_closed": False}),
        ({"prefix": "/a/b/"}, {"prefix": "a/b", "location": "s3://fernwick-billing/a/b"}),
        ({"prefix": ""}, {"prefix": "", "location": "s3://fernwick-billing"}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_legacy_report_is_shown_as_it_is_defined(
    account: Account, changes: dict[str, Any], wanted: dict[str, Any]
) -> None:
    account.report("daily", **changes)
    found = account.only()
    assert (found.name, found.kind, found.bucket) == ("daily", "legacy-cur", "fernwick-billing")
    assert (found.region, found.usable, found.last_delivery) == ("us-east-1", True, None)
    assert {name: getattr(found, name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, {"kind": "cur-2.0", "granularity": "hourly", "resource_ids": True, "split_cost": False}),
        ({}, {"format": "parquet", "compression": "snappy", "versioning": "overwrite", "refreshes_closed": True}),
        ({"parquet": False, "new": True}, {"format": "csv", "compression": "gzip", "versioning": "new version"}),
        ({"settings": {"INCLUDE_RESOURCES": "FALSE"}}, {"resource_ids": False}),
        ({"settings": {"INCLUDE_SPLIT_COST_ALLOCATION_DATA": "TRUE"}}, {"split_cost": True}),
        ({"settings": {"TIME_GRANULARITY": "DAILY"}}, {"granularity": "daily"}),
        (
            {"table": "FOCUS_1_2_AWS", "settings": {"TIME_GRANULARITY": "DAILY"}},
            {"kind": "focus-1.2", "resource_ids": True, "granularity": "daily"},
        ),
        ({"table": "FOCUS_1_0_AWS"}, {"kind": "focus-1.0", "granularity": ""}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_data_export_is_shown_as_it_is_defined(
    account: Account, changes: dict[str, Any], wanted: dict[str, Any]
) -> None:
    arn = account.export("export", **changes)
    found = account.only()
    assert (found.arn, found.location, found.usable) == (arn, "s3://fernwick-billing/exports", True)
    assert {name: getattr(found, name) for name in wanted} == wanted


def test_every_page_of_both_lists_is_read(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.aws_standin.data_exports.PAGE", 3)
    for number in range(7):
        account.report(f"report-{number}")
        account.export(f"export-{number}", table="FOCUS_1_2_AWS")
    names = [each.name for each in account.found().exports]
    assert names == [f"{kind}-{number}" for kind in ("report", "export") for number in range(7)]


def test_the_billing_apis_are_asked_in_their_region_whatever_the_sessions_is(account: Account) -> None:
    account.report("daily")
    assert account.session.credentials.region == "eu-central-1"
    assert [each.name for each in account.found().exports] == ["daily"]
    assert billing_region("aws-cn") == "cn-northwest-1"


# What Outlay makes of it


def test_what_is_no_bill_is_shown_and_cannot_be_used(account: Account) -> None:
    account.export("hints", table="COST_OPTIMIZATION_RECOMMENDATIONS")
    found = account.only()
    assert (found.kind, found.usable) == ("other", False)
    assert "COST_OPTIMIZATION_RECOMMENDATIONS" in found.why_not


@pytest.mark.parametrize("table", [CUR2, "FOCUS_1_0_AWS", "FOCUS_1_2_AWS"])
def test_a_query_that_leaves_out_a_needed_column_is_named_with_it(account: Account, table: str) -> None:
    *kept, left = NEEDED["cur-2.0" if table == CUR2 else "focus-1.2"]
    account.export("few", table=table, columns=kept)
    found = account.only()
    assert not found.usable
    assert f"leaves out {left}." in found.why_not


def test_a_column_under_another_name_is_missing_and_one_under_its_own_is_not(account: Account) -> None:
    names = [f"{name} AS cost" if name == "line_item_unblended_cost" else name for name in NEEDED["cur-2.0"]]
    account.export("renamed", query=f"select {', '.join(names)}\nfrom {CUR2}")
    assert "leaves out line_item_unblended_cost." in account.only().why_not


def test_the_needed_columns_are_those_that_the_formats_need() -> None:
    assert set(NEEDED["cur-2.0"]) == set(cur_names.REQUIRED)
    assert set(NEEDED["focus-1.2"]) == set(NEEDED["focus-1.0"]) == set(focus.REQUIRED)


def test_of_several_that_fit_none_is_picked(account: Account) -> None:
    account.export("hints", table="COST_OPTIMIZATION_RECOMMENDATIONS")
    account.export("cur2")
    found = account.found()
    assert found.only
    assert found.only.name == "cur2"
    account.report("daily")
    assert account.found().only is None
    assert [each.name for each in account.found().usable] == ["daily", "cur2"]


# The last delivery


def test_the_last_delivery_is_shown_with_its_status(account: Account) -> None:
    account.report("daily")
    account.export("cur2")
    for name in ("daily", "cur2"):
        account.deliver(name)
    for found, status in zip(account.found().exports, ("SUCCESS", "DELIVERY_SUCCESS"), strict=True):
        assert found.last_delivery
        assert timedelta(0) <= datetime.now(UTC) - found.last_delivery < timedelta(minutes=5)
        assert (found.last_status, found.last_reason, found.trouble) == (status, "", "")


@pytest.mark.parametrize("code", ["QUERY_FAILURE", "DELIVERY_FAILURE"])
@pytest.mark.parametrize(
    "reason", ["INSUFFICIENT_PERMISSION", "BILL_OWNER_CHANGED", "INTERNAL_FAILURE", "DEPRECATED", ""]
)
def test_a_failed_execution_is_told_with_its_reason_and_the_earlier_delivery_stays(
    account: Account, code: str, reason: str
) -> None:
    account.export("cur2")
    account.deliver("cur2")
    account.fail("cur2", code, reason)
    found = account.only()
    assert (found.last_status, found.last_reason) == (code, reason)
    assert found.trouble == TROUBLES[reason or code]
    assert found.last_delivery
    assert found.usable


def test_of_executions_in_any_order_the_newest_counts(account: Account) -> None:
    account.export("cur2")
    now = datetime.now(UTC)
    for days, code in ((1, "DELIVERY_SUCCESS"), (3, "QUERY_FAILURE"), (2, "DELIVERY_FAILURE")):
        account.standin.now = lambda days=days: now - timedelta(days=days)  # type: ignore[misc]
        account.fail("cur2", code, "")
    assert account.only().last_status == "DELIVERY_SUCCESS"


def test_a_bucket_that_shuts_aws_out_or_is_gone_is_told(account: Account) -> None:
    account.report("daily")
    account.standin.client("s3", account.member.account).delete_bucket_policy(Bucket=account.member.bucket)
    with pytest.raises(Refusal):
        account.deliver("daily")
    assert "may not write into the bucket" in account.only().trouble
    account.standin.remove_bucket(account.member.account, account.member.bucket)
    with pytest.raises(Refusal):
        account.deliver("daily")
    assert "bucket is gone" in account.only().trouble


def test_every_failure_that_aws_knows_has_its_words() -> None:
    executions = DataExportsApi(lambda: datetime.now(UTC)).model
    reasons = {*executions.shape_for("ExecutionStatusReason").enum, *CurApi().model.shape_for("LastStatus").enum}  # type: ignore[attr-defined]
    failures = {code for code in executions.shape_for("ExecutionStatusCode").enum if code.endswith("FAILURE")}  # type: ignore[attr-defined]
    assert (reasons | failures) - {"SUCCESS"} == set(TROUBLES)


# The checklist


def test_a_good_export_meets_every_point_that_can_be_seen(account: Account) -> None:
    account.export("cur2", new=True)
    account.deliver("cur2")
    seen = points(account.only())
    assert list(seen) == [point.code for point in POINTS]
    assert {code for code, holds in seen.items() if holds is not True} == {"tags"}
    assert seen["tags"] is None
    assert points(account.only(tags_seen=True))["tags"] is True
    assert points(account.only(tags_seen=False))["tags"] is False


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"AdditionalSchemaElements": []}, "resource-ids"),
        ({"TimeUnit": "MONTHLY"}, "granularity"),
        ({"RefreshClosedReports": False}, "closed-periods"),
        ({"ReportVersioning": "OVERWRITE_REPORT"}, "versions"),
        ({"BillingViewArn": "arn:aws:billing::041700259318:billingview/custom-1"}, "whole-bill"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_setting_that_takes_something_away_fails_its_point(
    account: Account, changes: dict[str, Any], code: str
) -> None:
    account.report("daily", **({"ReportVersioning": "CREATE_NEW_REPORT"} | changes))
    found = account.only()
    assert [check.code for check in found.checklist if check.holds is False] == [code]
    assert found.usable


def test_an_export_whose_query_leaves_rows_out_is_not_the_whole_bill(account: Account) -> None:
    columns = ", ".join(NEEDED["cur-2.0"])
    account.export("some", query=f"SELECT {columns} FROM {CUR2} WHERE line_item_line_item_type = 'Usage'")
    found = account.only()
    assert points(found)["whole-bill"] is False
    assert "WHERE line_item_line_item_type = 'Usage'" in found.limited
    assert found.usable


def test_deliveries_grow_old_after_36_hours_and_none_is_not_visible(account: Account) -> None:
    account.report("daily")
    assert points(account.only())["recent"] is None
    account.deliver("daily")
    delivered = account.only().last_delivery
    assert delivered
    for hours, holds in ((36, True), (37, False)):
        assert points(account.only(now=delivered + timedelta(hours=hours)))["recent"] is holds


def test_a_linked_accounts_export_is_not_the_payers_own(organisation: Organisation) -> None:
    standin, account = organisation.standin, next(iter(LINKED[organisation.fernwick.account]))
    standin.add_bucket(account, "linked-bills")
    standin.client("cur", account).put_report_definition(ReportDefinition=report("own", "linked-bills"))
    key = standin.add_user(account, "reader", statement(*LISTS, "organizations:DescribeOrganization"))
    session = Session(Credentials(access_key=key.pair, endpoint=standin.endpoint))
    (found,) = exports_found(session, who_am_i(session)).exports
    assert points(found)["payer"] is False
    unknown = Identity(account, f"arn:aws:iam::{account}:user/reader", "unknown")
    (found,) = exports_found(session, unknown).exports
    assert points(found)["payer"] is None


# What may not be seen


@pytest.mark.parametrize(
    ("denied", "seen"),
    [("cur:DescribeReportDefinitions", ["cur2"]), ("bcm-data-exports:ListExports", ["daily"])],
)
def test_a_list_that_is_denied_is_told_and_the_other_shown(account: Account, denied: str, seen: list[str]) -> None:
    account.report("daily")
    account.export("cur2")
    account.standin.deny(denied)
    found = account.found()
    assert [each.name for each in found.exports] == seen
    assert [error.action for error in found.denied] == [denied]
    assert found.only is None


def test_executions_that_are_denied_leave_the_status_blank_and_are_told_once(account: Account) -> None:
    for name in ("cur2", "other"):
        account.export(name)
        account.deliver(name)
    account.standin.deny("bcm-data-exports:ListExecutions")
    found = account.found()
    assert [error.action for error in found.denied] == ["bcm-data-exports:ListExecutions"]
    assert found.hidden == ()
    assert [(each.last_status, bool(each.last_delivery)) for each in found.exports] == [("", True)] * 2


def test_credentials_that_are_wrong_are_refused_and_not_taken_for_an_empty_account(account: Account) -> None:
    identity = who_am_i(account.session)
    account.standin.end_sessions()
    with pytest.raises(Denied) as told:
        exports_found(account.session, identity)
    assert told.value.reason == "session-ended"


def test_an_export_that_is_gone_is_told_with_those_that_are_there(account: Account) -> None:
    account.report("daily")
    account.export("cur2")
    account.standin.client("cur", account.member.account).delete_report_definition(ReportName="daily")
    found = account.found()
    assert found.named("cur2").name == "cur2"
    with pytest.raises(NotFound, match="'daily'; it has cur2") as told:
        found.named("daily")
    assert "stay" in told.value.next
    account.standin.deny("cur:DescribeReportDefinitions")
    with pytest.raises(NotFound, match="cur:DescribeReportDefinitions is not allowed"):
        account.found().named("daily")


def test_an_export_that_is_removed_while_it_is_read_is_left_out(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = account.export("cur2")
    account.export("stays")
    identity = who_am_i(account.session)
    api = account.standin.data_exports
    read = api.get_export

    def removed_meanwhile(account: str, parameters: dict[str, Any]) -> dict[str, Any]:
        api.exports[account].pop(arn, None)
        return read(account, parameters)

    monkeypatch.setattr(api, "get_export", removed_meanwhile)
    assert [each.name for each in exports_found(account.session, identity).exports] == ["stays"]


def test_each_kind_has_its_words() -> None:
    assert {*NEEDED, "legacy-cur", "other"} == set(KINDS)
