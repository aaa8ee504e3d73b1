"""The simulated services as the emulator calls them: requests in, JSON 1.1 out."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.validate import ParamValidator

from glue.local.redshift import namespaces, stores, workgroups
from glue.local.redshift.stores import ServiceError, get_state, load_persisted_state, reset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import ServiceModel

    Answer = tuple[int, dict[str, str], bytes]

__all__ = ["get_state", "handle_request", "load_persisted_state", "reset"]

SERVICE = "redshift-serverless"
CONTENT_TYPE = "application/x-amz-json-1.1"
OK, BAD_REQUEST = 200, 400

ACTIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "CreateNamespace": namespaces.create_namespace,
    "CreateUsageLimit": workgroups.create_usage_limit,
    "CreateWorkgroup": workgroups.create_workgroup,
    "DeleteNamespace": namespaces.delete_namespace,
    "DeleteUsageLimit": workgroups.delete_usage_limit,
    "DeleteWorkgroup": workgroups.delete_workgroup,
    "GetCredentials": workgroups.get_credentials,
    "GetNamespace": namespaces.get_namespace,
    "GetUsageLimit": workgroups.get_usage_limit,
    "GetWorkgroup": workgroups.get_workgroup,
    "ListNamespaces": namespaces.list_namespaces,
    "ListTagsForResource": stores.list_tags_for_resource,
    "ListUsageLimits": workgroups.list_usage_limits,
    "ListWorkgroups": workgroups.list_workgroups,
    "TagResource": stores.tag_resource,
    "UntagResource": stores.untag_resource,
    "UpdateNamespace": namespaces.update_namespace,
    "UpdateUsageLimit": workgroups.update_usage_limit,
    "UpdateWorkgroup": workgroups.update_workgroup,
}


async def handle_request(
    method: str,  # noqa: ARG001 - every service is called alike
    path: str,  # noqa: ARG001
    headers: Mapping[str, str],
    body: bytes,
    query_params: Mapping[str, Any],  # noqa: ARG001
) -> Answer:
    """Answer one request of the control plane."""
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    try:
        return answer(OK, perform(action, body))
    except ServiceError as error:
        return refuse(error)


def perform(action: str, body: bytes) -> dict[str, Any]:
    """Return what an action answers. Raises ServiceError when it cannot be done."""
    perform_it = ACTIONS.get(action)
    if perform_it is None:
        raise stores.invalid(f"{action or 'The action'} is not simulated by the local cloud.")
    try:
        parameters = json.loads(body or b"{}")
    except ValueError as error:
        raise stores.invalid("The request is no JSON.") from error
    shape: Any = _model().operation_model(action).input_shape
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        raise stores.invalid(report.generate_report())
    return perform_it(parameters)


def answer(status: int, document: dict[str, Any]) -> Answer:
    """Make an answer of the JSON protocol."""
    return status, {"Content-Type": CONTENT_TYPE}, json.dumps(document).encode()


def refuse(error: ServiceError) -> Answer:
    """Make the answer that an error is."""
    status, headers, body = answer(BAD_REQUEST, {"__type": error.code, "message": str(error)})
    return status, headers | {"x-amzn-errortype": error.code}, body


@functools.cache
def _model() -> ServiceModel:
    return botocore.session.get_session().get_service_model(SERVICE)
