"""Run focus_converters on a packed bill: it reads plain CSV only, so unpacking is part of its work."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
from pathlib import Path


def main(command: str, packed: str, into: str) -> None:
    folder = Path(into)
    (folder / "out").mkdir(parents=True)
    plain = folder / "bill.csv"
    with gzip.open(packed) as source, plain.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    asked = ["convert", "--provider", "aws-cur", "--data-format", "csv", "--data-path", str(plain)]
    asked += ["--parquet-data-format", "file", "--export-path", str(folder / "out"), "--export-include-source-columns"]
    os.execv(command, [command, *asked])


if __name__ == "__main__":
    main(*sys.argv[1:])
