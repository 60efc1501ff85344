"""`outlay completion`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import Parameter


def completion(shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="Your shell.")], /) -> None:
    """Print what a shell needs to complete commands.

    For example:

    outlay completion bash > ~/.local/share/bash-completion/completions/outlay
    outlay completion fish > ~/.config/fish/completions/outlay.fish
    """
    from outlay.cli.app import make_app

    sys.stdout.write(make_app().generate_completion(prog_name="outlay", shell=shell))
