"""What is wrong with a state machine, as far as its text in Amazon States Language tells.

Step Functions itself finds misspelt fields and missing targets, but only while it is deployed; and
it takes a task without Retry, a state that is never reached, and a retrier behind one that already
matches everything. https://states-language.net/spec.html
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

State = dict[str, Any]
Machine = dict[str, Any]

COMMON = {"Comment", "Type"}
TIMES = {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}
PATHS = {"InputPath", "OutputPath"}
FIELDS: Mapping[str, set[str]] = {
    "Task": COMMON | PATHS | {
        "Resource", "Parameters", "ResultSelector", "ResultPath", "TimeoutSeconds",
        "TimeoutSecondsPath", "HeartbeatSeconds", "Credentials", "Retry", "Catch", "Next", "End",
    },
    "Choice": COMMON | PATHS | {"Choices", "Default"},
    "Wait": COMMON | PATHS | TIMES | {"Next", "End"},
    "Pass": COMMON | PATHS | {"Result", "Parameters", "ResultPath", "Next", "End"},
    "Succeed": COMMON | PATHS,
    "Fail": COMMON | {"Error", "ErrorPath", "Cause", "CausePath"},
}  # fmt: skip
COMPARISONS = {"StringEquals", "NumericEquals", "BooleanEquals", "IsPresent"}
RESERVED_ERRORS = {
    "States.ALL", "States.DataLimitExceeded", "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout", "States.Permissions", "States.Runtime", "States.TaskFailed",
    "States.Timeout",
}  # fmt: skip


def faults(machine: Machine) -> list[str]:
    """Return what is wrong, each in a sentence; empty when nothing is."""
    states: dict[str, State] = machine.get("States", {})
    found = [f"{field} is unknown" for field in unknown(machine)]
    if machine.get("StartAt") not in states:
        found.append("StartAt names no state")
    for name, state in states.items():
        found += [f"{name}: {fault}" for fault in of_state(state, states)]
    if found:
        return found
    reached = reachable(states, machine["StartAt"])
    found += [f"{name} is never reached" for name in states if name not in reached]
    for name in states:
        ends = (states[other] for other in reachable(states, name))
        if not any(end.get("End") or end["Type"] in {"Succeed", "Fail"} for end in ends):
            found.append(f"{name}: no way leads to an end")
    return found


def unknown(machine: Machine) -> set[str]:
    """Return the fields of a machine that mean nothing."""
    return set(machine) - {"Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds"}


def of_state(state: State, states: Mapping[str, State]) -> Iterator[str]:
    """Yield what is wrong with one state."""
    kind = state.get("Type", "")
    if kind not in FIELDS:
        yield f"there is no Type {kind!r}"
        return
    for field in sorted(set(state) - FIELDS[kind]):
        yield f"a {kind} has no {field}"
    for target in targets(state):
        if target not in states:
            yield f"{target} is no state"
    if {"Next", "End"} <= FIELDS[kind] and ("Next" in state) == bool(state.get("End")):
        yield "write either Next or End"
    if kind == "Task":
        yield from of_task(state)
    elif kind == "Choice":
        yield from of_choice(state)
    elif kind == "Wait" and len(TIMES & set(state)) != 1:
        yield "write one of Seconds, SecondsPath, Timestamp, TimestampPath"


def targets(state: State) -> Iterator[str]:
    """Yield the names of the states that may follow."""
    for place in (state, *state.get("Choices", ()), *state.get("Catch", ())):
        if "Next" in place:
            yield place["Next"]
    if "Default" in state:
        yield state["Default"]


def reachable(states: Mapping[str, State], first: str) -> set[str]:
    """Return a state and all that may ever follow it."""
    seen: set[str] = set()
    waiting = [first]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(targets(states[name]))
    return seen


def of_task(state: State) -> Iterator[str]:
    """Yield what is wrong with a task: it has to say how long, how often, and what else."""
    if not isinstance(state.get("TimeoutSeconds"), int) or state["TimeoutSeconds"] < 1:
        yield "TimeoutSeconds is missing"
    for field in ("Retry", "Catch"):
        handlers = state.get(field, [])
        yield from of_errors(field, [handler.get("ErrorEquals", []) for handler in handlers])
    for retrier in state.get("Retry", ()):
        yield from of_retrier(retrier)
    for key, value in leaves(state.get("Parameters", {})):
        if key.endswith(".$") != str(value).startswith(("$", "States.")):
            yield f"Parameters: {key} and {value!r} do not go together"


def of_errors(field: str, names: list[list[str]]) -> Iterator[str]:
    """Yield what is wrong with the names of errors that Retry or Catch wait for."""
    if not names or names[-1] != ["States.ALL"]:
        yield f"{field} does not end with States.ALL, alone"
    flat = [name for each in names for name in each]
    if not all(names):
        yield f"{field}: an ErrorEquals is empty"
    if "States.ALL" in flat[:-1]:
        yield f"{field}: what follows States.ALL is never looked at"
    for name in sorted({name for name in flat if flat.count(name) > 1}):
        yield f"{field}: {name} is there twice"
    for name in flat:
        if name.startswith("States.") and name not in RESERVED_ERRORS:
            yield f"{field}: there is no {name}"


def of_retrier(retrier: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with one entry of Retry."""
    known = {
        "ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxAttempts", "MaxDelaySeconds",
        "JitterStrategy", "Comment",
    }  # fmt: skip
    for field in sorted(set(retrier) - known):
        yield f"Retry has no {field}"
    if retrier.get("IntervalSeconds", 1) < 1 or retrier.get("BackoffRate", 2.0) < 1:
        yield "Retry: IntervalSeconds and BackoffRate are 1 or more"
    if not 0 < retrier.get("MaxAttempts", 3) <= 99_999_999:
        yield "Retry: MaxAttempts is 1 to 99999999"
    if retrier.get("MaxDelaySeconds", math.inf) <= retrier.get("IntervalSeconds", 1):
        yield "Retry: MaxDelaySeconds is longer than IntervalSeconds"
    if retrier.get("JitterStrategy", "NONE") not in {"FULL", "NONE"}:
        yield "Retry: JitterStrategy is FULL or NONE"


def of_choice(state: State) -> Iterator[str]:
    """Yield what is wrong with a choice."""
    if not state.get("Choices"):
        yield "there is nothing to choose from"
    if "Default" not in state:
        yield "without Default an unknown word ends the execution at once"
    for rule in state.get("Choices", ()):
        if "Next" not in rule:
            yield "a choice leads nowhere"
        for test in rule.get("And", [rule]):
            if not str(test.get("Variable", "")).startswith("$."):
                yield "a choice looks at no variable"
            if len(set(test) & COMPARISONS) != 1 or set(test) - COMPARISONS - {"Variable", "Next"}:
                yield f"a choice compares by {sorted(set(test) - {'Variable', 'Next'})}"


def leaves(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the parameters that are no objects."""
    for key, value in parameters.items():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield key, value


def longest_wait(retrier: Mapping[str, Any]) -> float:
    """Return for how many seconds, at most, a retrier waits in all."""
    interval: float = retrier.get("IntervalSeconds", 1)
    rate: float = retrier.get("BackoffRate", 2.0)
    most: float = retrier.get("MaxDelaySeconds", math.inf)
    return sum(min(interval * rate**n, most) for n in range(retrier.get("MaxAttempts", 3)))


def choose(state: State, data: Mapping[str, Any]) -> str:
    """Return the state that a choice leads to."""
    for rule in state["Choices"]:
        if all(_holds(test, data) for test in rule.get("And", [rule])):
            return str(rule["Next"])
    return str(state["Default"])


def _holds(test: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    field = str(test["Variable"]).removeprefix("$.")
    if "IsPresent" in test:
        return (field in data) is test["IsPresent"]
    return bool(data[field] == test["StringEquals"])
