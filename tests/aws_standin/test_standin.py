"""The stand-in itself: plain boto3 clients against it, over HTTP."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import obstore
import pytest
from botocore.exceptions import ClientError
from obstore.store import S3Store

from outlay.demo.ledger import invoice_total, number
from outlay.period import BillingPeriod
from tests.aws_standin.data_exports import CUR2, PROPERTIES
from tests.aws_standin.delivering import Refusal, deliver, fail
from tests.aws_standin.focus_rows import focus_rows
from tests.aws_standin.organisation import LINKED, OUTLAY_ACCOUNT, PAYERS, Member, Organisation, bill, export, report
from tests.aws_standin.standin import Key, StandIn, statement
from tests.services.s3 import REGION, Request

PERIOD, LAST = BillingPeriod(2026, 9), date(2026, 10, 20)
ACCOUNT = "041700259318"


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def cur(organisation: Organisation) -> Any:
    return organisation.standin.client("cur", organisation.fernwick.account)


def exports(organisation: Organisation) -> Any:
    return organisation.standin.client("bcm-data-exports", organisation.fernwick.account)


def test_a_report_is_made_described_modified_and_deleted(organisation: Organisation) -> None:
    client, wanted = cur(organisation), report("daily", organisation.fernwick.bucket)
    client.put_report_definition(ReportDefinition=wanted)
    (found,) = client.describe_report_definitions()["ReportDefinitions"]
    assert found == wanted | {"AdditionalArtifacts": []}
    client.modify_report_definition(ReportName="daily", ReportDefinition=wanted | {"TimeUnit": "DAILY"})
    assert client.describe_report_definitions()["ReportDefinitions"][0]["TimeUnit"] == "DAILY"
    client.delete_report_definition(ReportName="daily")
    assert client.describe_report_definitions()["ReportDefinitions"] == []


def test_reports_come_five_to_a_page_and_ten_at_most(organisation: Organisation) -> None:
    client, bucket = cur(organisation), organisation.fernwick.bucket
    for each in range(10):
        client.put_report_definition(ReportDefinition=report(f"report-{each}", bucket))
    pages = list(client.get_paginator("describe_report_definitions").paginate())
    assert [len(page["ReportDefinitions"]) for page in pages] == [5, 5]
    with pytest.raises(client.exceptions.ReportLimitReachedException):
        client.put_report_definition(ReportDefinition=report("one-more", bucket))
    with pytest.raises(client.exceptions.DuplicateReportNameException):
        client.put_report_definition(ReportDefinition=report("report-0", bucket))


def test_the_reports_of_two_payers_are_strangers(organisation: Organisation) -> None:
    cur(organisation).put_report_definition(ReportDefinition=report("daily", organisation.fernwick.bucket))
    other = organisation.standin.client("cur", organisation.loftline.account)
    assert other.describe_report_definitions()["ReportDefinitions"] == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"MaxResult": 5}, "unknown parameter MaxResult"),
        ({"MaxResults": 6}, "MaxResults is not from 5 to 5"),
        ({"MaxResults": "5"}, "MaxResults is str, not a integer"),
        ({"NextToken": "made-up"}, "NextToken 'made-up' is invalid"),
        ({"NextToken": "ü"}, "does not match"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_request_that_is_not_as_the_service_model_says_is_refused(
    organisation: Organisation, body: dict[str, Any], said: str
) -> None:
    """boto3 would not send most of these, so its own check is passed by."""
    client = cur(organisation)
    client.meta.events.register(
        "before-call.*.*", lambda params, **given: params.update(body=json.dumps(body).encode())
    )
    with pytest.raises(ClientError, match=said) as error:
        client.describe_report_definitions()
    assert code_of(error) == "ValidationException"


@pytest.mark.parametrize(
    "changes",
    [
        {"Compression": "Parquet"},
        {"TimeUnit": "WEEKLY"},
        {"S3Bucket": "nobody-made-this"},
        {"ReportName": "a name with spaces"},
        {"S3Region": "eu-nowhere-1"},
    ],
    ids=str,
)
def test_a_report_that_aws_would_not_take_is_refused(organisation: Organisation, changes: dict[str, str]) -> None:
    wanted = report("daily", organisation.fernwick.bucket) | changes
    with pytest.raises(ClientError) as error:
        cur(organisation).put_report_definition(ReportDefinition=wanted)
    assert code_of(error) == "ValidationException"


def test_an_export_is_made_read_updated_and_removed(organisation: Organisation) -> None:
    client, bucket = exports(organisation), organisation.fernwick.bucket
    arn = client.create_export(Export=export("cur2", bucket))["ExportArn"]
    (listed,) = client.list_exports()["Exports"]
    assert (listed["ExportArn"], listed["ExportName"], listed["ExportStatus"]["StatusCode"]) == (arn, "cur2", "HEALTHY")
    client.update_export(ExportArn=arn, Export=export("cur2", bucket, prefix="elsewhere"))
    found = client.get_export(ExportArn=arn)["Export"]
    assert found["DestinationConfigurations"]["S3Destination"]["S3Prefix"] == "elsewhere"
    client.delete_export(ExportArn=arn)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_export(ExportArn=arn)


def test_exports_and_executions_are_paged(organisation: Organisation) -> None:
    client, fernwick = exports(organisation), organisation.fernwick
    for each in range(5):
        client.create_export(Export=export(f"export-{each}", fernwick.bucket, table="FOCUS_1_2_AWS"))
        fail(organisation.standin, fernwick.account, "export-0", "QUERY_FAILURE", "INTERNAL_FAILURE")
    pages = client.get_paginator("list_exports").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["Exports"]) for page in pages] == [2, 2, 1]
    arn = client.list_exports()["Exports"][0]["ExportArn"]
    executions = client.get_paginator("list_executions").paginate(ExportArn=arn, PaginationConfig={"PageSize": 3})
    assert [len(page["Executions"]) for page in executions] == [3, 2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": {"INCLUDE_RESOURCES": "FALSE"}, "columns": ["line_item_resource_id"]}, "line_item_resource_id"),
        ({"settings": {"TIME_GRANULARITY": "WEEKLY"}, "columns": ["product"]}, "TIME_GRANULARITY"),
        ({"columns": ["line_item_colour"]}, "line_item_colour"),
        ({"query": "SELECT a FROM NOWHERE"}, "table is unknown"),
        ({"query": "DROP TABLE bills"}, "query statement is invalid"),
        ({"bucket": "nobody-made-this"}, "bucket permission"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_export_that_aws_would_not_take_is_refused(
    organisation: Organisation, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ClientError, match=said) as error:
        exports(organisation).create_export(
            Export=export("cur2", **({"bucket": organisation.fernwick.bucket} | changes))
        )
    assert code_of(error) == "ValidationException"


def test_the_tables_tell_their_properties_and_their_columns(organisation: Organisation) -> None:
    client = exports(organisation)
    assert {table["TableName"] for table in client.list_tables()["Tables"]} == set(PROPERTIES)
    plain = client.get_table(TableName=CUR2)
    full = client.get_table(TableName=CUR2, TableProperties={"INCLUDE_RESOURCES": "TRUE"})
    names, more = ({column["Name"] for column in answer["Schema"]} for answer in (plain, full))
    assert more - names == {"line_item_resource_id"}
    assert plain["TableProperties"]["TIME_GRANULARITY"] == "HOURLY"
    focus = client.get_table(TableName="FOCUS_1_2_AWS")["Schema"]
    assert len(focus) == 60


def test_the_billing_apis_answer_in_one_region_alone(organisation: Organisation) -> None:
    for service, ask in (("cur", "describe_report_definitions"), ("bcm-data-exports", "list_exports")):
        client = organisation.standin.client(service, organisation.fernwick.account, region="eu-central-1")
        with pytest.raises(ClientError, match="valid region"):
            getattr(client, ask)()


# Delivery


def make(organisation: Organisation, member: Member) -> None:
    organisation.standin.client("cur", member.account).put_report_definition(
        ReportDefinition=report("legacy", member.bucket, region=member.region, TimeUnit="DAILY")
    )
    client = organisation.standin.client("bcm-data-exports", member.account)
    how: dict[str, Any] = {"region": member.region, "settings": {"TIME_GRANULARITY": "DAILY"}, "parquet": False}
    client.create_export(Export=export("cur2", member.bucket, new=True, **how))
    client.create_export(Export=export("focus", member.bucket, table="FOCUS_1_2_AWS", **how))


@pytest.mark.parametrize("which", ["fernwick", "loftline"])
def test_one_bill_is_delivered_in_each_form_with_equal_totals_by_account(
    organisation: Organisation, which: str
) -> None:
    member: Member = getattr(organisation, which)
    make(organisation, member)
    rows = bill(member.payer, PERIOD, LAST)
    wanted = sums(rows, "line_item_usage_account_id", "line_item_unblended_cost", "line_item_net_unblended_cost")
    assert set(wanted) == set(member.payer.accounts)
    for name, account, cost in (
        ("legacy", "lineItem/UsageAccountId", ("lineItem/UnblendedCost", "lineItem/NetUnblendedCost")),
        ("cur2", "line_item_usage_account_id", ("line_item_unblended_cost", "line_item_net_unblended_cost")),
        ("focus", "SubAccountId", ("BilledCost",)),
    ):
        delivered = deliver(organisation.standin, member.account, name, PERIOD, rows, parts=2)
        assert sums(read(organisation, member, delivered.keys), account, *cost) == wanted


def read(organisation: Organisation, member: Member, keys: list[str]) -> list[dict[str, str]]:
    """The rows of the data files that the manifest, which is written last, names."""
    client = organisation.standin.client("s3", member.account)
    manifest = json.loads(client.get_object(Bucket=member.bucket, Key=keys[-1])["Body"].read())
    named = [name.rpartition(f"{member.bucket}/")[2] for name in manifest.get("reportKeys") or manifest["dataFiles"]]
    assert len(named) == 2
    bodies = (gzip.decompress(client.get_object(Bucket=member.bucket, Key=name)["Body"].read()) for name in named)
    return [row for body in bodies for row in csv.DictReader(io.StringIO(body.decode()))]


def sums(rows: Any, account: str, cost: str, net: str = "") -> dict[str, Decimal]:
    """Net where the bill has it; rows of split costs repeat others."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if "EKSPod-EC2" not in (row.get("line_item_operation"), row.get("lineItem/Operation")):
            found[row[account]] += Decimal(row.get(net) or row[cost])
    return {each: total.quantize(Decimal("1e-8")) for each, total in found.items()}


def test_a_delivery_overwrites_or_adds_a_version_as_the_definition_says(organisation: Organisation) -> None:
    fernwick = organisation.fernwick
    make(organisation, fernwick)
    rows = bill(fernwick.payer, PERIOD, LAST)
    second = None
    for name, is_new in (("legacy", False), ("cur2", True)):
        first = deliver(organisation.standin, fernwick.account, name, PERIOD, rows[:100])
        second = deliver(organisation.standin, fernwick.account, name, PERIOD, rows)
        assert first.keys[-1] == second.keys[-1]
        assert (first.keys[0] != second.keys[0]) == is_new
    (report,) = cur(organisation).describe_report_definitions()["ReportDefinitions"]
    assert report["ReportStatus"]["lastStatus"] == "SUCCESS"
    client = exports(organisation)
    (arn,) = (each["ExportArn"] for each in client.list_exports()["Exports"] if each["ExportName"] == "cur2")
    executions = client.list_executions(ExportArn=arn)["Executions"]
    assert [each["ExecutionStatus"]["StatusCode"] for each in executions] == ["DELIVERY_SUCCESS"] * 2
    assert second
    assert executions[1]["ExecutionId"] == second.execution_id


def test_nothing_is_delivered_into_a_bucket_that_does_not_let_the_billing_services_in(
    organisation: Organisation,
) -> None:
    fernwick = organisation.fernwick
    make(organisation, fernwick)
    s3 = organisation.standin.client("s3", fernwick.account)
    s3.delete_bucket_policy(Bucket=fernwick.bucket)
    for name in ("legacy", "cur2"):
        with pytest.raises(Refusal, match="PERMISSION"):
            deliver(organisation.standin, fernwick.account, name, PERIOD, [])
    assert s3.list_objects_v2(Bucket=fernwick.bucket)["KeyCount"] == 0
    (report,) = cur(organisation).describe_report_definitions()["ReportDefinitions"]
    assert report["ReportStatus"]["lastStatus"] == "ERROR_PERMISSIONS"
    organisation.standin.remove_bucket(fernwick.account, fernwick.bucket)
    with pytest.raises(Refusal, match="NO_BUCKET"):
        deliver(organisation.standin, fernwick.account, "legacy", PERIOD, [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:cur:us-east-1:041700259318:definition/other"}}},
        {"Principal": {"Service": "logs.amazonaws.com"}},
        {"Action": "s3:GetBucketPolicy"},
        {"Effect": "Deny"},
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bucket_policy_for_somebody_else_lets_nobody_in(organisation: Organisation, wrong: dict[str, Any]) -> None:
    fernwick = organisation.fernwick
    s3 = organisation.standin.client("s3", fernwick.account)
    policy = json.loads(s3.get_bucket_policy(Bucket=fernwick.bucket)["Policy"])
    policy["Statement"][0] |= wrong
    s3.put_bucket_policy(Bucket=fernwick.bucket, Policy=json.dumps(policy))
    with pytest.raises(ClientError, match="verify customer bucket permission"):
        cur(organisation).put_report_definition(ReportDefinition=report("daily", fernwick.bucket))


@pytest.mark.parametrize("code", ["QUERY_FAILURE", "DELIVERY_FAILURE"])
@pytest.mark.parametrize("reason", ["INSUFFICIENT_PERMISSION", "BILL_OWNER_CHANGED", "INTERNAL_FAILURE", "DEPRECATED"])
def test_an_execution_fails_with_the_code_and_reason_asked_for(
    organisation: Organisation, code: str, reason: str
) -> None:
    client, fernwick = exports(organisation), organisation.fernwick
    arn = client.create_export(Export=export("cur2", fernwick.bucket))["ExportArn"]
    execution = fail(organisation.standin, fernwick.account, "cur2", code, reason)
    status = client.get_execution(ExportArn=arn, ExecutionId=execution)["ExecutionStatus"]
    assert (status["StatusCode"], status["StatusReason"]) == (code, reason)
    of_export = client.get_export(ExportArn=arn)["ExportStatus"]
    assert (of_export["StatusCode"], of_export["StatusReason"]) == ("UNHEALTHY", reason)


# Access


def test_access_control_covers_the_billing_apis_and_each_action_can_be_denied(standin: StandIn) -> None:
    key = standin.add_user(ACCOUNT, "reader", statement("cur:DescribeReportDefinitions"))
    reports = standin.client("cur", key=key)
    assert reports.describe_report_definitions()["ReportDefinitions"] == []
    with pytest.raises(ClientError, match="not authorized to perform: bcm-data-exports:ListExports") as error:
        standin.client("bcm-data-exports", key=key).list_exports()
    assert code_of(error) == "AccessDeniedException"
    standin.deny("cur:DescribeReportDefinitions")
    with pytest.raises(ClientError, match="cur:DescribeReportDefinitions"):
        reports.describe_report_definitions()
    standin.allow("cur:DescribeReportDefinitions")
    assert reports.describe_report_definitions()["ReportDefinitions"] == []


def test_a_listing_of_a_bucket_can_be_denied_by_its_actions_name(organisation: Organisation) -> None:
    s3 = organisation.standin.client("s3", organisation.fernwick.account)
    organisation.standin.deny("s3:ListBucket")
    with pytest.raises(ClientError) as error:
        s3.list_objects_v2(Bucket=organisation.fernwick.bucket)
    assert code_of(error) == "AccessDenied"
    assert s3.get_bucket_location(Bucket=organisation.fernwick.bucket)


@pytest.mark.parametrize(
    ("service", "ask", "code"),
    [
        ("cur", "describe_report_definitions", "UnrecognizedClientException"),
        ("organizations", "list_accounts", "UnrecognizedClientException"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("s3", "list_buckets", "InvalidAccessKeyId"),
    ],
)
def test_a_key_that_nobody_has_is_refused_in_each_services_own_words(
    standin: StandIn, service: str, ask: str, code: str
) -> None:
    with pytest.raises(ClientError) as error:
        getattr(standin.client(service, key=Key("AKIAZZZZZZZZZZZZZZZZ", "x")), ask)()
    assert code_of(error) == code


def test_storage_reads_with_a_session_and_not_with_one_that_has_ended(organisation: Organisation) -> None:
    fernwick, standin = organisation.fernwick, organisation.standin
    standin.client("s3", fernwick.account).put_object(Bucket=fernwick.bucket, Key="a/b c.txt", Body=b"x")
    given = standin.client("sts", key=organisation.own_key).assume_role(
        RoleArn=fernwick.role_arn, RoleSessionName="test", ExternalId="outlay-sample-0001"
    )["Credentials"]
    store = S3Store(
        fernwick.bucket,
        endpoint=standin.endpoint,
        region=REGION,
        access_key_id=given["AccessKeyId"],
        secret_access_key=given["SecretAccessKey"],
        session_token=given["SessionToken"],
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    assert bytes(obstore.get(store, "a/b c.txt").bytes()) == b"x"
    standin.end_sessions()
    with pytest.raises(obstore.exceptions.BaseError, match="ExpiredToken"):
        obstore.get(store, "a/b c.txt")


# The sample organisation


def test_the_organisation_has_two_payers_with_twelve_linked_accounts_in_units(organisation: Organisation) -> None:
    assert sum(map(len, LINKED.values())) == 12
    for member in organisation.members:
        client = organisation.standin.client("organizations", member.account)
        found = [each for page in client.get_paginator("list_accounts").paginate() for each in page["Accounts"]]
        assert {each["Id"] for each in found} == set(member.payer.accounts)
        root = client.list_roots()["Roots"][0]["Id"]
        units = client.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"]
        assert {unit["Name"] for unit in units} >= {"Production", "Development"}
        linked = next(iter(LINKED[member.account]))
        seen = organisation.standin.client("organizations", linked).describe_organization()["Organization"]
        assert seen["MasterAccountId"] == member.account


@pytest.mark.parametrize("payer", PAYERS, ids=str)
def test_the_same_month_is_the_same_to_the_last_row(payer: Any) -> None:
    assert bill(payer, PERIOD, LAST) == bill(payer, PERIOD, LAST)


@pytest.mark.parametrize("payer", PAYERS, ids=str)
def test_the_focus_rows_bill_what_the_line_items_bill(payer: Any) -> None:
    rows = bill(payer, PERIOD, LAST)
    billed = sum((number(row, "BilledCost") for row in focus_rows(rows)), Decimal(0))
    assert {payer.currency: billed} == invoice_total(rows)


def test_two_stand_ins_after_each_other_know_nothing_of_each_other(standin: StandIn) -> None:
    standin.add_bucket(ACCOUNT, "fernwick-billing")
    standin.add_organisation(ACCOUNT, "Fernwick", {"All": {"093316420057": "prod"}})
    standin.close()
    other = StandIn()
    try:
        assert other.client("s3", ACCOUNT).list_buckets()["Buckets"] == []
        with pytest.raises(ClientError, match="not a member of an organization"):
            other.client("organizations", "093316420057").describe_organization()
    finally:
        other.close()


def test_outlays_own_user_may_do_nothing_but_assume_roles(organisation: Organisation) -> None:
    assert OUTLAY_ACCOUNT not in {account for payer in PAYERS for account in payer.accounts}
    with pytest.raises(ClientError, match="not authorized"):
        organisation.standin.client("cur", key=organisation.own_key).describe_report_definitions()


def test_the_record_tells_what_was_asked(organisation: Organisation) -> None:
    def of_cur(request: Request) -> bool:
        return request.headers.get("x-amz-target", "").endswith("DescribeReportDefinitions")

    organisation.standin.server.observed.requests.clear()
    cur(organisation).describe_report_definitions()
    assert len([each for each in organisation.standin.server.observed.requests if of_cur(each)]) == 1
