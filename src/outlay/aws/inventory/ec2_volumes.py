"""EBS volumes. Source: Amazon EC2 API reference, `DescribeVolumes`."""

from __future__ import annotations

from collections.abc import Iterator

from outlay.aws.inventory.base import Kind, Look, Resource

_NAME = "ec2-volume"


def _find(look: Look) -> Iterator[Resource]:
    for each in look.all("ec2", "DescribeVolumes", "Volumes"):
        yield look.made(
            _NAME,
            each["VolumeId"],
            look.arn("ec2", f"volume/{each['VolumeId']}"),
            state=each.get("State", ""),
            created=each.get("CreateTime"),
            tags=each.get("Tags", ()),
            type=each.get("VolumeType"),
            gib=each.get("Size"),
            iops=each.get("Iops"),
            throughput=each.get("Throughput"),
            encrypted=each.get("Encrypted"),
            zone=each.get("AvailabilityZone"),
            snapshot=each.get("SnapshotId"),
            attached_to=sorted(to["InstanceId"] for to in each.get("Attachments", ()) if to.get("InstanceId")),
        )


EC2_VOLUMES = Kind(_NAME, "EBS volume", ("ec2:DescribeVolumes",), _find, size=500)
