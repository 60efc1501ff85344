"""The script around the FOCUS Foundation's validator reads its answer rightly; the validator itself is not needed."""

from __future__ import annotations

import pytest

from tests.focus_validator.check import KNOWN_BAD, failures, unexpected

ANSWER = """=== Validation Results ===
Total: 578 | Pass: 574 | Fail: 4 | Skipped: 0
✅ BilledCost-C-001-M: PASS
❌ BilledCost-C-003-M: FAIL  (violations=2, msg=BilledCost MUST NOT be NULL., 1.2ms)
❌ BilledCost-C-000-M: FAIL  (violations=1, msg=AND failed - failed child rules: [BilledCost-C-003-M])
❌ InvoiceId-C-005-C: FAIL  (violations=33, msg=InvoiceId MUST NOT be NULL., 1.4ms)
❌ SubAccountId-C-001-M: FAIL  (violations=24, msg=SubAccountId MUST be of type VARCHAR (string)., 2.0ms)
--- Failures ---
"""


def rules(*, is_csv: bool, allowed: tuple[str, ...] = ()) -> list[str]:
    return [failure.rule for failure in unexpected(failures(ANSWER), allowed, is_csv=is_csv)]


def test_a_rule_that_is_not_known_to_be_bad_is_unexpected_and_its_parents_are_not() -> None:
    assert rules(is_csv=False) == ["BilledCost-C-003-M", "SubAccountId-C-001-M"]
    assert failures(ANSWER)[0].violations == 2


def test_a_csv_s_guessed_types_are_not_the_file_s_fault() -> None:
    assert rules(is_csv=True) == ["BilledCost-C-003-M"]


def test_a_rule_may_be_allowed_by_name() -> None:
    assert rules(is_csv=True, allowed=("BilledCost-C-003-M",)) == []


def test_an_answer_without_totals_is_no_pass() -> None:
    with pytest.raises(ValueError, match="gave no result"):
        failures("Traceback (most recent call last):")


def test_every_rule_that_is_known_to_be_bad_has_its_reason() -> None:
    assert all(KNOWN_BAD.values())
