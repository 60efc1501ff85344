"""Small tables that CUR rows are looked up in, and how: by a join with a table written into the query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir

# AWS's pricing units → FOCUS's; one that is not here is kept as AWS writes it.
UNITS: dict[str, str] = {
    **dict.fromkeys(("Hrs", "hrs", "Hour", "hour", "hours", "HOURS", "Hourly"), "Hours"),
    **dict.fromkeys(("GB-Mo", "GB-month", "GB-Month", "GB-Months", "GB-mo", "GBMonth", "GB-Mth"), "GB-Months"),
    **dict.fromkeys(("Gigabytes", "gigabytes", "gb", "GigaBytes", "Gigabyte"), "GB"),
    **dict.fromkeys(("Terabytes", "terabytes", "tb"), "TB"),
    **dict.fromkeys(("GB-Hr", "GB-Hrs", "GB-hours", "GB-Hour", "GB-hour"), "GB-Hours"),
    **dict.fromkeys(("Lambda-GB-Second", "GB-Second", "GB-second", "GB-seconds", "Lambda-GB-Seconds"), "GB-Seconds"),
    **dict.fromkeys(("IOPS-Mo", "IOPS-month", "IOPS-Month"), "IOPS-Months"),
    **dict.fromkeys(("GiBps-mo", "GiBps-Mo"), "GiB/Second-Months"),
    **dict.fromkeys(("MiBps-mo", "MiBps-Mo"), "MiB/Second-Months"),
    **dict.fromkeys(("MBPS-Mo", "MBps-Mo"), "MB/Second-Months"),
    **dict.fromkeys(("LCU-Hrs", "LCU-Hr", "LCU-hours"), "LCU-Hours"),
    **dict.fromkeys(("vCPU-Hrs", "vCPU-Hour", "vCPU-hours", "vCPU Hours"), "vCPU-Hours"),
    **dict.fromkeys(("ACU-Hr", "ACU-Hrs", "ACU-Hour"), "ACU-Hours"),
    **dict.fromkeys(("DPU-Hour", "DPU-Hr", "DPU-Hrs"), "DPU-Hours"),
    **dict.fromkeys(("NLCU-Hrs", "NLCU-Hr"), "NLCU-Hours"),
    **dict.fromkeys(("RPU-Hr", "RPU-Hrs"), "RPU-Hours"),
    **dict.fromkeys(("ReadCapacityUnit-Hrs", "ReadCapacityUnit-Hr"), "ReadCapacityUnit-Hours"),
    **dict.fromkeys(("WriteCapacityUnit-Hrs", "WriteCapacityUnit-Hr"), "WriteCapacityUnit-Hours"),
    **dict.fromkeys(("shard-hours", "ShardHour", "Shard-Hour"), "Shard-Hours"),
    **dict.fromkeys(("CR-Hrs", "CR-Hr"), "CR-Hours"),
    **dict.fromkeys(("OCU-hours", "OCU-Hr", "OCU-Hrs"), "OCU-Hours"),
    **dict.fromkeys(("Request", "request", "requests"), "Requests"),
    **dict.fromkeys(("API Request", "API Calls", "API calls"), "API Requests"),
    **dict.fromkeys(("Second", "second", "seconds", "sec"), "Seconds"),
    **dict.fromkeys(("Minute", "minute", "minutes", "min"), "Minutes"),
    **dict.fromkeys(("day", "days", "Day"), "Days"),
    **dict.fromkeys(("month", "months", "Month", "Mo"), "Months"),
    **dict.fromkeys(("User", "user", "users"), "Users"),
    **dict.fromkeys(("User-Month", "User-Mo", "user-month"), "User-Months"),
    **dict.fromkeys(("Tag-Mo", "Tag-Month"), "Tag-Months"),
    **dict.fromkeys(("Obj-Month", "Object-Mo"), "Object-Months"),
    "Event": "Events",
    "IO": "IOs",
    "Key": "Keys",
    "Metric": "Metrics",
    "Message": "Messages",
    "Notification": "Notifications",
    "Object": "Objects",
    "Query": "Queries",
    "Alarm": "Alarms",
    "Dashboard": "Dashboards",
    "Secret": "Secrets",
    "Bytes": "B",
}

# Where the unit is blank, as for Spot and free tier: what stands in the usage type → the unit. The first found counts.
UNITS_BY_USAGE: dict[str, str] = {
    "BoxUsage": "Hours",
    "SpotUsage": "Hours",
    "HeavyUsage": "Hours",
    "DedicatedUsage": "Hours",
    "HostUsage": "Hours",
    "InstanceUsage": "Hours",
    "Multi-AZUsage": "Hours",
    "NodeUsage": "Hours",
    "LoadBalancerUsage": "Hours",
    "NatGateway-Hours": "Hours",
    "VpcEndpoint-Hours": "Hours",
    "ElasticIP": "Hours",
    "ComputeSP": "Hours",
    "EC2SP": "Hours",
    "InstanceSP": "Hours",
    "EC2InstanceSP": "Hours",
    "SageMakerSP": "Hours",
    "LCUUsage": "LCU-Hours",
    "VolumeIOUsage": "IOs",
    "VolumeP-IOPS": "IOPS-Months",
    "VolumeUsage": "GB-Months",
    "SnapshotUsage": "GB-Months",
    "StorageUsage": "GB-Months",
    "BackupUsage": "GB-Months",
    "ByteHrs": "GB-Months",
    "GB-Second": "GB-Seconds",
    "Requests": "Requests",
    "Request": "Requests",
    "Queries": "Queries",
    "Events": "Events",
    "Bytes": "GB",
}

REGIONS: dict[str, str] = {
    "af-south-1": "Africa (Cape Town)",
    "ap-east-1": "Asia Pacific (Hong Kong)",
    "ap-east-2": "Asia Pacific (Taipei)",
    "ap-northeast-1": "Asia Pacific (Tokyo)",
    "ap-northeast-2": "Asia Pacific (Seoul)",
    "ap-northeast-3": "Asia Pacific (Osaka)",
    "ap-south-1": "Asia Pacific (Mumbai)",
    "ap-south-2": "Asia Pacific (Hyderabad)",
    "ap-southeast-1": "Asia Pacific (Singapore)",
    "ap-southeast-2": "Asia Pacific (Sydney)",
    "ap-southeast-3": "Asia Pacific (Jakarta)",
    "ap-southeast-4": "Asia Pacific (Melbourne)",
    "ap-southeast-5": "Asia Pacific (Malaysia)",
    "ap-southeast-6": "Asia Pacific (New Zealand)",
    "ap-southeast-7": "Asia Pacific (Thailand)",
    "ca-central-1": "Canada (Central)",
    "ca-west-1": "Canada West (Calgary)",
    "cn-north-1": "China (Beijing)",
    "cn-northwest-1": "China (Ningxia)",
    "eu-central-1": "EU (Frankfurt)",
    "eu-central-2": "Europe (Zurich)",
    "eu-north-1": "EU (Stockholm)",
    "eu-south-1": "EU (Milan)",
    "eu-south-2": "Europe (Spain)",
    "eu-west-1": "EU (Ireland)",
    "eu-west-2": "EU (London)",
    "eu-west-3": "EU (Paris)",
    "il-central-1": "Israel (Tel Aviv)",
    "me-central-1": "Middle East (UAE)",
    "me-south-1": "Middle East (Bahrain)",
    "mx-central-1": "Mexico (Central)",
    "sa-east-1": "South America (Sao Paulo)",
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-gov-east-1": "AWS GovCloud (US-East)",
    "us-gov-west-1": "AWS GovCloud (US-West)",
    "us-west-1": "US West (N. California)",
    "us-west-2": "US West (Oregon)",
}

# How an id that is no ARN begins → the type of the resource, as AWS's own FOCUS export names it.
RESOURCE_TYPES: dict[str, str] = {
    "i-": "instance",
    "vol-": "volume",
    "snap-": "snapshot",
    "nat-": "natgateway",
    "eni-": "network-interface",
    "eipalloc-": "elastic-ip",
    "tgw-": "transit-gateway",
    "vpce-": "vpc-endpoint",
    "fs-": "file-system",
}


def inline(rows: Sequence[Mapping[str, str | None]]) -> ir.Table:
    """A table of text that stands in the query itself, so that no engine has to be told of it.

    It is one literal, taken apart by the engine: a query with a thousand literals takes long to plan. Blank is null.
    The marks mean nothing in a regular expression, which is what Spark splits by.
    """
    written = ";".join("~".join(value or "" for value in row.values()) for row in rows)
    table = ibis.literal(written).split(";").unnest().name("row").as_table()
    fields = table["row"].split("~")
    return table.select(**{name: fields[place].nullif("") for place, name in enumerate(rows[0])})


def join(table: ir.Table, key: ir.StringValue, rows: Sequence[Mapping[str, str | None]], on: str) -> ir.Table:
    """`table` with the other columns of `rows` beside it, null where `key` is not found in `on`."""
    found = inline(rows)
    return table.left_join(found, key == found[on]).drop(on)


def by_first_found(text: ir.StringValue, fragments: Mapping[str, str]) -> ir.StringValue:
    return ibis.cases(*((text.contains(part), ibis.literal(value)) for part, value in fragments.items()))
