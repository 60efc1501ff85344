"""What AWS sells to the invented company: a price list of its own, near the public one but not copied from it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

REGIONS = {"us-east-1": ("US East (N. Virginia)", ""), "eu-central-1": ("EU (Frankfurt)", "EUC1-")}

SERVICES = {
    "AmazonEC2": "Amazon Elastic Compute Cloud",
    "AmazonRDS": "Amazon Relational Database Service",
    "AmazonS3": "Amazon Simple Storage Service",
    "AWSLambda": "AWS Lambda",
    "AmazonCloudWatch": "AmazonCloudWatch",
    "AmazonVPC": "Amazon Virtual Private Cloud",
    "AWSDataTransfer": "AWS Data Transfer",
    "AmazonEKS": "Amazon Elastic Container Service for Kubernetes",
    "AWSSupportBusiness": "AWS Support (Business)",
    "ComputeSavingsPlans": "Savings Plans for AWS Compute usage",
    "6k2xq9w4b1sandpiper": "Sandpiper Route Optimizer",
}


@dataclass(frozen=True)
class Meter:
    """A thing that has a price. `usage_type` is without the region's prefix."""

    product_code: str
    usage_type: str
    operation: str
    rate: Decimal
    unit: str
    family: str
    description: str
    servicecode: str
    extras: tuple[tuple[str, str], ...] = ()


# name: product code | usage type | operation | rate | unit | product family | description
_LIST = """
t3.medium      | AmazonEC2 | BoxUsage:t3.medium   | RunInstances | 0.0416 | Hrs | Compute Instance | ${rate} per On Demand Linux t3.medium Instance Hour
m6i.large      | AmazonEC2 | BoxUsage:m6i.large   | RunInstances | 0.096 | Hrs | Compute Instance | ${rate} per On Demand Linux m6i.large Instance Hour
m6i.xlarge     | AmazonEC2 | BoxUsage:m6i.xlarge  | RunInstances | 0.192 | Hrs | Compute Instance | ${rate} per On Demand Linux m6i.xlarge Instance Hour
c6i.2xlarge    | AmazonEC2 | BoxUsage:c6i.2xlarge | RunInstances | 0.34 | Hrs | Compute Instance | ${rate} per On Demand Linux c6i.2xlarge Instance Hour
spot           | AmazonEC2 | SpotUsage:c6i.2xlarge | RunInstances:SV001 | 0.1284 | | Compute Instance | c6i.2xlarge Linux/UNIX Spot Instance-hour
gp3            | AmazonEC2 | EBS:VolumeUsage.gp3  | CreateVolume-Gp3 | 0.08 | GB-Mo | Storage | ${rate} per GB-month of General Purpose (gp3) provisioned storage
snapshot       | AmazonEC2 | EBS:SnapshotUsage    | CreateSnapshot | 0.05 | GB-Mo | Storage Snapshot | ${rate} per GB-Month of snapshot data stored
nat            | AmazonEC2 | NatGateway-Bytes     | NatGateway | 0.045 | GB | NAT Gateway | ${rate} per GB Data Processed by NAT Gateways
out            | AmazonEC2 | DataTransfer-Out-Bytes | RunInstances | 0.09 | GB | Data Transfer | ${rate} per GB - first 10 TB / month data transfer out
interzone      | AmazonEC2 | DataTransfer-Regional-Bytes | InterZone-Out | 0.01 | GB | Data Transfer | ${rate} per GB - regional data transfer - in/out/between EC2 AZs
mysql          | AmazonRDS | InstanceUsage:db.r6g.large | CreateDBInstance:0002 | 0.215 | Hrs | Database Instance | ${rate} per RDS db.r6g.large Single-AZ instance hour running MySQL
aurora         | AmazonRDS | InstanceUsage:db.r6g.xl | CreateDBInstance:0021 | 0.519 | Hrs | Database Instance | ${rate} per RDS db.r6g.xlarge instance hour running Aurora PostgreSQL
aurora-storage | AmazonRDS | Aurora:StorageUsage  | CreateDBCluster:0021 | 0.1 | GB-Mo | Database Storage | ${rate} per GB-month of consumed storage (Aurora)
rds-storage    | AmazonRDS | RDS:GP3-Storage      | CreateDBInstance:0002 | 0.115 | GB-Mo | Database Storage | ${rate} per GB-month of provisioned gp3 storage running MySQL
s3             | AmazonS3  | TimedStorage-ByteHrs | StandardStorage | 0.023 | GB-Mo | Storage | ${rate} per GB - first 50 TB / month of storage used
s3-ia          | AmazonS3  | TimedStorage-SIA-ByteHrs | StandardIAStorage | 0.0125 | GB-Mo | Storage | ${rate} per GB-Month of storage used in Standard-Infrequent Access
s3-put         | AmazonS3  | Requests-Tier1       | PutObject | 0.000005 | Requests | API Request | ${rate} per PUT, COPY, POST, or LIST request
s3-get         | AmazonS3  | Requests-Tier2       | GetObject | 0.0000004 | Requests | API Request | ${rate} per GET and all other requests
lambda         | AWSLambda | Lambda-GB-Second     | Invoke | 0.0000166667 | Lambda-GB-Second | Serverless | AWS Lambda - Total Compute - ${rate} per GB-second
lambda-request | AWSLambda | Request              | Invoke | 0.0000002 | Requests | Serverless | AWS Lambda - Total Requests - ${rate} per request
logs           | AmazonCloudWatch | DataProcessing-Bytes | PutLogEvents | 0.5 | GB | Data Payload | ${rate} per GB custom log data ingested
metrics        | AmazonCloudWatch | CW:MetricMonitorUsage | MetricStorage | 0.3 | Metrics | Metric | ${rate} per metric-month for the first 10,000 metrics
eks            | AmazonEKS | AmazonEKS-Hours:perCluster | CreateOperation | 0.1 | Hours | Compute | Amazon EKS cluster usage, ${rate} per hour
pod-cpu        | AmazonEKS | EKS-EC2-vCPU-Hours   | EKSPod-EC2 | 0.0336 | vCPU-Hours | Compute | EKS pod vCPU hours on EC2
pod-memory     | AmazonEKS | EKS-EC2-GB-Hours     | EKSPod-EC2 | 0.0037 | GB-Hours | Compute | EKS pod GB hours on EC2
market         | 6k2xq9w4b1sandpiper | SoftwareUsage:m6i.large | Hourly | 0.12 | Hrs | | Sandpiper Route Optimizer, {rate} USD per m6i.large hour
"""  # noqa: E501

_EXTRAS: dict[str, dict[str, str]] = {
    "t3.medium": {"instanceType": "t3.medium", "vcpu": "2", "memory": "4 GiB", "normalizationSizeFactor": "2"},
    "m6i.large": {"instanceType": "m6i.large", "vcpu": "2", "memory": "8 GiB", "normalizationSizeFactor": "4"},
    "m6i.xlarge": {"instanceType": "m6i.xlarge", "vcpu": "4", "memory": "16 GiB", "normalizationSizeFactor": "8"},
    "c6i.2xlarge": {"instanceType": "c6i.2xlarge", "vcpu": "8", "memory": "16 GiB", "normalizationSizeFactor": "16"},
    "spot": {"instanceType": "c6i.2xlarge", "vcpu": "8", "memory": "16 GiB", "normalizationSizeFactor": "16"},
    "mysql": {"instanceType": "db.r6g.large", "databaseEngine": "MySQL", "normalizationSizeFactor": "4"},
    "aurora": {"instanceType": "db.r6g.xlarge", "databaseEngine": "Aurora PostgreSQL", "normalizationSizeFactor": "8"},
    "gp3": {"volumeApiName": "gp3", "volumeType": "General Purpose"},
    "s3": {"storageClass": "General Purpose"},
    "s3-ia": {"storageClass": "Infrequent Access"},
    "out": {"transferType": "AWS Outbound", "toLocation": "External", "toLocationType": "Other"},
    "interzone": {"transferType": "IntraRegion"},
}


def _meter(line: str) -> tuple[str, Meter]:
    name, code, usage, operation, rate, unit, family, description = (cell.strip() for cell in line.split("|"))
    extras = dict(_EXTRAS.get(name, {}))
    if family == "Compute Instance":
        extras |= {"operatingSystem": "Linux", "tenancy": "Shared", "licenseModel": "No License required"}
    servicecode = "AWSDataTransfer" if family == "Data Transfer" else code
    text = description.format(rate=rate)
    return name, Meter(code, usage, operation, Decimal(rate), unit, family, text, servicecode, tuple(extras.items()))


METERS = dict(_meter(line) for line in _LIST.strip().splitlines())
