"""Checking a request against AWS's own description of the API, which botocore carries."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from glue.local.batch.errors import ClientError


@cache
def _model() -> Any:
    return botocore.session.get_session().get_service_model("batch")


def check(operation: str, payload: dict[str, Any]) -> None:
    """Check required members, types and enumerations of a request.

    Raises ClientError with everything that is wrong.
    """
    shape = _model().operation_model(operation).input_shape
    # AWS passes over members that it does not know; so a newer SDK is no obstacle.
    report = ParamValidator().validate(_known(payload, shape), shape)
    wrong = [report.generate_report()] if report.has_errors() else list(_strays(payload, shape, ""))
    if wrong:
        raise ClientError("Error executing request, Exception : " + "; ".join(wrong))


def _known(value: Any, shape: Any) -> Any:
    """Return a value without the members that its shape does not have."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            name: _known(value[name], member)
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_known(entry, shape.member) for entry in value]
    return value


def _strays(value: Any, shape: Any, path: str) -> Any:
    """Yield a sentence for each value that its enumeration does not know."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _strays(value[name], member, f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        for number, entry in enumerate(value):
            yield from _strays(entry, shape.member, f"{path}[{number}]")
    elif not _is_in(value, getattr(shape, "enum", None)):
        yield f"{path} must be one of {', '.join(shape.enum)}, found {value}"


def _is_in(value: Any, enum: list[str] | None) -> bool:
    """AWS does not mind how a word is written: the Terraform provider says retry for RETRY."""
    return not enum or value.upper() in {known.upper() for known in enum}


def limited(values: list[Any], field: str, most: int) -> list[Any]:
    """Return a list unless it is longer than allowed. Raises ClientError then."""
    if len(values) > most:
        raise ClientError(f"{field} must not have more than {most} entries, found {len(values)}")
    return values


def page(
    values: list[Any], payload: dict[str, Any], most: int = 100
) -> tuple[list[Any], str | None]:
    """Return one page of a list and the token of the next one, None at the end.

    Raises ClientError for a token that this service did not give.
    """
    token = payload.get("nextToken") or "0"
    if not token.isdigit():
        raise ClientError("nextToken is invalid")
    start = int(token)
    end = start + min(int(payload.get("maxResults") or most), most)
    return values[start:end], str(end) if end < len(values) else None
