"""An AWS API of the JSON protocol: each request and each answer is checked against botocore's model of the service."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.loaders
from botocore.model import OperationModel, ServiceModel

from tests.aws_standin.shapes import faults

Answer = dict[str, Any]


class Refused(Exception):
    """An error as AWS answers it: its code, its message, headers of its own, and other members of its shape."""

    def __init__(
        self, code: str, message: str, *, status: int = 400, headers: dict[str, str] | None = None, **more: str
    ) -> None:
        super().__init__(message)
        self.headers = headers or {}
        self.code, self.message, self.status, self.more = code, message, status, more


@cache
def model_of(service: str) -> ServiceModel:
    return ServiceModel(botocore.loaders.Loader().load_service_model(service, "service-2"), service)


class JsonApi:
    """Operations are methods of the derived class, named in snake case: (account, parameters) → answer."""

    service: str

    def __init__(self) -> None:
        self.model = model_of(self.service)

    def operation(self, target: str) -> OperationModel:
        """Of a `X-Amz-Target`. Raises Refused for what the service does not have."""
        prefix, _, name = target.partition(".")
        if prefix != self.model.metadata["targetPrefix"] or name not in self.model.operation_names:
            raise Refused("UnknownOperationException", f"There is no operation {target}")
        return self.model.operation_model(name)

    def answer(self, account: str, operation: OperationModel, body: bytes) -> bytes:
        """Raises Refused."""
        method = getattr(self, _snake(operation.name), None)
        if method is None:
            raise Refused("UnknownOperationException", f"The stand-in has no {operation.name}", status=501)
        found = self._call(method, account, operation, json.loads(body or b"{}"))
        return json.dumps(found, default=_moment).encode()

    def _call(self, method: Any, account: str, operation: OperationModel, parameters: Answer) -> Answer:
        if wrong := list(faults(operation.input_shape, parameters)):
            raise Refused("ValidationException", "; ".join(wrong))
        answer: Answer = method(account, parameters)
        if wrong := list(faults(operation.output_shape, answer)):
            raise AssertionError(f"{operation.name} answers what AWS would not: {'; '.join(wrong)}")
        return answer


def page(items: list[Any], parameters: Answer, default: int) -> tuple[list[Any], Answer]:
    """The items of this page, and `NextToken` when there are more. Raises Refused for a token of nobody's making."""
    token = parameters.get("NextToken", "page-0")
    if not re.fullmatch(r"page-\d+", token):
        raise Refused("ValidationException", f"NextToken {token!r} is invalid")
    start = int(token.partition("-")[2])
    stop = start + parameters.get("MaxResults", default)
    return items[start:stop], {"NextToken": f"page-{stop}"} if stop < len(items) else {}


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _moment(value: object) -> str:
    assert isinstance(value, datetime)
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
