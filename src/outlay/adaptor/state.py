"""What an adaptor remembers from run to run: a small JSON file, replaced as a whole."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outlay.errors import SetupError
from outlay.storage.faults import translated
from outlay.storage.place import made_folder


@dataclass
class State:
    """`versions` are what was published last, by billing period ("" for all in one); `values` are the adaptor's own.

    It belongs to one target: what was published to another place says nothing of this one.
    """

    path: Path
    target: str
    versions: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, home: Path, name: str, target: str) -> State:
        return cls.read(home / "adaptors" / f"{name}.json", target)

    @classmethod
    def read(cls, path: Path, target: str) -> State:
        """Raises SetupError for a file that is not what was saved."""
        try:
            found: Any = json.loads(path.read_bytes())
            versions, values = dict(found["versions"]), dict(found["values"])
        except FileNotFoundError:
            return cls(path, target)
        except (ValueError, KeyError, TypeError) as error:
            raise SetupError(
                f"{path} is damaged.", next="Remove it: the adaptor then publishes anew what it has."
            ) from error
        except OSError as error:
            raise SetupError(f"{path} cannot be read: {error.strerror}.", next="Correct its permissions.") from error
        return cls(path, target, versions if found.get("target") == target else {}, values)

    def prepare(self) -> None:
        """See that it can be saved, before anything is published. Raises DiskFull and SetupError."""
        made_folder(self.path.parent)

    def save(self) -> None:
        """Whole or not at all. Raises DiskFull and SetupError."""
        self.prepare()
        draft = self.path.with_suffix(f".{os.getpid()}.draft")
        document = {"target": self.target, "versions": self.versions, "values": self.values}
        with translated(self.path, writing=self.path.parent):
            draft.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
            draft.replace(self.path)
