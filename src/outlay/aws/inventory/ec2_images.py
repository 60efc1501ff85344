"""Machine images that the account owns. Source: Amazon EC2 API reference, `DescribeImages`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from outlay.aws.inventory.base import Kind, Look, Resource

_NAME = "ec2-image"


def _find(look: Look) -> Iterator[Resource]:
    for each in look.all("ec2", "DescribeImages", "Images", Owners=["self"]):
        snapshots = [disk["Ebs"].get("SnapshotId", "") for disk in each.get("BlockDeviceMappings", ()) if "Ebs" in disk]
        made = each.get("CreationDate")
        yield look.made(
            _NAME,
            each["ImageId"],
            f"arn:{look.partition}:ec2:{look.region}::image/{each['ImageId']}",
            name=each.get("Name", ""),
            state=each.get("State", ""),
            created=datetime.fromisoformat(made) if made else None,
            tags=each.get("Tags", ()),
            public=each.get("Public"),
            platform=each.get("PlatformDetails"),
            architecture=each.get("Architecture"),
            snapshots=sorted(filter(None, snapshots)),
            last_launched=each.get("LastLaunchedTime"),
        )


EC2_IMAGES = Kind(_NAME, "machine image", ("ec2:DescribeImages",), _find, size=1000)
