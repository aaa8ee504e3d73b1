"""The HTTP API: whoever shows nothing gets nothing, asked over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "api"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"
REFUSED = {401, 403}
JUNK = {"x-api-key": "not-a-key", "Authorization": "not-a-token"}

# How a stranger might try: method, path, headers.
ATTEMPTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "nothing": ("GET", "/recordings", {}),
    "no-key-to-write": ("POST", "/recordings", {}),
    "no-key-for-a-token": ("POST", "/token", {}),
    "no-key-for-the-document": ("GET", "/openapi.json", {}),
    "junk": ("GET", "/recordings", JUNK),
    "junk-for-a-token": ("POST", "/token", JUNK),
}
REFUSES = Check(
    NAME, "api-refuses", "critical", "401 or 403 for whoever shows no key or a made-up one",
    "somebody has opened a method: " + PLAN, "API Gateway REST",
)  # fmt: skip
TLS = Check(NAME, "api-tls", "critical", "the address is https", PLAN)
KEYS = Check(
    NAME, "api-wants-keys", "critical", "every method but OPTIONS demands an API key", PLAN
)
LOGS = Check(NAME, "api-access-log", "medium", "the stage writes an access log and traces", PLAN)
LIMITS = Check(
    NAME, "api-limits", "high",
    "the stage is throttled, and the usage plan limits each key by rate and by day", PLAN,
)  # fmt: skip


def ask(context: Context) -> Iterator[Result]:
    """Ask over HTTP, then how the API is set up."""
    api = inventory.output(context, "api")
    if not api:
        return
    url = _url(context, api)
    yield from REFUSES.each(context, ATTEMPTS, lambda attempt: _refused(context, url, *attempt))
    if context.is_emulated:
        yield TLS.uncovered(
            context, "", f"{url}: the local cloud speaks plain HTTP on this machine"
        )
    else:
        yield from TLS.each(context, {"": url}, lambda u: Finding(u.startswith("https://"), u))
    identifier, stage = api["id"], api["stage"]
    yield from KEYS.each(context, {identifier: identifier}, lambda one: _keys(context, one))
    where = {f"{identifier}/{stage}": api}
    yield from LOGS.each(context, where, lambda one: _logs(context, one))
    yield from LIMITS.each(context, where, lambda one: _limits(context, one))


def _url(context: Context, api: Mapping[str, Any]) -> str:
    """Return where the API is called: an emulator answers for AWS's own addresses elsewhere."""
    if not context.is_emulated:
        return str(api["url"])
    endpoint = context.aws("apigateway").meta.endpoint_url
    return f"{endpoint}/_aws/execute-api/{api['id']}/{api['stage']}"


def _refused(
    context: Context, url: str, method: str, path: str, headers: dict[str, str]
) -> Finding:
    status = context.request(method, url + path, headers)
    return Finding(status in REFUSED, f"{method} {path}: {status}")


def _keys(context: Context, api: str) -> Finding:
    client = context.aws("apigateway")
    resources = inventory.pages(client, "get_resources", "items", restApiId=api, embed=["methods"])
    bare, count = [], 0
    for resource in resources:
        for method in resource.get("resourceMethods", {}):
            if method == "OPTIONS":
                continue
            count += 1
            found = client.get_method(restApiId=api, resourceId=resource["id"], httpMethod=method)
            if not found.get("apiKeyRequired"):
                bare.append(f"{method} {resource['path']}")
    if not count:
        return Finding(False, "it has no method")
    return Finding(
        not bare, f"without a key: {', '.join(bare)}" if bare else f"all {count} methods"
    )


def _logs(context: Context, api: dict[str, Any]) -> Finding:
    stage = context.aws("apigateway").get_stage(restApiId=api["id"], stageName=api["stage"])
    target = stage.get("accessLogSettings", {}).get("destinationArn")
    found = f"{target or 'no access log'}, {'' if stage.get('tracingEnabled') else 'not '}traced"
    return Finding(bool(target) and bool(stage.get("tracingEnabled")), found)


def _limits(context: Context, api: dict[str, Any]) -> Finding:
    client = context.aws("apigateway")
    stage = client.get_stage(restApiId=api["id"], stageName=api["stage"])
    every = stage.get("methodSettings", {}).get("*/*", {})
    plan = client.get_usage_plan(usagePlanId=api["usage_plan_id"])
    missing = []
    if not every.get("throttlingRateLimit", -1) > 0:
        missing.append("the stage's rate")
    if not plan.get("throttle", {}).get("rateLimit"):
        missing.append("the keys' rate")
    if not plan.get("quota", {}).get("limit"):
        missing.append("the keys' quota")
    if not any(one.get("apiId") == api["id"] for one in plan.get("apiStages", [])):
        missing.append("the plan's stage")
    found = f"{every.get('throttlingRateLimit')} a second for all together"
    return Finding(not missing, f"missing: {', '.join(missing)}" if missing else found)


SUBJECT = Subject(
    NAME,
    "The HTTP API refuses strangers, logs and throttles.",
    ask,
    (REFUSES, TLS, KEYS, LOGS, LIMITS),
)
