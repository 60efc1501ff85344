"""One of each kind of resource, made in the stand-in by an administrator, and what Outlay is to see of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from tests.aws_standin.standin import StandIn

TAGS = [{"Key": "Name", "Value": "shop"}, {"Key": "team", "Value": "web"}]


@lru_cache
def _image_id(ec2: Any) -> str:
    """moto has hundreds."""
    return str(ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"])


@dataclass(frozen=True)
class Account:
    standin: StandIn
    id: str
    region: str

    def client(self, service: str) -> Any:
        return self.standin.client(service, self.id, region=self.region)

    @cached_property
    def ec2(self) -> Any:
        return self.client("ec2")

    def tag(self, id: str) -> str:
        self.ec2.create_tags(Resources=[id], Tags=TAGS)
        return id

    @property
    def zone(self) -> str:
        return f"{self.region}a"

    def image(self) -> str:
        return _image_id(self.ec2)

    def instance(self) -> str:
        made = self.ec2.run_instances(ImageId=self.image(), InstanceType="t3.small", MinCount=1, MaxCount=1)
        return str(made["Instances"][0]["InstanceId"])

    def volume(self) -> str:
        made = self.ec2.create_volume(AvailabilityZone=self.zone, Size=30, VolumeType="gp3")
        return str(made["VolumeId"])

    def subnets(self) -> list[str]:
        found = self.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
        return [each["SubnetId"] for each in found[:2]]


@dataclass(frozen=True)
class Sample:
    """`make` gives the id. `sees` are fields of the resource or of its details.

    `call` is the operation that lists the kind, `part` a permission without which a part of it stays unknown.
    """

    make: Callable[[Account, int], str]
    arn: str
    call: str
    sees: Mapping[str, Any]
    is_paged: bool = True
    part: str = ""


def _instance(at: Account, number: int) -> str:
    return at.tag(at.instance())


def _volume(at: Account, number: int) -> str:
    return at.tag(at.volume())


def _snapshot(at: Account, number: int) -> str:
    return at.tag(at.ec2.create_snapshot(VolumeId=at.volume(), Description="weekly")["SnapshotId"])


def _image(at: Account, number: int) -> str:
    return at.tag(at.ec2.create_image(InstanceId=at.instance(), Name=f"shop-{number}")["ImageId"])


def _address(at: Account, number: int) -> str:
    return at.tag(at.ec2.allocate_address(Domain="vpc")["AllocationId"])


def _security_group(at: Account, number: int) -> str:
    id = at.ec2.create_security_group(GroupName=f"shop-{number}", Description="for the shop")["GroupId"]
    at.ec2.authorize_security_group_ingress(
        GroupId=id,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 444, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
        ],
    )
    return at.tag(id)


def _balancer(at: Account, number: int) -> str:
    elb = at.client("elbv2")
    made = elb.create_load_balancer(
        Name=f"shop-{number}", Subnets=at.subnets(), Type=("application", "network", "gateway")[number % 3], Tags=TAGS
    )
    (balancer,) = made["LoadBalancers"]
    arn = str(balancer["LoadBalancerArn"])
    if number == 0:
        group = elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=balancer["VpcId"])["TargetGroups"][
            0
        ]
        elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": at.instance()}])
        elb.create_listener(
            LoadBalancerArn=arn,
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
        )
    return arn.partition(":loadbalancer/")[2]


def _classic(at: Account, number: int) -> str:
    elb, name = at.client("elb"), f"shop-{number}"
    listener = {"Protocol": "http", "LoadBalancerPort": 80, "InstancePort": 80}
    elb.create_load_balancer(LoadBalancerName=name, Listeners=[listener], AvailabilityZones=[at.zone], Tags=TAGS)
    if number == 0:
        elb.register_instances_with_load_balancer(LoadBalancerName=name, Instances=[{"InstanceId": at.instance()}])
    return name


def _bucket(at: Account, number: int) -> str:
    name = f"shop-{at.id}-{number}"
    at.standin.add_bucket(at.id, name, region=at.region, for_billing=False)
    s3 = at.client("s3")
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": TAGS})
    s3.put_bucket_acl(Bucket=name, ACL="public-read")
    return name


def _user(at: Account, number: int) -> str:
    iam, name = at.client("iam"), f"person-{number}"
    iam.create_user(UserName=name)
    iam.create_access_key(UserName=name)
    iam.create_login_profile(UserName=name, Password="Not-a-real-one-1")
    return name


_SHOP = {"name": "shop", "tags": {"Name": "shop", "team": "web"}}
SAMPLES: dict[str, Sample] = {
    "ec2-instance": Sample(
        _instance,
        "arn:aws:ec2:{region}:{account}:instance/{id}",
        "DescribeInstances",
        _SHOP | {"state": "running", "type": "t3.small", "lifecycle": "on-demand"},
    ),
    "ec2-volume": Sample(
        _volume,
        "arn:aws:ec2:{region}:{account}:volume/{id}",
        "DescribeVolumes",
        _SHOP | {"state": "available", "gib": 30, "type": "gp3", "attached_to": None},
    ),
    "ec2-snapshot": Sample(
        _snapshot,
        "arn:aws:ec2:{region}::snapshot/{id}",
        "DescribeSnapshots",
        _SHOP | {"state": "completed", "gib": 30, "description": "weekly"},
    ),
    "ec2-image": Sample(
        _image,
        "arn:aws:ec2:{region}::image/{id}",
        "DescribeImages",
        {"name": "shop-0", "state": "available", "tags": _SHOP["tags"]},
    ),
    "ec2-address": Sample(
        _address,
        "arn:aws:ec2:{region}:{account}:elastic-ip/{id}",
        "DescribeAddresses",
        _SHOP | {"state": "idle", "attached_to": None},
        is_paged=False,
    ),
    "ec2-security-group": Sample(
        _security_group,
        "arn:aws:ec2:{region}:{account}:security-group/{id}",
        "DescribeSecurityGroups",
        {
            "name": "shop-0",
            "state": "open to the world",
            "tags": _SHOP["tags"],
            "open_to_the_world": ["tcp 22 from 0.0.0.0/0"],
            "rules_in": 2,
        },
    ),
    "load-balancer": Sample(
        _balancer,
        "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/{id}",
        "DescribeLoadBalancers",
        {"name": "shop-0", "tags": _SHOP["tags"], "type": "application", "target_count": 1},
        part="elasticloadbalancing:DescribeTags",
    ),
    "classic-load-balancer": Sample(
        _classic,
        "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/{id}",
        "DescribeLoadBalancers",
        {"name": "shop-0", "tags": _SHOP["tags"], "type": "classic", "target_count": 1},
        part="elasticloadbalancing:DescribeTags",
    ),
    "s3-bucket": Sample(
        _bucket,
        "arn:aws:s3:::{id}",
        # Without a bucket in its path.
        "ListObjects",
        {"state": "public", "tags": _SHOP["tags"], "open_to": ["everybody: READ"], "blocks": None},
        is_paged=False,
        part="s3:GetBucketTagging",
    ),
    "iam-user": Sample(
        _user,
        "arn:aws:iam::{account}:user/{id}",
        "ListUsers",
        {"name": "person-0", "state": "active", "has_console": True, "key_count": 1},
        part="iam:ListAccessKeys",
    ),
}
