"""`python -m outlay.health > docs/health.md`"""

import sys

from outlay.health import truth_table_markdown

sys.stdout.write(truth_table_markdown())
