"""`outlay export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

import outlay
from outlay.cli.options import Json
from outlay.cli.output import count, print_json, say


def export(
    directory: Annotated[Path, Parameter(help="The folder to write to; it is made when it is not there.")],
    /,
    *,
    focus: Annotated[
        str, Parameter("--focus", metavar="VERSION", help="The FOCUS version, 1.0 to 1.4.", show_default=True)
    ] = "1.2",
    format: Annotated[
        Literal["parquet", "csv"], Parameter("--format", help="The kind of file.", show_default=True)
    ] = "parquet",
    json: Json = False,
) -> None:
    """Write the charges as FOCUS files.

    One file a billing period and connection, in a folder a month. Files of the same name are replaced.

    For example:

    outlay export --focus 1.2 --format csv focus-files
    """
    from outlay.cli.progress import working

    with outlay.open() as o, working("writing"):
        files = o.export(directory, version=focus, format=format)
    if json:
        print_json({"directory": str(directory.absolute()), "files": [str(file.absolute()) for file in files]})
    elif files:
        say(f"{count(len(files), 'file')} of FOCUS {focus} written to {directory}.")
    else:
        say("The lake holds no charges: nothing was written.")
        say("next: Bring bills in with outlay ingest.")
