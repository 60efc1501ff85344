"""Sample bills of an invented company, for trying Outlay without a cloud account and for its own tests."""

from outlay.demo.anycost import anycost_month, write_drop
from outlay.demo.aws_bill import aws_month
from outlay.demo.company import FERNWICK, LOFTLINE, Payer
from outlay.demo.data_export import write_aws_focus, write_cur2
from outlay.demo.focus_bill import AWS_FOCUS, NORDLICHT, focus_month
from outlay.demo.focus_folder import write_focus_folder
from outlay.demo.legacy_cur import write_legacy_cur
from outlay.demo.story import Story
from outlay.demo.year import SampleBill, write

__all__ = [
    "AWS_FOCUS",
    "FERNWICK",
    "LOFTLINE",
    "NORDLICHT",
    "Payer",
    "SampleBill",
    "Story",
    "anycost_month",
    "aws_month",
    "focus_month",
    "write",
    "write_aws_focus",
    "write_cur2",
    "write_drop",
    "write_focus_folder",
    "write_legacy_cur",
]
