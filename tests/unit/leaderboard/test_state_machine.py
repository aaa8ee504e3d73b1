"""The state machine of a submission: its text, and whether it and the code mean the same."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from glue.leaderboard.evalai import errors as evalai_errors
from glue.leaderboard.kubernetes import errors as kubernetes_errors
from glue.leaderboard.run import Next, Run
from glue.leaderboard.steps import STEPS
from glue.leaderboard.steps.watch import MOST_WATCHES
from tests.unit.leaderboard import states_language as language

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).resolve().parents[3]
FILE = REPOSITORY / "modules" / "leaderboard" / "submission.asl.json"

FUNCTION_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:staging-leaderboard-10-run"
MOST_EVENTS = 25_000  # of an execution's history, then Step Functions ends it
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
LAMBDA_ERRORS = {
    "Lambda.AWSLambdaException", "Lambda.ClientExecutionTimeoutException",
    "Lambda.EC2ThrottledException", "Lambda.EC2UnexpectedException",
    "Lambda.ENILimitReachedException", "Lambda.SdkClientException", "Lambda.ServiceException",
    "Lambda.TooManyRequestsException", "Lambda.Unknown", "Sandbox.Timedout",
}  # fmt: skip


@pytest.fixture(scope="module")
def text() -> str:
    return FILE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def machine(text: str) -> language.Machine:
    rendered = text.replace("${partition}", "aws").replace("${function_arn}", FUNCTION_ARN)
    loaded: language.Machine = json.loads(rendered)
    return loaded


@pytest.fixture(scope="module")
def tasks(machine: language.Machine) -> dict[str, language.State]:
    return {name: s for name, s in machine["States"].items() if s["Type"] == "Task"}


def next_of(machine: language.Machine, word: str) -> str:
    return language.choose(machine["States"]["Route"], {"next": word})


class TestText:
    def test_nothing_is_wrong_with_it(self, machine: language.Machine) -> None:
        assert language.faults(machine) == []

    def test_terraform_fills_in_two_things(self, text: str) -> None:
        filled_in = {part.partition("}")[0] for part in text.split("${")[1:]}
        assert filled_in == {"function_arn", "partition"}
        assert "%{" not in text

    def test_every_error_that_it_names_exists(self, tasks: dict[str, language.State]) -> None:
        for state in tasks.values():
            handlers = [*state["Retry"], *state["Catch"]]
            names = {name for handler in handlers for name in handler["ErrorEquals"]}
            for name in names - LAMBDA_ERRORS - language.RESERVED_ERRORS:
                kind = getattr(evalai_errors, name, getattr(kubernetes_errors, name, None))
                assert isinstance(kind, type), name
                assert issubclass(kind, Exception), name
                # Step Functions compares by the name alone: a subclass would not be found.
                assert kind.__subclasses__() == [], name

    def test_all_that_passes_by_itself_is_tried_again(
        self, tasks: dict[str, language.State]
    ) -> None:
        for state in tasks.values():
            names = {name for retrier in state["Retry"] for name in retrier["ErrorEquals"]}
            assert {"EvalAIBusy", "EvalAIUnavailable", "KubernetesUnavailable"} <= names
            assert {"States.Timeout", *LAMBDA_ERRORS} <= names

    def test_how_long_it_is_tried_again(self, tasks: dict[str, language.State]) -> None:
        hours = {
            retrier["ErrorEquals"][0]: language.longest_wait(retrier) / 3600
            for retrier in tasks["Watch"]["Retry"]
        }
        assert hours["EvalAIBusy"] == 5
        assert 6 < hours["EvalAIUnavailable"] < 7
        assert 0.75 < hours["Lambda.TooManyRequestsException"] < 1
        assert hours["Lambda.AWSLambdaException"] < 0.15
        assert hours["States.ALL"] < 0.02

    def test_all_steps_are_tried_again_alike(self, tasks: dict[str, language.State]) -> None:
        assert all(state["Retry"] == tasks["Watch"]["Retry"] for state in tasks.values())

    def test_an_execution_ends_some_day(self, machine: language.Machine) -> None:
        watching = MOST_WATCHES * 60 + sum(
            language.longest_wait(retrier) for retrier in machine["States"]["Watch"]["Retry"]
        )
        assert watching < machine["TimeoutSeconds"] <= 14 * 24 * 3600

    def test_a_step_has_longer_than_its_function(self, tasks: dict[str, language.State]) -> None:
        variables = (FILE.parent / "variables.tf").read_text(encoding="utf-8")
        assert "var.work.run.timeout <= 300" in variables
        assert {state["TimeoutSeconds"] for state in tasks.values()} == {330}


class TestAgreement:
    def test_it_calls_exactly_the_steps_that_there_are(
        self, tasks: dict[str, language.State]
    ) -> None:
        called = {name: s["Parameters"]["Payload"]["step"] for name, s in tasks.items()}
        assert called == {step.title(): step for step in STEPS}

    def test_it_knows_every_word_that_a_step_may_answer(self, machine: language.Machine) -> None:
        words = {rule["StringEquals"] for rule in machine["States"]["Route"]["Choices"]}
        assert words == set(get_args(Next))

    @pytest.mark.parametrize("word", sorted(STEPS))
    def test_a_word_leads_to_its_step(self, machine: language.Machine, word: str) -> None:
        following = next_of(machine, word)
        if following == "Pause":
            following = machine["States"]["Pause"]["Next"]
        assert following == word.title()

    def test_the_end_is_a_success(self, machine: language.Machine) -> None:
        assert machine["States"][next_of(machine, "end")]["Type"] == "Succeed"

    def test_another_word_leaves_the_submission_open_and_says_so(
        self, machine: language.Machine
    ) -> None:
        left = machine["States"][next_of(machine, "somewhere")]
        assert left["Type"] == "Fail"
        assert "reconciler" in left["Cause"]

    def test_it_pauses_for_as_long_as_the_step_said(self, machine: language.Machine) -> None:
        field = machine["States"]["Pause"]["SecondsPath"].removeprefix("$.")
        assert Run.model_fields[field].annotation is int

    @pytest.mark.parametrize(
        ("run", "first"),
        [
            ({}, "Prepare"),
            ({"next": "prepare"}, "Prepare"),
            ({"next": "watch", "part": 2}, "Watch"),
            ({"next": "finish", "attempt": 2, "results_of": 1}, "Finish"),
            ({"next": "launch"}, "Prepare"),
        ],
    )
    def test_where_it_begins(
        self, machine: language.Machine, run: dict[str, Any], first: str
    ) -> None:
        assert language.choose(machine["States"][machine["StartAt"]], run) == first

    def test_every_step_is_given_and_answers_the_whole_run(
        self, tasks: dict[str, language.State]
    ) -> None:
        for state in tasks.values():
            payload = state["Parameters"]["Payload"]
            assert payload["run.$"] == "$"
            assert payload["execution.$"] == "$$.Execution.Id"
            assert state["OutputPath"] == "$.Payload"
            assert state["Next"] == "Route"

    def test_what_fails_for_good_ends_in_fail_with_its_error(
        self, tasks: dict[str, language.State]
    ) -> None:
        for name, state in tasks.items():
            caught = state["Catch"][-1]
            assert caught["Next"] == ("LeftOpen" if name == "Fail" else "Fail")
            assert caught["ResultPath"].removeprefix("$.") in Run.model_fields

    def test_a_caught_error_is_a_run_still(self) -> None:
        caught = {"Error": "States.Timeout", "Cause": ""}
        run = {"challenge": 1, "phase": 12, "submission": 99, "error": caught}
        assert Run.model_validate(run).error is not None

    def test_the_history_has_room_for_all_watches(self, machine: language.Machine) -> None:
        # Entered and left: Route, Pause, Watch; Watch is scheduled, started, and succeeds.
        loop = ["Watch", next_of(machine, "watch"), "Route"]
        events = sum(2 for _ in loop) + 3
        assert MOST_WATCHES * events < 0.6 * MOST_EVENTS


def broken(machine: language.Machine, change: Callable[[dict[str, Any]], object]) -> list[str]:
    """Return what is found after a change to the states."""
    changed = copy.deepcopy(machine)
    change(changed["States"])
    return language.faults(changed)


class TestFindings:
    """The check would have found it."""

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            (lambda s: s["Watch"].update(Next="Rout"), "Watch: Rout is no state"),
            (lambda s: s["Route"].update(Default="Nowhere"), "Route: Nowhere is no state"),
            (lambda s: s["Watch"].pop("Next"), "Watch: write either Next or End"),
            (lambda s: s["Watch"].update(End=True), "Watch: write either Next or End"),
            (lambda s: s["Watch"].update(Retries=[]), "Watch: a Task has no Retries"),
            (lambda s: s["Watch"].update(Type="Tusk"), "Watch: there is no Type 'Tusk'"),
            (lambda s: s["Watch"].pop("TimeoutSeconds"), "Watch: TimeoutSeconds is missing"),
            (
                lambda s: s["Watch"].pop("Retry"),
                "Watch: Retry does not end with States.ALL, alone",
            ),
            (
                lambda s: s["Watch"].pop("Catch"),
                "Watch: Catch does not end with States.ALL, alone",
            ),
            (
                lambda s: s["Watch"]["Retry"].insert(0, {"ErrorEquals": ["States.ALL"]}),
                "Watch: Retry: what follows States.ALL is never looked at",
            ),
            (
                lambda s: s["Watch"]["Retry"][0].update(ErrorEquals=[]),
                "Watch: Retry: an ErrorEquals is empty",
            ),
            (
                lambda s: s["Watch"]["Retry"][0].update(ErrorEquals=["States.Timeout"]),
                "Watch: Retry: States.Timeout is there twice",
            ),
            (
                lambda s: s["Watch"]["Retry"][0].update(ErrorEquals=["States.TimeOut"]),
                "Watch: Retry: there is no States.TimeOut",
            ),
            (
                lambda s: s["Watch"]["Retry"][0].update(MaxDelay=5),
                "Watch: Retry has no MaxDelay",
            ),
            (
                lambda s: s["Watch"]["Retry"][0].update(IntervalSeconds=0),
                "Watch: Retry: IntervalSeconds and BackoffRate are 1 or more",
            ),
            (
                lambda s: s["Watch"]["Retry"][0].update(MaxAttempts=0),
                "Watch: Retry: MaxAttempts is 1 to 99999999",
            ),
            (
                lambda s: s["Watch"]["Retry"][0].update(MaxDelaySeconds=60),
                "Watch: Retry: MaxDelaySeconds is longer than IntervalSeconds",
            ),
            (
                lambda s: s["Watch"]["Retry"][0].update(JitterStrategy="SOME"),
                "Watch: Retry: JitterStrategy is FULL or NONE",
            ),
            (
                lambda s: s["Watch"]["Parameters"]["Payload"].update({"run": "$"}),
                "Watch: Parameters: run and '$' do not go together",
            ),
            (
                lambda s: s["Route"].pop("Default"),
                "Route: without Default an unknown word ends the execution at once",
            ),
            (
                lambda s: s["Route"].update(Choices=[]),
                "Route: there is nothing to choose from",
            ),
            (
                lambda s: s["Route"]["Choices"][0].pop("Next"),
                "Route: a choice leads nowhere",
            ),
            (
                lambda s: s["Route"]["Choices"][0].update(Variable="next"),
                "Route: a choice looks at no variable",
            ),
            (
                lambda s: s["Route"]["Choices"][0].update(StringIs="watch"),
                "Route: a choice compares by ['StringEquals', 'StringIs']",
            ),
            (
                lambda s: s["Pause"].update(Seconds=5),
                "Pause: write one of Seconds, SecondsPath, Timestamp, TimestampPath",
            ),
            (
                lambda s: s.update(Aside={"Type": "Succeed"}),
                "Aside is never reached",
            ),
            (
                lambda s: (
                    s.update(Round={"Type": "Wait", "Seconds": 1, "Next": "Round"}),
                    s["Route"]["Choices"][0].update(Next="Round"),
                ),
                "Round: no way leads to an end",
            ),
        ],
    )
    def test_a_fault_is_found(
        self, machine: language.Machine, change: Callable[[dict[str, Any]], object], found: str
    ) -> None:
        assert found in broken(machine, change)

    def test_a_machine_that_starts_nowhere(self, machine: language.Machine) -> None:
        assert language.faults({**machine, "StartAt": "Elsewhere"}) == ["StartAt names no state"]

    def test_a_misspelt_field_of_the_machine(self, machine: language.Machine) -> None:
        assert language.faults({**machine, "Timeout": 5}) == ["Timeout is unknown"]
