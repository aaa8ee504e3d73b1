"""Events: nothing starts by itself any more while its surroundings are taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.deploy.drain.context import present

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glue.deploy.drain.context import Drain


def drain(context: Drain) -> None:
    """Disable event source mappings and rules, and take foreign targets off the rules.

    A function that still ran would write its log group anew after Terraform had deleted it, and
    a rule with a target that Terraform does not know cannot be deleted at all.
    """
    for values in context.of("aws_lambda_event_source_mapping"):
        _disable_mapping(context, values)
    ours = {
        (values.get("event_bus_name") or "default", values["rule"], values["target_id"])
        for values in context.of("aws_cloudwatch_event_target")
    }
    for values in context.of("aws_cloudwatch_event_rule"):
        _disable_rule(context, values, ours)


def _disable_mapping(context: Drain, values: Mapping[str, Any]) -> None:
    functions = context.client("lambda", values.get("function_arn", ""))
    uuid = values["uuid"]
    found = present(functions.get_event_source_mapping, UUID=uuid)
    if found and found["State"] in ("Enabled", "Enabling"):
        present(functions.update_event_source_mapping, UUID=uuid, Enabled=False)
        context.count("stopped_triggers")


def _disable_rule(
    context: Drain, values: Mapping[str, Any], ours: set[tuple[str, str, str]]
) -> None:
    events = context.client("events", values["arn"])
    bus, name = values.get("event_bus_name") or "default", values["name"]
    rule = {"Name": name, "EventBusName": bus}
    found = present(events.describe_rule, **rule)
    if found is None:
        return
    if found.get("State") != "DISABLED":
        events.disable_rule(**rule)
        context.count("stopped_triggers")
    answer = events.list_targets_by_rule(Rule=name, EventBusName=bus)
    foreign = [one["Id"] for one in answer["Targets"] if (bus, name, one["Id"]) not in ours]
    if foreign:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=foreign)
        context.tell(f"rule {name}: {len(foreign)} targets removed that Terraform never made")
