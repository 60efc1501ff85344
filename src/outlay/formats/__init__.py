"""What rows mean: each format turns raw rows into charges and proves that nothing was lost."""

from outlay.formats.base import Audit, Check, Context, Format, Rule
from outlay.formats.registry import FORMATS

__all__ = ["FORMATS", "Audit", "Check", "Context", "Format", "Rule"]
