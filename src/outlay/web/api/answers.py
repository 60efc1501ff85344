"""What every operation may answer besides what was asked for."""

from __future__ import annotations

from typing import Any

from outlay.web.api.shapes import Error

ERRORS: dict[Any, Any] = dict.fromkeys((400, 401, 403, 404, 405, 409, 422, 500, 502, 503), Error)
# Of what changes something.
WRITE_ERRORS: dict[Any, Any] = {**ERRORS, 413: Error}
