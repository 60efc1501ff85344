"""Elastic IP addresses. Source: Amazon EC2 API reference, `DescribeAddresses`, which has no pages."""

from __future__ import annotations

from collections.abc import Iterator

from outlay.aws.inventory.base import Kind, Look, Resource

_NAME = "ec2-address"


def _find(look: Look) -> Iterator[Resource]:
    for each in look.ask("ec2", "DescribeAddresses")["Addresses"]:
        # Those of before VPCs had no id but the address.
        id = each.get("AllocationId") or each["PublicIp"]
        attached_to = each.get("InstanceId") or each.get("NetworkInterfaceId")
        yield look.made(
            _NAME,
            id,
            look.arn("ec2", f"elastic-ip/{id}"),
            state="in use" if attached_to else "idle",
            tags=each.get("Tags", ()),
            address=each.get("PublicIp"),
            attached_to=attached_to,
            private_ip=each.get("PrivateIpAddress"),
            pool=each.get("PublicIpv4Pool"),
        )


EC2_ADDRESSES = Kind(_NAME, "Elastic IP address", ("ec2:DescribeAddresses",), _find)
