"""Running executions are stopped, those that begin meanwhile too."""

from __future__ import annotations

from typing import Any

from glue.deploy.drain import state_machines
from tests.unit.deploy.drain.drains import Service, draining, failing, made

ARN = "arn:aws:states:eu-central-1:1:stateMachine:leaderboard-10"
MACHINE = made("aws_sfn_state_machine", name="leaderboard-10", arn=ARN)


def executions(*rounds: list[str]) -> Service:
    """Return a service that lists other executions each time it is asked, the last for ever."""
    left = list(rounds)

    def listed(**_: Any) -> list[dict[str, Any]]:
        names = left.pop(0) if len(left) > 1 else left[0]
        return [{"executions": [{"executionArn": name}]} for name in names]

    return Service(list_executions=listed)


def stopped(service: Service) -> list[str]:
    return [one["executionArn"] for one in service.called("stop_execution")]


def test_executions_on_all_pages_are_stopped() -> None:
    service = executions(["one", "two"], [])
    context, lines = draining({"stepfunctions": service}, MACHINE)
    state_machines.drain(context)
    assert stopped(service) == ["one", "two"]
    assert service.called("list_executions")[0] == {
        "stateMachineArn": ARN, "statusFilter": "RUNNING"
    }  # fmt: skip
    assert context.counts == {"stopped_executions": 2}
    assert lines == ["state machine leaderboard-10: 2 executions stopped"]


def test_one_that_started_another_gets_none_in() -> None:
    service = executions(["part-1"], ["part-2"], [])
    context, _ = draining({"stepfunctions": service}, MACHINE)
    state_machines.drain(context)
    assert stopped(service) == ["part-1", "part-2"]


def test_a_quiet_one_is_left_alone() -> None:
    service = executions([])
    context, lines = draining({"stepfunctions": service}, MACHINE)
    state_machines.drain(context)
    assert (stopped(service), context.counts, lines) == ([], {}, [])
    assert len(service.called("list_executions")) == 1


def test_one_that_is_gone_is_no_error() -> None:
    service = Service(list_executions=failing("StateMachineDoesNotExist"))
    context, lines = draining({"stepfunctions": service}, MACHINE)
    state_machines.drain(context)
    assert (context.counts, lines) == ({}, [])


def test_one_that_ended_by_itself_is_no_error() -> None:
    service = executions(["one"], [])
    service.answers["stop_execution"] = failing("ExecutionDoesNotExist")
    context, _ = draining({"stepfunctions": service}, MACHINE)
    state_machines.drain(context)
    assert context.counts == {"stopped_executions": 1}
