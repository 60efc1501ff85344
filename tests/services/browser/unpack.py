"""The Chromium of the package beside, ready to run. `make setup-dev` calls it; it needs neither root nor a browser.

The package holds a build for 64-bit x86 with the libraries and fonts that it wants. On other machines the system's own
Chromium is taken.
"""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import brotli

HERE = Path(__file__).parent
PACKAGE = HERE / "node_modules" / "@sparticuz" / "chromium" / "bin"
UNPACKED = HERE / "node_modules" / ".chromium"

FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""


def main() -> None:
    draft = UNPACKED.with_name(".chromium-draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    program = draft / "chromium"
    program.write_bytes(_unpacked("chromium.br"))
    program.chmod(0o755)
    for name in ("al2023", "fonts", "swiftshader"):
        with tarfile.open(fileobj=io.BytesIO(_unpacked(f"{name}.tar.br"))) as archive:
            archive.extractall(draft / name, filter="data")
    (draft / "fonts.conf").write_text(FONTS.format(fonts=UNPACKED / "fonts" / "fonts", cache=UNPACKED / "fonts-cache"))
    shutil.rmtree(UNPACKED, ignore_errors=True)
    draft.rename(UNPACKED)


def _unpacked(name: str) -> bytes:
    content: bytes = brotli.decompress((PACKAGE / name).read_bytes())
    return content


if __name__ == "__main__":
    main()
