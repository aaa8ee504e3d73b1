"""What the simulated Redshift Serverless holds, by account and region, and its errors."""

from __future__ import annotations

import copy
import uuid
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

namespaces: Any = AccountRegionScopedDict()  # by name
workgroups: Any = AccountRegionScopedDict()  # by name
usage_limits: Any = AccountRegionScopedDict()  # by id
tags: Any = AccountRegionScopedDict()  # by ARN: {key: value}

STORES = {
    "namespaces": namespaces,
    "workgroups": workgroups,
    "usage_limits": usage_limits,
    "tags": tags,
}


class ServiceError(Exception):
    """An answer of the service that is an error: its code, and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def not_found(kind: str, name: str) -> ServiceError:
    """Make the error of something that is not there."""
    return ServiceError("ResourceNotFoundException", f"The {kind} {name} is not found.")


def conflict(message: str) -> ServiceError:
    """Make the error of a request that contradicts what is there."""
    return ServiceError("ConflictException", message)


def invalid(message: str) -> ServiceError:
    """Make the error of a request that cannot be right."""
    return ServiceError("ValidationException", message)


def new_id() -> str:
    """Return an identifier of its own."""
    return str(uuid.uuid4())


def arn_of(kind: str, identifier: str) -> str:
    """Return the ARN of a namespace, workgroup or usage limit by its id, not its name."""
    return f"arn:aws:redshift-serverless:{get_region()}:{get_account_id()}:{kind}/{identifier}"


def tagged(items: Any) -> dict[str, str]:
    """Return tags as a mapping of those of a request: a list of keys and values."""
    return {item["key"]: item.get("value", "") for item in items or ()}


def tag_resource(parameters: dict[str, Any]) -> dict[str, Any]:
    """Add tags to a resource."""
    _tags_of(parameters["resourceArn"]).update(tagged(parameters["tags"]))
    return {}


def untag_resource(parameters: dict[str, Any]) -> dict[str, Any]:
    """Remove tags of a resource by their keys."""
    held = _tags_of(parameters["resourceArn"])
    for key in parameters["tagKeys"]:
        held.pop(key, None)
    return {}


def list_tags_for_resource(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the tags of a resource."""
    held = _tags_of(parameters["resourceArn"])
    return {"tags": [{"key": key, "value": value} for key, value in held.items()]}


def _tags_of(arn: str) -> dict[str, str]:
    held: dict[str, str] | None = tags.get(arn)
    if held is None:
        raise not_found("resource", arn)
    return held


def reset() -> None:
    """Forget everything."""
    for store in STORES.values():
        store.clear()


def get_state() -> dict[str, Any]:
    """Return all that is to be kept, of every account and region."""
    return {name: copy.deepcopy(store) for name, store in STORES.items()}


def load_persisted_state(data: dict[str, Any] | None) -> None:
    """Put back what get_state returned."""
    for name, store in STORES.items():
        kept = (data or {}).get(name)
        store.clear()
        # No truth test: a store that holds other accounts' entries alone counts as empty here.
        if kept is not None:
            store.update(kept)
