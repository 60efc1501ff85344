"""What Outlay may be allowed to do in AWS: each purpose, its statements, and why each action is in it.

The reasons stand in comments of several languages, so they hold no quotes and no dollars. Tests hold the actions
against AWS's own list of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from outlay.aws.policies.document import Condition, Grant, Kind, Statement

ANY = ("*",)
_LEAST = ("{bucket}",)


@dataclass(frozen=True)
class Purpose:
    """`needs` are the fields of a Target that it cannot be without.

    `is_callers`: it is attached to who assumes the role, not to the role.
    """

    name: str
    title: str
    about: str
    statements: tuple[Statement, ...]
    needs: tuple[str, ...] = ()
    kind: Kind = "identity"
    is_callers: bool = False


def _grants(*pairs: tuple[str, str]) -> tuple[Grant, ...]:
    return tuple(Grant(action, why) for action, why in pairs)


_READ = Statement(
    "OutlayReadsBills", _grants(("s3:GetObject", "Reads the manifests and the files of the bill.")), ("{objects}",)
)
_FIND = Statement(
    "OutlayFindsBills",
    _grants(
        ("s3:ListBucket", "Finds the deliveries below the prefix."),
        ("s3:GetBucketLocation", "Tells the region in which the bucket is asked."),
    ),
    _LEAST,
)
_REPORTS = ("cur:DescribeReportDefinitions", "Lists the legacy reports, with bucket, prefix and last delivery.")
_EXPORTS = (
    ("bcm-data-exports:ListExports", "Lists the data exports."),
    ("bcm-data-exports:GetExport", "Tells what an export holds, and its bucket and prefix."),
    ("bcm-data-exports:ListExecutions", "Tells when an export ran last."),
    ("bcm-data-exports:GetExecution", "Tells why a run of an export failed."),
)

PURPOSES: tuple[Purpose, ...] = (
    Purpose(
        "bucket-reader",
        "AnyCost bucket",
        "Reads the bucket, and nothing else: all that an AnyCost connection needs.",
        (
            Statement(
                "OutlayReadsDrops",
                _grants(
                    ("s3:Get*", "Reads manifests and drops, and in which region the bucket is."),
                    ("s3:List*", "Finds the billing periods and their drops."),
                ),
                ("{bucket}", "{objects}"),
            ),
        ),
        ("bucket",),
    ),
    Purpose(
        "bucket-only",
        "Bills in a bucket, no billing API",
        "Reads the bills in the bucket by the fewest actions that do. No billing API is called.",
        (_READ, _FIND),
        ("bucket",),
    ),
    Purpose(
        "payer-report",
        "Payer account with a legacy Cost and Usage Report",
        "Finds the legacy reports of the account, and reads the bills in the bucket.",
        (Statement("OutlayFindsReports", _grants(_REPORTS), ANY), _READ, _FIND),
        ("bucket",),
    ),
    Purpose(
        "payer-export",
        "Payer account with a data export",
        "Finds the data exports of the account (CUR 2.0 and FOCUS), and reads the bills in the bucket.",
        (Statement("OutlayFindsExports", _grants(*_EXPORTS), ANY), _READ, _FIND),
        ("bucket",),
    ),
    Purpose(
        "payer-automatic",
        "Payer account, fully automatic",
        "Makes the bucket and the export or report, and reads the bills. It can delete nothing.",
        (
            Statement(
                "OutlayMakesReports",
                _grants(
                    _REPORTS,
                    ("cur:PutReportDefinition", "Makes the legacy report; AWS asks for it for a CUR 2.0 export, too."),
                ),
                ANY,
            ),
            Statement(
                "OutlayMakesExports",
                _grants(
                    *_EXPORTS,
                    ("bcm-data-exports:GetTable", "Tells the columns that the new export is to have."),
                    ("bcm-data-exports:CreateExport", "Makes the CUR 2.0 or FOCUS export."),
                ),
                ANY,
            ),
            Statement(
                "OutlayMakesTheBucket",
                _grants(
                    ("s3:CreateBucket", "Makes the bucket, if it is not there."),
                    ("s3:PutBucketPublicAccessBlock", "Closes the new bucket to the public."),
                    ("s3:PutEncryptionConfiguration", "Encrypts what is put into the new bucket."),
                    ("s3:GetBucketPolicy", "Reads the policy that is there, which is extended and never replaced."),
                    ("s3:PutBucketPolicy", "Lets the billing services of AWS write into the bucket."),
                ),
                _LEAST,
            ),
            _READ,
            _FIND,
        ),
        ("bucket",),
    ),
    Purpose(
        "billing-delivery",
        "The bucket's own policy: AWS may deliver into it",
        "Lets the billing services of AWS write the exports of one payer account into the bucket.",
        (
            Statement(
                "EnableAWSDataExportsToWriteToS3AndCheckPolicy",
                _grants(
                    ("s3:PutObject", "AWS puts the files and manifests of the bill there."),
                    ("s3:GetBucketPolicy", "AWS checks that it may, before it takes the bucket."),
                ),
                ("{objects}", "{bucket}"),
                (("Service", ("billingreports.amazonaws.com", "bcm-data-exports.amazonaws.com")),),
                (
                    Condition("StringLike", "aws:SourceAccount", ("{account}",)),
                    Condition(
                        "StringLike",
                        "aws:SourceArn",
                        (
                            "arn:aws:cur:us-east-1:{account}:definition/*",
                            "arn:aws:bcm-data-exports:us-east-1:{account}:export/*",
                        ),
                    ),
                ),
            ),
        ),
        ("bucket", "account"),
        "bucket",
    ),
    Purpose(
        "bucket-sharing",
        "The bucket's own policy: a role of another account may read it",
        "Lets a role of another account read the bucket, beside the policy that the role has itself.",
        (
            Statement("OutlayMayReadBills", _READ.grants, _READ.resources, (("AWS", ("{role_arn}",)),)),
            Statement("OutlayMayFindBills", _FIND.grants, _FIND.resources, (("AWS", ("{role_arn}",)),)),
        ),
        ("bucket", "role_arn"),
        "bucket",
    ),
    Purpose(
        "discover-resources",
        "Discover Resources",
        "Sees machines, disks, addresses, load balancers, buckets and users, by the fourteen usual actions.",
        (
            Statement(
                "OutlayDiscoversResources",
                _grants(
                    ("ec2:Describe*", "Lists machines, disks, snapshots, images, addresses and networks."),
                    ("elasticloadbalancing:Describe*", "Lists load balancers and what they send to."),
                    ("cloudwatch:GetMetricStatistics", "Tells how busy a machine is."),
                    ("s3:ListAllMyBuckets", "Lists the buckets."),
                    ("s3:GetBucketLocation", "Tells the region of a bucket."),
                    ("s3:GetBucketTagging", "Tells the tags of a bucket."),
                    ("s3:GetBucketAcl", "Tells whether a bucket is open to others."),
                    ("s3:GetBucketPolicyStatus", "Tells whether the policy of a bucket opens it to the public."),
                    ("s3:GetBucketPublicAccessBlock", "Tells whether a bucket is closed to the public."),
                    ("iam:ListUsers", "Lists the users, of whom some may be unused."),
                    ("iam:GetLoginProfile", "Tells whether a user can sign in to the console."),
                    ("iam:ListAccessKeys", "Lists the ids of the access keys of a user, not their secrets."),
                    ("iam:GetAccessKeyLastUsed", "Tells when an access key was used last."),
                    _REPORTS,
                ),
                ANY,
            ),
        ),
    ),
    Purpose(
        "inventory",
        "Discover Resources, fuller",
        "Sees resources of many more kinds, a statement each: what is taken away is shown as not visible.",
        (
            Statement(
                "Compute",
                _grants(
                    ("ec2:Describe*", "Lists machines, disks, snapshots, images, addresses and networks."),
                    ("autoscaling:Describe*", "Lists the groups that make machines."),
                    ("elasticloadbalancing:Describe*", "Lists load balancers and what they send to."),
                    ("lambda:ListFunctions", "Lists functions with memory and runtime."),
                ),
                ANY,
            ),
            Statement(
                "Containers",
                _grants(
                    ("ecs:List*", "Lists clusters, services and tasks."),
                    ("ecs:Describe*", "Tells the size of clusters, services and tasks."),
                    ("eks:List*", "Lists clusters and their groups of nodes."),
                    ("eks:Describe*", "Tells the size of clusters and of their groups of nodes."),
                    ("ecr:DescribeRepositories", "Lists the repositories of images."),
                ),
                ANY,
            ),
            Statement(
                "Databases",
                _grants(
                    ("rds:Describe*", "Lists databases, their classes and snapshots."),
                    ("dynamodb:ListTables", "Lists tables."),
                    ("dynamodb:DescribeTable", "Tells the size and the capacity of a table."),
                    ("elasticache:Describe*", "Lists caches and their nodes."),
                    ("redshift:Describe*", "Lists warehouses and their nodes."),
                    ("es:ListDomainNames", "Lists search domains."),
                    ("es:DescribeDomains", "Tells the nodes of search domains."),
                ),
                ANY,
            ),
            Statement(
                "Storage",
                _grants(
                    ("s3:ListAllMyBuckets", "Lists the buckets."),
                    ("s3:GetBucketLocation", "Tells the region of a bucket."),
                    ("s3:GetBucketTagging", "Tells the tags of a bucket."),
                    ("s3:GetBucketAcl", "Tells whether a bucket is open to others."),
                    ("s3:GetBucketPolicyStatus", "Tells whether the policy of a bucket opens it to the public."),
                    ("s3:GetBucketPublicAccessBlock", "Tells whether a bucket is closed to the public."),
                    ("s3:GetLifecycleConfiguration", "Tells what becomes of old objects, and of uploads left off."),
                    ("elasticfilesystem:DescribeFileSystems", "Lists file systems with their size."),
                ),
                ANY,
            ),
            Statement(
                "Usage",
                _grants(
                    ("cloudwatch:GetMetricStatistics", "Tells how busy a resource is."),
                    ("cloudwatch:GetMetricData", "Tells the same of many resources by one call."),
                    ("logs:DescribeLogGroups", "Lists groups of logs with their size and how long they are kept."),
                ),
                ANY,
            ),
            Statement(
                "Users",
                _grants(
                    ("iam:ListUsers", "Lists the users, of whom some may be unused."),
                    ("iam:GetLoginProfile", "Tells whether a user can sign in to the console."),
                    ("iam:ListAccessKeys", "Lists the ids of the access keys of a user, not their secrets."),
                    ("iam:GetAccessKeyLastUsed", "Tells when an access key was used last."),
                ),
                ANY,
            ),
            Statement("Reports", _grants(_REPORTS), ANY),
            Statement("Tags", _grants(("tag:GetResources", "Tells the tags of resources of every kind.")), ANY),
        ),
    ),
    Purpose(
        "cost-read",
        "Billing and cost, read only",
        "Reads what AWS itself says of costs, budgets, commitments, invoices and cost allocation tags.",
        (
            Statement(
                "OutlayReadsCosts",
                _grants(
                    ("ce:Get*", "Reads costs, coverage and utilisation. AWS charges for each such request."),
                    ("ce:List*", "Tells which cost allocation tags are active, and which cost categories there are."),
                    ("ce:Describe*", "Tells the rules of a cost category."),
                ),
                ANY,
            ),
            Statement(
                "OutlayReadsBilling",
                _grants(
                    ("budgets:ViewBudget", "Reads budgets and how far they are spent."),
                    ("savingsplans:DescribeSavingsPlans", "Lists Savings Plans with their terms."),
                    ("billing:GetBillingData", "Reads the pages of bills."),
                    ("invoicing:ListInvoiceSummaries", "Reads the totals of invoices, to hold them against the bill."),
                    ("consolidatedbilling:GetAccountBillingRole", "Tells whether the account is a payer."),
                    ("consolidatedbilling:ListLinkedAccounts", "Lists the accounts that the payer pays for."),
                ),
                ANY,
            ),
        ),
    ),
    Purpose(
        "organizations",
        "Accounts and organisational units",
        "Reads names, states and organisational units of the accounts. For the management account.",
        (
            Statement(
                "OutlayReadsTheOrganization",
                _grants(
                    ("organizations:List*", "Lists accounts, roots and organisational units, and their tags."),
                    ("organizations:Describe*", "Tells the management account, and the name of one account or unit."),
                ),
                ANY,
            ),
        ),
    ),
    Purpose(
        "metrics",
        "CloudWatch metrics",
        "Reads how busy resources are.",
        (
            Statement(
                "OutlayReadsMetrics",
                _grants(
                    ("cloudwatch:ListMetrics", "Finds which metrics there are."),
                    ("cloudwatch:GetMetricStatistics", "Reads one metric."),
                    ("cloudwatch:GetMetricData", "Reads many metrics by one call."),
                ),
                ANY,
            ),
        ),
    ),
    Purpose(
        "metadata",
        "Tags and names",
        "Reads the tags of resources, and the names of account and regions.",
        (
            Statement(
                "OutlayReadsMetadata",
                _grants(
                    ("tag:GetResources", "Tells the tags of resources of every kind."),
                    ("tag:GetTagKeys", "Lists the keys of tags."),
                    ("tag:GetTagValues", "Lists the values of a tag."),
                    ("ec2:DescribeRegions", "Tells which regions the account has turned on."),
                    ("iam:ListAccountAliases", "Tells the name that the account gave itself."),
                ),
                ANY,
            ),
        ),
    ),
    Purpose(
        "trust",
        "The role's trust policy",
        "Lets Outlay assume the role, if it gives the external id. It allows nothing else.",
        (
            Statement(
                "OutlayAssumesThisRole",
                _grants(("sts:AssumeRole", "Outlay gets credentials of the role, for an hour at a time.")),
                (),
                (("AWS", ("{principal}",)),),
                (Condition("StringEquals", "sts:ExternalId", ("{external_id}",)),),
            ),
        ),
        ("principal", "external_id"),
        "trust",
    ),
    Purpose(
        "assume-role",
        "Outlay's own side of a role",
        "Lets the role or user that Outlay runs as assume a role. A role in another account needs it beside its trust.",
        (
            Statement(
                "OutlayAssumesTheRole",
                _grants(("sts:AssumeRole", "Outlay gets credentials of the role, for an hour at a time.")),
                ("{role_arn}",),
            ),
        ),
        ("role_arn",),
        is_callers=True,
    ),
)
BY_NAME: Mapping[str, Purpose] = MappingProxyType({purpose.name: purpose for purpose in PURPOSES})
