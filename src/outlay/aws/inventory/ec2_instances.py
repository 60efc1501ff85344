"""EC2 instances. Source: Amazon EC2 API reference, `DescribeInstances`."""

from __future__ import annotations

from collections.abc import Iterator

from outlay.aws.inventory.base import Kind, Look, Resource

_NAME = "ec2-instance"


def _find(look: Look) -> Iterator[Resource]:
    for reservation in look.all("ec2", "DescribeInstances", "Reservations"):
        for each in reservation["Instances"]:
            volumes = [disk["Ebs"]["VolumeId"] for disk in each.get("BlockDeviceMappings", ()) if "Ebs" in disk]
            yield look.made(
                _NAME,
                each["InstanceId"],
                look.arn("ec2", f"instance/{each['InstanceId']}"),
                state=each["State"]["Name"],
                created=each.get("LaunchTime"),
                tags=each.get("Tags", ()),
                type=each.get("InstanceType"),
                zone=each.get("Placement", {}).get("AvailabilityZone"),
                lifecycle=each.get("InstanceLifecycle", "on-demand"),
                platform=each.get("PlatformDetails"),
                image=each.get("ImageId"),
                vpc=each.get("VpcId"),
                subnet=each.get("SubnetId"),
                private_ip=each.get("PrivateIpAddress"),
                public_ip=each.get("PublicIpAddress"),
                volumes=sorted(volumes),
                security_groups=sorted(group["GroupId"] for group in each.get("SecurityGroups", ())),
                state_reason=each.get("StateTransitionReason"),
            )


EC2_INSTANCES = Kind(_NAME, "EC2 instance", ("ec2:DescribeInstances",), _find, size=500)
