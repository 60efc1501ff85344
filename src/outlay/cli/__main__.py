"""`python -m outlay.cli` is `outlay`."""

from outlay.cli import main

main()
