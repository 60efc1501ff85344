"""Application, network and gateway load balancers with their targets.

Source: Elastic Load Balancing API reference 2015-12-01, `DescribeLoadBalancers`, `DescribeTargetGroups`,
`DescribeTargetHealth`, `DescribeTags`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from outlay.aws.inventory.base import Kind, Look, Resource

_NAME = "load-balancer"
_ACTION = "elasticloadbalancing:{}".format
_ACTIONS = ("DescribeLoadBalancers", "DescribeTargetGroups", "DescribeTargetHealth", "DescribeTags")
# As many as AWS tells the tags of by one call.
_TAGS_AT_ONCE = 20


def _find(look: Look) -> Iterator[Resource]:
    balancers = look.all("elbv2", "DescribeLoadBalancers", "LoadBalancers", action=_ACTION("DescribeLoadBalancers"))
    targets: dict[str, list[Any]] | None = None
    while some := list(islice(balancers, _TAGS_AT_ONCE)):
        if targets is None:
            targets = look.part(lambda: _targets(look))
        tags = look.part(partial(_tags, look, [each["LoadBalancerArn"] for each in some])) or {}
        for each in some:
            yield _made(look, each, tags.get(each["LoadBalancerArn"], ()), targets)


def _made(look: Look, each: Any, tags: Any, targets: dict[str, list[Any]] | None) -> Resource:
    arn = each["LoadBalancerArn"]
    its = None if targets is None else targets.get(arn, [])
    return look.made(
        _NAME,
        # As charges have it: app/name/0123456789abcdef.
        arn.partition(":loadbalancer/")[2],
        arn,
        name=each.get("LoadBalancerName", ""),
        state=each.get("State", {}).get("Code", ""),
        created=each.get("CreatedTime"),
        tags=tags,
        type=each.get("Type"),
        scheme=each.get("Scheme"),
        vpc=each.get("VpcId"),
        dns=each.get("DNSName"),
        security_groups=sorted(each.get("SecurityGroups", ())),
        # Unlike none, unknown is left out.
        target_count=None if its is None else len(its),
        targets=its,
    )


def _targets(look: Look) -> dict[str, list[Any]]:
    """By load balancer: the targets of all its groups."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for group in look.all("elbv2", "DescribeTargetGroups", "TargetGroups", action=_ACTION("DescribeTargetGroups")):
        balancers = group.get("LoadBalancerArns", ())
        if not balancers:
            continue
        told = look.ask(
            *("elbv2", "DescribeTargetHealth"),
            action=_ACTION("DescribeTargetHealth"),
            TargetGroupArn=group["TargetGroupArn"],
        )
        for each in told["TargetHealthDescriptions"]:
            target = {"id": each["Target"]["Id"], "health": each["TargetHealth"]["State"]}
            for balancer in balancers:
                found[balancer].append({"group": group["TargetGroupName"], **target})
    return {
        balancer: sorted(each, key=lambda target: (target["group"], target["id"])) for balancer, each in found.items()
    }


def _tags(look: Look, arns: Sequence[str]) -> dict[str, Any]:
    told = look.ask("elbv2", "DescribeTags", action=_ACTION("DescribeTags"), ResourceArns=list(arns))
    return {each["ResourceArn"]: each["Tags"] for each in told["TagDescriptions"]}


LOAD_BALANCERS = Kind(_NAME, "load balancer", tuple(map(_ACTION, _ACTIONS)), _find, size=400)
