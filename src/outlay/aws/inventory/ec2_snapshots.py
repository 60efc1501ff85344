"""EBS snapshots that the account owns. Source: Amazon EC2 API reference, `DescribeSnapshots`."""

from __future__ import annotations

from collections.abc import Iterator

from outlay.aws.inventory.base import Kind, Look, Resource

_NAME = "ec2-snapshot"


def _find(look: Look) -> Iterator[Resource]:
    for each in look.all("ec2", "DescribeSnapshots", "Snapshots", OwnerIds=["self"]):
        yield look.made(
            _NAME,
            each["SnapshotId"],
            # Of snapshots and images AWS's own ARNs name no account.
            f"arn:{look.partition}:ec2:{look.region}::snapshot/{each['SnapshotId']}",
            state=each.get("State", ""),
            created=each.get("StartTime"),
            tags=each.get("Tags", ()),
            gib=each.get("VolumeSize"),
            tier=each.get("StorageTier"),
            volume=each.get("VolumeId"),
            encrypted=each.get("Encrypted"),
            description=each.get("Description"),
        )


EC2_SNAPSHOTS = Kind(_NAME, "EBS snapshot", ("ec2:DescribeSnapshots",), _find, size=1000)
