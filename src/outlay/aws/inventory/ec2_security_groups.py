"""Security groups, with what they let in from anywhere. Source: Amazon EC2 API reference, `DescribeSecurityGroups`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from outlay.aws.inventory.base import Kind, Look, Resource

_NAME = "ec2-security-group"
_ANYWHERE = frozenset(("0.0.0.0/0", "::/0"))


def _find(look: Look) -> Iterator[Resource]:
    for each in look.all("ec2", "DescribeSecurityGroups", "SecurityGroups"):
        rules = each.get("IpPermissions", ())
        yield look.made(
            _NAME,
            each["GroupId"],
            look.arn("ec2", f"security-group/{each['GroupId']}"),
            name=each.get("GroupName", ""),
            state="open to the world" if any(map(_from_anywhere, rules)) else "closed",
            tags=each.get("Tags", ()),
            vpc=each.get("VpcId"),
            description=each.get("Description"),
            open_to_the_world=sorted(
                f"{_ports(rule)} from {source}" for rule in rules for source in _from_anywhere(rule)
            ),
            rules_in=len(rules),
            rules_out=len(each.get("IpPermissionsEgress", ())),
        )


def _from_anywhere(rule: Mapping[str, Any]) -> list[str]:
    ranges = [each.get("CidrIp", "") for each in rule.get("IpRanges", ())]
    ranges += [each.get("CidrIpv6", "") for each in rule.get("Ipv6Ranges", ())]
    return [each for each in ranges if each in _ANYWHERE]


def _ports(rule: Mapping[str, Any]) -> str:
    """Such as `tcp 22`, `tcp 8000-8080`, `every port`."""
    protocol = rule.get("IpProtocol", "-1")
    if protocol == "-1":
        return "every port"
    first, last = rule.get("FromPort"), rule.get("ToPort")
    if first is None or first == -1:
        return str(protocol)
    return f"{protocol} {first}" if first == last else f"{protocol} {first}-{last}"


EC2_SECURITY_GROUPS = Kind(_NAME, "security group", ("ec2:DescribeSecurityGroups",), _find, size=1000)
