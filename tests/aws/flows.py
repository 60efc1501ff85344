"""What Outlay does with each policy: a row for each call, with the IAM actions that AWS asks for.

Calls of APIs that no server on loopback enforces are in `WAITING`, each with the reason.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from outlay.aws.making import Wish, carry_out, plan
from outlay.aws.policies import Target, extended, policy
from outlay.aws.sessions import Identity
from tests.aws.company import ACCOUNT, Company


@dataclass(frozen=True)
class Call:
    needs: tuple[str, ...]
    make: Callable[[Company], object]


def _api(action: str, service: str, operation: str, **arguments: Any) -> Call:
    """One call; `BUCKET`, `USER` and the like in its arguments are the company's."""

    def make(company: Company) -> object:
        names = {
            "BUCKET": company.bucket,
            "USER": company.user,
            "KEY": company.key[0],
            "EXPORT": company.export_arn,
            "EXECUTION": company.execution_id,
            "CATEGORY": company.category_arn,
        }
        given = {
            name: names.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()
        }
        return getattr(company.client(service), operation)(**given)

    return Call((action,), make)


def _ingest(path: str, kind: str) -> Call:
    return Call(("s3:ListBucket", "s3:GetObject"), lambda company: company.ingest(path, kind))


def _extend(company: Company) -> None:
    """Reads the policy that is there, and puts one that has it all."""
    s3 = company.client("s3")
    there = s3.get_bucket_policy(Bucket=company.bucket)["Policy"]
    ours = policy("billing-delivery", Target(company.bucket, account="012345678901"))
    s3.put_bucket_policy(Bucket=company.bucket, Policy=json.dumps(extended(ours, there).document()))


def _made(kind: str, *more: str) -> Call:
    """An export into the bucket that is there, planned and carried out as Outlay does it."""

    def make(company: Company) -> None:
        session = company.session()
        wish = Wish(f"bill-{uuid.uuid4().hex}", company.bucket, "made", kind)
        identity = Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/{company.user}", "payer")
        for _ in carry_out(session, plan(session, identity, wish)):
            pass

    lists = ("cur:DescribeReportDefinitions", "bcm-data-exports:ListExports", "bcm-data-exports:GetExport")
    return Call(("s3:GetBucketLocation", "s3:GetBucketPolicy", *lists, *more), make)


def _make_bucket(company: Company) -> None:
    """us-east-1 answers well for a bucket that one has already."""
    company.client("s3").create_bucket(Bucket=company.bucket)


_NOW = datetime(2026, 5, 31, tzinfo=UTC)
_SPAN = {"StartTime": _NOW - timedelta(days=1), "EndTime": _NOW}
_METRIC = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization"}
_BLOCK = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
_ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}

LOCATE = _api("s3:GetBucketLocation", "s3", "get_bucket_location", Bucket="BUCKET")
STATISTICS = _api(
    "cloudwatch:GetMetricStatistics",
    "cloudwatch",
    "get_metric_statistics",
    **_METRIC,
    **_SPAN,
    Period=3600,
    Statistics=["Average"],
)
DATA = _api(
    "cloudwatch:GetMetricData",
    "cloudwatch",
    "get_metric_data",
    **_SPAN,
    MetricDataQueries=[{"Id": "cpu", "MetricStat": {"Metric": _METRIC, "Period": 3600, "Stat": "Average"}}],
)
BUCKETS = (
    _api("s3:ListAllMyBuckets", "s3", "list_buckets"),
    LOCATE,
    _api("s3:GetBucketTagging", "s3", "get_bucket_tagging", Bucket="BUCKET"),
    _api("s3:GetBucketAcl", "s3", "get_bucket_acl", Bucket="BUCKET"),
    _api("s3:GetBucketPolicyStatus", "s3", "get_bucket_policy_status", Bucket="BUCKET"),
    _api("s3:GetBucketPublicAccessBlock", "s3", "get_public_access_block", Bucket="BUCKET"),
)
USERS = (
    _api("iam:ListUsers", "iam", "list_users"),
    _api("iam:GetLoginProfile", "iam", "get_login_profile", UserName="USER"),
    _api("iam:ListAccessKeys", "iam", "list_access_keys", UserName="USER"),
    _api("iam:GetAccessKeyLastUsed", "iam", "get_access_key_last_used", AccessKeyId="KEY"),
)
MACHINES = (
    _api("ec2:DescribeInstances", "ec2", "describe_instances"),
    _api("ec2:DescribeVolumes", "ec2", "describe_volumes"),
    _api("ec2:DescribeSnapshots", "ec2", "describe_snapshots", OwnerIds=["self"]),
    _api("elasticloadbalancing:DescribeLoadBalancers", "elbv2", "describe_load_balancers"),
)

REPORTS = _api("cur:DescribeReportDefinitions", "cur", "describe_report_definitions")
EXPORTS = (
    _api("bcm-data-exports:ListExports", "bcm-data-exports", "list_exports"),
    _api("bcm-data-exports:GetExport", "bcm-data-exports", "get_export", ExportArn="EXPORT"),
    _api("bcm-data-exports:ListExecutions", "bcm-data-exports", "list_executions", ExportArn="EXPORT"),
    _api(
        "bcm-data-exports:GetExecution",
        "bcm-data-exports",
        "get_execution",
        ExportArn="EXPORT",
        ExecutionId="EXECUTION",
    ),
)

FLOWS: Mapping[str, tuple[Call, ...]] = {
    "bucket-reader": (_ingest("anycost", "anycost"), LOCATE),
    "bucket-only": (_ingest("anycost", "anycost"), LOCATE),
    "payer-report": (REPORTS, _ingest("cur", "aws"), LOCATE),
    "payer-export": (*EXPORTS, _ingest("export", "focus"), LOCATE),
    "payer-automatic": (
        REPORTS,
        *EXPORTS,
        _made("legacy-cur", "cur:PutReportDefinition"),
        _made("cur-2.0", "bcm-data-exports:GetTable", "bcm-data-exports:CreateExport"),
        _made("focus-1.2", "bcm-data-exports:GetTable", "bcm-data-exports:CreateExport"),
        Call(("s3:CreateBucket",), _make_bucket),
        _api(
            "s3:PutBucketPublicAccessBlock",
            "s3",
            "put_public_access_block",
            Bucket="BUCKET",
            PublicAccessBlockConfiguration=_BLOCK,
        ),
        _api(
            "s3:PutEncryptionConfiguration",
            "s3",
            "put_bucket_encryption",
            Bucket="BUCKET",
            ServerSideEncryptionConfiguration=_ENCRYPTION,
        ),
        Call(("s3:GetBucketPolicy", "s3:PutBucketPolicy"), _extend),
        _ingest("export", "focus"),
        LOCATE,
    ),
    "discover-resources": (*MACHINES, STATISTICS, *BUCKETS, *USERS, REPORTS),
    "inventory": (
        REPORTS,
        *MACHINES,
        STATISTICS,
        DATA,
        *BUCKETS,
        _api("s3:GetLifecycleConfiguration", "s3", "get_bucket_lifecycle_configuration", Bucket="BUCKET"),
        *USERS,
        _api("autoscaling:DescribeAutoScalingGroups", "autoscaling", "describe_auto_scaling_groups"),
        _api("ecs:ListClusters", "ecs", "list_clusters"),
        _api("ecs:DescribeClusters", "ecs", "describe_clusters"),
        _api("ecr:DescribeRepositories", "ecr", "describe_repositories"),
        _api("rds:DescribeDBInstances", "rds", "describe_db_instances"),
        _api("dynamodb:ListTables", "dynamodb", "list_tables"),
        _api("dynamodb:DescribeTable", "dynamodb", "describe_table", TableName="BUCKET"),
        _api("elasticache:DescribeCacheClusters", "elasticache", "describe_cache_clusters"),
        _api("lambda:ListFunctions", "lambda", "list_functions"),
        _api("eks:ListClusters", "eks", "list_clusters"),
        _api("eks:DescribeCluster", "eks", "describe_cluster", name="BUCKET"),
        _api("es:ListDomainNames", "opensearch", "list_domain_names"),
        _api("es:DescribeDomains", "opensearch", "describe_domains", DomainNames=["none"]),
        _api("elasticfilesystem:DescribeFileSystems", "efs", "describe_file_systems"),
        _api("redshift:DescribeClusters", "redshift", "describe_clusters"),
        _api("logs:DescribeLogGroups", "logs", "describe_log_groups"),
        _api("tag:GetResources", "resourcegroupstaggingapi", "get_resources"),
    ),
    "cost-read": (
        _api(
            "ce:GetCostAndUsage",
            "ce",
            "get_cost_and_usage",
            TimePeriod={"Start": "2026-05-01", "End": "2026-06-01"},
            Granularity="MONTHLY",
            Metrics=["UnblendedCost"],
        ),
        _api("ce:ListTagsForResource", "ce", "list_tags_for_resource", ResourceArn="CATEGORY"),
        _api(
            "ce:DescribeCostCategoryDefinition", "ce", "describe_cost_category_definition", CostCategoryArn="CATEGORY"
        ),
        _api("budgets:ViewBudget", "budgets", "describe_budgets", AccountId="123456789012"),
    ),
    "organizations": (
        _api("organizations:DescribeOrganization", "organizations", "describe_organization"),
        _api("organizations:ListAccounts", "organizations", "list_accounts"),
        _api("organizations:ListRoots", "organizations", "list_roots"),
    ),
    "metrics": (_api("cloudwatch:ListMetrics", "cloudwatch", "list_metrics"), STATISTICS, DATA),
    "metadata": (
        _api("tag:GetResources", "resourcegroupstaggingapi", "get_resources"),
        _api("tag:GetTagKeys", "resourcegroupstaggingapi", "get_tag_keys"),
        _api("tag:GetTagValues", "resourcegroupstaggingapi", "get_tag_values", Key="team"),
        _api("ec2:DescribeRegions", "ec2", "describe_regions"),
        _api("iam:ListAccountAliases", "iam", "list_account_aliases"),
    ),
}

# By action of the policies: what AWS would be asked, and why no server on loopback enforces it.
NO_BACKEND = "moto has no such service"
CONSOLE = "it opens pages of AWS's console: no API asks for it, so that nothing could be called"
WAITING: Mapping[str, tuple[str, str]] = {
    "savingsplans:DescribeSavingsPlans": ("savingsplans:DescribeSavingsPlans", NO_BACKEND),
    "invoicing:ListInvoiceSummaries": ("invoicing:ListInvoiceSummaries", NO_BACKEND),
    "billing:GetBillingData": ("billing:GetBillingData", CONSOLE),
    "consolidatedbilling:GetAccountBillingRole": ("consolidatedbilling:GetAccountBillingRole", CONSOLE),
    "consolidatedbilling:ListLinkedAccounts": ("consolidatedbilling:ListLinkedAccounts", CONSOLE),
}
