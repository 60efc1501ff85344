"""What makes a command quick to start and to end."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

# A command's objects mostly live as long as it does: looking through them every few hundred took a tenth of its time.
_NEW_OBJECTS = 200_000


class _Refused:
    """A finder that knows of no pandas.

    pyarrow loads it, a third of a second, to recognise its frames. No command makes one.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("No command needs pandas.", name=name)


def begin() -> None:
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
    sys.meta_path.insert(0, _Refused())


def end() -> None:
    """Nothing is left to be found by the interpreter's last looks through all objects, half a second in all."""
    gc.freeze()
