"""Classic load balancers with their instances.

Source: Elastic Load Balancing API reference 2012-06-01, `DescribeLoadBalancers`, `DescribeTags`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from outlay.aws.inventory.base import Kind, Look, Resource

_NAME = "classic-load-balancer"
_BALANCERS, _TAGS = "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTags"
_TAGS_AT_ONCE = 20


def _find(look: Look) -> Iterator[Resource]:
    balancers = look.all("elb", "DescribeLoadBalancers", "LoadBalancerDescriptions", action=_BALANCERS)
    while some := list(islice(balancers, _TAGS_AT_ONCE)):
        names = [each["LoadBalancerName"] for each in some]
        tags = look.part(partial(_tags, look, names)) or {}
        for each in some:
            name = each["LoadBalancerName"]
            instances = sorted(instance["InstanceId"] for instance in each.get("Instances", ()))
            yield look.made(
                _NAME,
                name,
                look.arn("elasticloadbalancing", f"loadbalancer/{name}"),
                name=name,
                created=each.get("CreatedTime"),
                tags=tags.get(name, ()),
                type="classic",
                scheme=each.get("Scheme"),
                vpc=each.get("VPCId"),
                dns=each.get("DNSName"),
                security_groups=sorted(each.get("SecurityGroups", ())),
                target_count=len(instances),
                targets=[{"id": instance} for instance in instances],
            )


def _tags(look: Look, names: Sequence[str]) -> dict[str, Any]:
    told = look.ask("elb", "DescribeTags", action=_TAGS, LoadBalancerNames=list(names))
    return {each["LoadBalancerName"]: each["Tags"] for each in told["TagDescriptions"]}


CLASSIC_LOAD_BALANCERS = Kind(_NAME, "classic load balancer", (_BALANCERS, _TAGS), _find, is_unique=False, size=400)
