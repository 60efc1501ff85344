"""Run the FOCUS Foundation's validator on FOCUS 1.2 files, and fail on any rule that is not known to be bad.

    python tests/focus_validator/check.py [--allow RULE …] FILE …

The validator needs Python 3.12 or newer; it is installed once, into `.cache/focus-validator` or what
OUTLAY_FOCUS_VALIDATOR names. It exits with 0 even when rules fail, so its answer is read. Exit codes: 0 passed,
1 a rule failed, 3 there is no such Python.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PINS = ("focus-validator==2.2.1", "pyarrow<23")
MODEL = "1.2.0.1"
HOME = Path(os.environ.get("OUTLAY_FOCUS_VALIDATOR", Path(__file__).parents[2] / ".cache" / "focus-validator"))

# Rule → why its failure says nothing about a file. Sources: FOCUS_Spec issues 2393 and 2394, and the model itself.
KNOWN_BAD = {
    "CommitmentDiscountStatus-C-004-C": "its condition is not inverted, and contradicts C-003-C",
    "CapacityReservationStatus-C-003-C": "its condition is dropped, so it fires on every row",
    "CapacityReservationStatus-C-004-C": "its condition is dropped, so it fires on every row",
    "InvoiceId-C-004-C": "has no condition: this one or C-005-C fails on every row",
    "InvoiceId-C-005-C": "has no condition: this one or C-004-C fails on every row",
    "EffectiveCost-C-005-C": "wants 0 on every purchase; the text says those that cover future charges",
    "BilledCost-C-005-C": "wants 0 wherever provider and invoice issuer have different names, as AWS's own do",
}
_FAILED = re.compile(r"^❌ (?P<rule>\S+): FAIL\s+\(violations=(?P<count>\d+), msg=(?P<message>.*)\)$", re.MULTILINE)
_TOTAL = re.compile(r"^Total: .*$", re.MULTILINE)
# The validator reads a CSV by guessing: ids that are all digits become numbers, whatever is in the file.
_GUESSED = "MUST be of type VARCHAR"


@dataclass(frozen=True)
class Failure:
    rule: str
    violations: int
    message: str

    @property
    def is_cascade(self) -> bool:
        """Failed only because rules below it failed, and those are listed too."""
        return "failed child rules" in self.message


def failures(answer: str) -> list[Failure]:
    """Raises ValueError when the answer has no totals: then the validator did not run to its end."""
    if not _TOTAL.search(answer):
        raise ValueError(f"The validator gave no result:\n{answer[-2000:]}")
    return [Failure(each["rule"], int(each["count"]), each["message"]) for each in _FAILED.finditer(answer)]


def unexpected(found: Iterable[Failure], allowed: Iterable[str], *, is_csv: bool) -> list[Failure]:
    known = {*KNOWN_BAD, *allowed}
    return [
        failure
        for failure in found
        if not failure.is_cascade and failure.rule not in known and not (is_csv and _GUESSED in failure.message)
    ]


def python() -> str | None:
    """A Python of 3.12 or newer that really starts; a version manager's stub may not."""
    candidates = [*(shutil.which(f"python3.{minor}") for minor in (12, 13)), *_managed()]
    question = ["-c", "import sys; sys.exit(sys.version_info < (3, 12))"]
    for each in filter(None, candidates):
        if subprocess.run([each, *question], capture_output=True, check=False).returncode == 0:
            return each
    return None


def _managed() -> Iterator[str]:
    homes = (Path.home() / ".pyenv" / "versions", Path.home() / ".local" / "share" / "uv" / "python")
    for home in homes:
        for minor in (12, 13):
            yield from map(str, sorted(home.glob(f"*3.{minor}*/bin/python3")))


def installed(interpreter: str) -> Path:
    """The folder of the validator's packages, from which it has to be started; made at the first call."""
    if not (HOME / "bin" / "focus-validator").exists():
        subprocess.run([interpreter, "-m", "venv", HOME], check=True)
        subprocess.run([HOME / "bin" / "pip", "install", "--quiet", *PINS], check=True)
    return next(HOME.glob("lib/python3.*/site-packages"))


def validate(file: Path, packages: Path) -> str:
    command = [str(HOME / "bin" / "focus-validator"), "--data-file", str(file.resolve()), "--validate-version", MODEL]
    options = ["--block-download", "--applicability-criteria", "ALL"]
    return subprocess.run([*command, *options], cwd=packages, capture_output=True, text=True, check=False).stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--allow", action="append", default=[], metavar="RULE", help="a rule that the bill itself breaks"
    )
    arguments = parser.parse_args()
    interpreter = python()
    if interpreter is None:
        sys.stderr.write("No Python of 3.12 or newer was found: the FOCUS validator cannot run here.\n")
        return 3
    packages = installed(interpreter)
    return max([_report(file, validate(file, packages), arguments.allow) for file in arguments.files])


def _report(file: Path, answer: str, allowed: list[str]) -> int:
    found = failures(answer)
    bad = unexpected(found, allowed, is_csv=file.suffix == ".csv")
    total = _TOTAL.search(answer)
    follows = len(found) - len(bad)
    lines = [f"{file}: {total[0] if total else ''}; known to be bad, or following from it: {follows}"]
    lines += [f"  {failure.rule}: {failure.violations} × {failure.message}" for failure in bad]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
