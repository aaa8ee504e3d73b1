"""Redshift Serverless, which MiniStack 1.5.33 does not know: its control plane, simulated.

Without it no environment with a catalogue on Redshift could be planned twice, applied or
destroyed in the local cloud. As on AWS, namespaces, workgroups and usage limits are kept per
account and region, under IAM, and found by their tags; they are saved with the emulator's state.
**Nothing computes**: no SQL is run, no capacity is used, no limit is reached, and everything is
ready at once. Calls of the Redshift Data API are refused with a sentence that says so.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVERLESS, DATA = "redshift-serverless", "redshift-data"
TARGETS = {SERVERLESS: "RedshiftServerless", DATA: "RedshiftData"}

EXPECTED = {
    "app": {
        "_get_module": "cfa12017561e",
        "_lazy_handler": "6cfcc348de12",
        "_build_persistence_save_dict": "9a6393cc953d",
        "_load_persisted_state": "03de3b870e8f",
    },
    "core.iam_actions": {"extract_resource_arn": "82f51700695c"},
    "core.router": {"detect_service": "fd156fac4b5d"},
    "services.secretsmanager": {
        "create_secret_in_process": "f35bf75ad708",
        "delete_secret_in_process": "939f98b968f1",
    },
}


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Add the services to the emulator. Raises MendError if it is another emulator."""
    from ministack import app
    from ministack.core import iam_actions, router
    from ministack.services import secretsmanager, tagging

    from glue.local.redshift import data, service, stores

    modules = {
        "app": app,
        "core.iam_actions": iam_actions,
        "core.router": router,
        "services.secretsmanager": secretsmanager,
    }
    for name, functions in EXPECTED.items():
        expect(modules[name], functions)

    for name, module in ((SERVERLESS, service), (DATA, data)):
        key = name.replace("-", "_")
        app._loaded_modules[key] = module
        app.SERVICE_REGISTRY[name] = {"module": key}
        app.SERVICE_HANDLERS[name] = app._lazy_handler(key)
        router.SERVICE_PATTERNS[name] = {"target_prefixes": [f"{TARGETS[name]}."]}
        iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = name
    # The Data API has nothing to keep.
    app._state_map["redshift_serverless"] = "redshift_serverless"
    iam_actions.extract_resource_arn = _with_arns(iam_actions.extract_resource_arn)

    def collect() -> Iterator[tuple[str, list[dict[str, str]]]]:
        for arn, held in stores.tags.items():
            yield arn, [{"Key": key, "Value": value} for key, value in held.items()]

    tagging._COLLECTORS[SERVERLESS] = collect


def resource_of(body: bytes) -> str:
    """Return the ARN that a request of either service is about, for policies; * for none."""
    from glue.local.redshift import stores

    try:
        parameters = json.loads(body or b"{}")
    except ValueError:
        return "*"
    if not isinstance(parameters, dict):
        return "*"
    # The Data API writes its first letters large.
    named = {name[:1].lower() + name[1:]: value for name, value in parameters.items()}
    if isinstance(arn := named.get("resourceArn"), str):
        return arn
    for store, name, kind in (
        (stores.workgroups, "workgroupName", "workgroup"),
        (stores.namespaces, "namespaceName", "namespace"),
        (stores.usage_limits, "usageLimitId", "usageLimit"),
    ):
        found = store.get(named.get(name))
        if found is not None:
            return str(found[f"{kind}Arn"])
    return "*"


def _with_arns(original: Any) -> Any:
    @functools.wraps(original)
    def extract(
        service: str, method: str, path: str, headers: Any, body: bytes, *more: Any, **named: Any
    ) -> str:
        if service in TARGETS:
            return resource_of(body)
        found: str = original(service, method, path, headers, body, *more, **named)
        return found

    return extract
