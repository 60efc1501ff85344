"""How a connection is doing: facts and the time in, status, reason and next action out."""

from outlay.health.table import NEW_PERMISSIONS, Facts, Status, status, truth_table_markdown

__all__ = ["NEW_PERMISSIONS", "Facts", "Status", "status", "truth_table_markdown"]
