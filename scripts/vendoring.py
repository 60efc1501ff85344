"""The site's third-party files, copied with their licences and compressed. `scripts/vendor` fetches and runs."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import brotli

HERE = Path(__file__).parent
PACKAGES = HERE / "vendored" / "node_modules"
STATIC = HERE.parent / "src" / "outlay" / "web" / "static" / "vendor"

# (package, its file, where it goes). The licence of each package goes beside.
FILES = (
    ("@tabler/core", "dist/css/tabler.min.css", "tabler/tabler.min.css"),
    ("@tabler/core", "dist/js/tabler.min.js", "tabler/tabler.min.js"),
    # The package itself comes without its licence's text.
    ("@tabler/core", "../../../tabler-LICENSE", "tabler/LICENSE"),
    ("@tabler/icons", "LICENSE", "icons/LICENSE"),
    ("@fontsource-variable/inter", "files/inter-latin-wght-normal.woff2", "inter/inter-latin.woff2"),
    ("@fontsource-variable/inter", "files/inter-latin-ext-wght-normal.woff2", "inter/inter-latin-ext.woff2"),
    ("@fontsource-variable/inter", "LICENSE", "inter/LICENSE"),
    ("echarts", "dist/echarts.common.min.js", "echarts/echarts.min.js"),
    ("echarts", "LICENSE", "echarts/LICENSE"),
    ("echarts", "NOTICE", "echarts/NOTICE"),
    ("zrender", "LICENSE", "echarts/LICENSE-zrender"),
    ("htmx.org", "dist/htmx.min.js", "htmx/htmx.min.js"),
    ("htmx.org", "LICENSE", "htmx/LICENSE"),
)

# What templates may name in {% icon %}, drawn by the outline icon of Tabler's that stands beside it.
ICONS = {
    "add": "plus",
    "alert": "alert-triangle",
    "api": "api",
    "back": "arrow-left",
    "bill": "receipt-2",
    "bell": "bell",
    "bucket": "bucket",
    "calendar": "calendar",
    "chart-area": "chart-area-line",
    "chart-bar": "chart-bar",
    "chart-line": "chart-line",
    "check": "check",
    "circle-check": "circle-check",
    "circle-x": "circle-x",
    "clock": "clock",
    "close": "x",
    "cloud": "cloud",
    "columns": "columns",
    "connection": "plug-connected",
    "copy": "copy",
    "database": "database",
    "device": "device-desktop",
    "down": "chevron-down",
    "download": "download",
    "edit": "pencil",
    "explorer": "chart-histogram",
    "external": "external-link",
    "file": "file-text",
    "filter": "filter",
    "folder": "folder",
    "history": "history",
    "info": "info-circle",
    "key": "key",
    "left": "chevron-left",
    "link": "link",
    "lock": "lock",
    "menu": "menu-2",
    "moon": "moon",
    "more": "dots-vertical",
    "overview": "layout-dashboard",
    "password": "password",
    "pause": "player-pause",
    "play": "player-play",
    "refresh": "refresh",
    "right": "chevron-right",
    "save": "device-floppy",
    "scale": "scale",
    "search": "search",
    "settings": "settings",
    "share": "share",
    "shield": "shield-check",
    "sign-in": "login",
    "sign-out": "logout",
    "sort": "arrows-sort",
    "stop": "player-stop",
    "sun": "sun",
    "trash": "trash",
    "trending-down": "trending-down",
    "trending-up": "trending-up",
    "up": "chevron-up",
    "user": "user",
    "users": "users",
}

COMPRESSED = (".css", ".js", ".svg")
MAP = re.compile(r"\n?(?://|/\*)# sourceMappingURL=[^\n*]*(?:\*/)?\s*$")


def main() -> None:
    shutil.rmtree(STATIC, ignore_errors=True)
    for package, source, target in FILES:
        _write(STATIC / target, (PACKAGES / package / source).read_bytes())
    _write(STATIC / "icons" / "icons.svg", sprite().encode())
    versions = {package: _version(package) for package in sorted({package for package, _, _ in FILES})}
    _write(STATIC / "versions.json", (json.dumps(versions, indent=2) + "\n").encode())


def sprite() -> str:
    head = '<svg xmlns="http://www.w3.org/2000/svg">\n<!-- Tabler Icons, MIT, see LICENSE beside. -->\n'
    return "".join((head, *_symbols(), "</svg>\n"))


def _symbols() -> Iterator[str]:
    for name, drawn in ICONS.items():
        text = (PACKAGES / "@tabler/icons" / "icons" / "outline" / f"{drawn}.svg").read_text()
        shapes = " ".join(text.partition("<svg")[2].partition(">")[2].strip().removesuffix("</svg>").split())
        yield f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>\n'


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".css", ".js"):
        content = MAP.sub("\n", content.decode()).encode()
    path.write_bytes(content)
    if path.suffix in COMPRESSED:
        path.with_name(f"{path.name}.br").write_bytes(brotli.compress(content))
        # Without a time stamp, so that the same content is the same file.
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content, mtime=0))


def _version(package: str) -> str:
    version: str = json.loads((PACKAGES / package / "package.json").read_text())["version"]
    return version


if __name__ == "__main__":
    main()
