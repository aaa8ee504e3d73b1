"""State machines are described as they were made, and a broken definition is refused.

MiniStack 1.5.33 forgets whether a machine is traced, and takes a definition whose states lead
nowhere; the execution fails then, where AWS would not have made the machine.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

EXPECTED = {
    "_create_state_machine": "4bc1231dda69",
    "_update_state_machine": "476e0deee6a3",
    "_describe_state_machine": "12f03d98a47a",
    "_validate_state_machine_definition": "91730eff8585",
}
KINDS = ("Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
LAST = ("Succeed", "Fail")
TRACING = "tracingConfiguration"
OK = 200


def problems(definition: str) -> list[str]:
    """Return what is wrong with a definition, in one sentence each."""
    try:
        content = json.loads(definition)
    except ValueError as error:
        return [f"INVALID_JSON_DESCRIPTION: {error}"]
    if not isinstance(content, dict):
        return ["INVALID_JSON_DESCRIPTION: it is no object"]
    return [f"SCHEMA_VALIDATION_FAILED: {problem}" for problem in _machine(content, "/")]


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend state machines. Raises MendError if it is another emulator."""
    from ministack.services import stepfunctions

    expect(stepfunctions, EXPECTED)
    for name in ("_create_state_machine", "_update_state_machine"):
        setattr(stepfunctions, name, _keeping(stepfunctions, getattr(stepfunctions, name)))
    describe = stepfunctions._describe_state_machine

    def describe_tracing(data: Mapping[str, Any]) -> Any:
        status, headers, body = describe(data)
        if status == OK:
            content = {TRACING: {"enabled": False}, **json.loads(body)}
            return stepfunctions.json_response(content)
        return status, headers, body

    def validate(data: Mapping[str, Any]) -> Any:
        found = problems(str(data.get("definition", "")))
        diagnostics = [
            {"severity": "ERROR", "code": code, "message": message}
            for code, _, message in (problem.partition(": ") for problem in found)
        ]
        result = "FAIL" if found else "OK"
        return stepfunctions.json_response({"result": result, "diagnostics": diagnostics})

    stepfunctions._describe_state_machine = describe_tracing
    stepfunctions._validate_state_machine_definition = validate


def _keeping(stepfunctions: Any, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def keep(data: dict[str, Any]) -> Any:
        found = problems(data["definition"]) if "definition" in data else []
        if found:
            message = f"Invalid State Machine Definition: '{', '.join(found)}'"
            return stepfunctions.error_response_json("InvalidDefinition", message, 400)
        answer = original(data)
        if answer[0] == OK and TRACING in data:
            arn = data.get("stateMachineArn") or json.loads(answer[2])["stateMachineArn"]
            stepfunctions._state_machines[arn][TRACING] = data[TRACING]
        return answer

    return keep


def _machine(content: Mapping[str, Any], path: str) -> Iterator[str]:
    states = content.get("States")
    if not isinstance(states, dict) or not states:
        yield f"The field 'States' is required and not empty at {path}"
        return
    start = content.get("StartAt")
    if start not in states:
        yield f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {start} at {path}StartAt"
    for name, state in states.items():
        yield from _state(state, states, f"{path}States/{name}")


def _state(state: Mapping[str, Any], states: Mapping[str, Any], path: str) -> Iterator[str]:
    kind = state.get("Type")
    if kind not in KINDS:
        yield f"The field 'Type' should have one of these values: {', '.join(KINDS)} at {path}"
        return
    if kind not in (*LAST, "Choice") and ("Next" in state) == bool(state.get("End")):
        yield f"Expected one of these fields: ['Next', 'End'] at {path}"
    for place, target in _targets(state):
        if target not in states:
            yield f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {target} at {path}{place}"
    if kind == "Task" and not state.get("Resource"):
        yield f"The field 'Resource' is required at {path}"
    inner = [*state.get("Branches", ())]
    inner += [state[key] for key in ("ItemProcessor", "Iterator") if key in state]
    for number, machine in enumerate(inner):
        yield from _machine(machine, f"{path}/{number}/")


def _targets(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key in ("Next", "Default"):
        if key in state:
            yield f"/{key}", state[key]
    for key in ("Choices", "Catch"):
        for number, entry in enumerate(state.get(key, ())):
            yield f"/{key}[{number}]/Next", entry.get("Next")
