"""Every kind of resource that Outlay looks for. A new kind is a file beside this one and a row here."""

from __future__ import annotations

from outlay.aws.inventory.base import Kind
from outlay.aws.inventory.classic_load_balancers import CLASSIC_LOAD_BALANCERS
from outlay.aws.inventory.ec2_addresses import EC2_ADDRESSES
from outlay.aws.inventory.ec2_images import EC2_IMAGES
from outlay.aws.inventory.ec2_instances import EC2_INSTANCES
from outlay.aws.inventory.ec2_security_groups import EC2_SECURITY_GROUPS
from outlay.aws.inventory.ec2_snapshots import EC2_SNAPSHOTS
from outlay.aws.inventory.ec2_volumes import EC2_VOLUMES
from outlay.aws.inventory.iam_users import IAM_USERS
from outlay.aws.inventory.load_balancers import LOAD_BALANCERS
from outlay.aws.inventory.s3_buckets import S3_BUCKETS

KINDS: tuple[Kind, ...] = (
    EC2_INSTANCES,
    EC2_VOLUMES,
    EC2_SNAPSHOTS,
    EC2_IMAGES,
    EC2_ADDRESSES,
    EC2_SECURITY_GROUPS,
    LOAD_BALANCERS,
    CLASSIC_LOAD_BALANCERS,
    S3_BUCKETS,
    IAM_USERS,
)
NAMES = tuple(kind.name for kind in KINDS)
