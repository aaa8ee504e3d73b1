"""Each step says what it saw, and fails when it sees something else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from glue.errors import InputError
from glue.rehearsal import farewell, steps, trouble
from glue.rehearsal.evidence import Evidence
from glue.rehearsal.planned import Change
from glue.rehearsal.stage import Stage
from glue.rehearsal.verbs import RehearsalError
from tests.unit.rehearsal.conftest import ScriptedVerbs

RETENTION = Change("log.a", "aws_cloudwatch_log_group", ("update",), ("retention_in_days",))
OTHER = Change("queue.b", "aws_sqs_queue", ("create",), ("name",))


def said(act: Callable[[Stage], Iterator[str]], stage: Stage) -> str:
    return "\n".join(act(stage))


def test_the_cloud_is_started(stage: Stage) -> None:
    assert "staging = 111111111111, prod = 222222222222" in said(steps.start, stage)
    assert stage.cloud.is_up  # type: ignore[attr-defined]


def test_the_bootstrap_must_leave_a_bucket(
    stage: Stage, verbs: ScriptedVerbs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        steps, "inventory", lambda account: frozenset({f"s3 {account.state_bucket}"})
    )
    assert "prod: state in prod-terraform-state-222222222222" in said(steps.bootstrap, stage)
    assert stage.empty["staging"] == {f"s3 {stage.staging.state_bucket}"}
    assert len(verbs.ran) == 2
    assert any("deploy bootstrap --env prod --confirm prod" in one for one in verbs.ran)
    monkeypatch.setattr(steps, "inventory", lambda account: frozenset())
    with pytest.raises(RehearsalError, match="there is no bucket"):
        said(steps.bootstrap, stage)


def test_both_are_packaged_planned_and_applied(
    stage: Stage, verbs: ScriptedVerbs, still: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "changes", lambda account: [OTHER])
    verbs.answer("deploy package", 0, "code.zip unchanged\nlayer.zip unchanged\n")
    assert said(steps.package, stage) == "code.zip unchanged, layer.zip unchanged"
    assert said(steps.plan, stage) == "staging: 1 to add\nprod: 1 to add"
    assert "prod: applied in" in said(steps.apply, stage)
    assert "222222222222 deploy apply --env prod --confirm prod --no-verify" in verbs.ran
    assert "111111111111 deploy apply --env staging --no-verify" in verbs.ran
    assert "no changes; state serial 3" in said(steps.plan_again, stage)
    assert stage.settled == {"staging": still, "prod": still}


def test_a_failure_of_one_ends_the_other(stage: Stage, verbs: ScriptedVerbs) -> None:
    verbs.answer("deploy plan --env prod", 1)
    with pytest.raises(RehearsalError, match="ended with 1"):
        said(steps.plan, stage)
    assert verbs.is_stopped


def test_evalai_is_connected_in_both(stage: Stage, verbs: ScriptedVerbs) -> None:
    assert "https://evalai.example.org" in said(steps.connect, stage)
    told = "leaderboard connect --server https://evalai.example.org --track 1="
    assert sum(told in one for one in verbs.ran) == 2
    assert len(verbs.typed) == 2
    assert all(token.strip() not in " ".join(verbs.ran) for token in verbs.typed)


def checks(*statuses: str) -> dict[str, Any]:
    return {"checks": [{"id": f"c{n}", "status": s, "found": "x"} for n, s in enumerate(statuses)]}


def test_checks_are_counted_and_failures_are_told(stage: Stage, verbs: ScriptedVerbs) -> None:
    verbs.answer("check", 0, checks("pass", "pass", "simulated", "not_covered"))
    assert "prod: 4 checks: 2 pass, 1 simulated, 1 not covered" in said(steps.check, stage)
    verbs.answer("check prod", 2, checks("pass", "fail"))
    with pytest.raises(RehearsalError, match="1 of 2 checks failed\nc1: x"):
        said(steps.check, stage)


def test_a_changed_variable_changes_just_that(
    stage: Stage, verbs: ScriptedVerbs, still: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "raise_retention", lambda account: (14, 30))
    found = [RETENTION]
    monkeypatch.setattr(steps, "changes", lambda account: found)
    told = said(steps.change, stage)
    assert "14 → 30 days changes 1 log groups alone" in told
    assert "staging did not move: state serial 3" in told
    found.append(OTHER)
    with pytest.raises(RehearsalError, match=r"would also change queue\.b"):
        said(steps.change, stage)


def test_an_environment_that_moved_is_an_error(
    stage: Stage, still: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert steps.unmoved(stage, stage.prod) == still
    monkeypatch.setattr(steps, "gather", lambda account: Evidence(4, 2, "x", still.holds))
    with pytest.raises(RehearsalError, match="serial was 3 and is 4"):
        steps.unmoved(stage, stage.prod)


# --- trouble ------------------------------------------------------------------------------------


class Anything:
    """A client that takes every call and answers with nothing in particular."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls.append(name)
            return {"QueueUrl": "http://q", "Attributes": {"QueueArn": "arn:q"}}

        return call


@pytest.fixture
def client(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Anything:
    made = Anything()
    monkeypatch.setattr("glue.rehearsal.accounts.Account.client", lambda *_: made)
    return made


def state(*resources: tuple[str, dict[str, Any]], **outputs: Any) -> Any:
    parsed = {
        "outputs": {name: {"value": value} for name, value in outputs.items()},
        "resources": [
            {"mode": "managed", "type": kind, "instances": [{"attributes": values}]}
            for kind, values in resources
        ],
    }
    return lambda account: (b"", parsed)


GROUPS = state(
    ("aws_cloudwatch_log_group", {"name": "b", "tags_all": {}}),
    ("aws_cloudwatch_log_group", {"name": "a", "tags_all": {"project": "x"}}),
)


def drifted(path: str = "retention_in_days", arn: str = "arn:q") -> dict[str, Any]:
    return {
        "drifted": [
            {
                "type": "aws_cloudwatch_log_group",
                "differences": [{"path": path, "severity": "medium"}],
            }
        ],
        "unmanaged": [{"arn": arn, "severity": "high"}],
    }


def test_drift_by_hand_is_found_with_its_severity(
    stage: Stage, verbs: ScriptedVerbs, client: Anything, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble, "read_state", GROUPS)
    verbs.answer("deploy drift --env staging", 2, drifted())
    verbs.answer("deploy drift --env prod", 0, {})
    told = said(trouble.drift, stage)
    assert "by hand: a keeps 3 days" in told
    assert "the log group (medium), the queue (high)" in told
    assert client.calls == ["put_retention_policy", "create_queue", "get_queue_attributes"]
    for wrong in (drifted(path="kms_key_id"), drifted(arn="arn:other")):
        verbs.answer("deploy drift --env staging", 2, wrong)
        with pytest.raises(RehearsalError, match="not just the two"):
            said(trouble.drift, stage)
    monkeypatch.setattr(trouble, "read_state", state())
    with pytest.raises(RehearsalError, match="holds no log group"):
        said(trouble.drift, stage)


REFUSAL = "error: account: these are credentials of another\n  what to do: use the right ones\n"


def test_what_must_not_be_done_is_refused_with_one_sentence(
    stage: Stage, verbs: ScriptedVerbs, still: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [RETENTION]
    monkeypatch.setattr(trouble, "changes", lambda account: found)
    stage.staging.plan_folder.mkdir(parents=True)
    (stage.staging.plan_folder / "plan.tfplan").write_text("of staging")
    stage.prod.plan_folder.mkdir()
    (stage.prod.plan_folder / "plan.tfplan").write_text("of prod")
    run = verbs.run

    def answering(account: Any, *arguments: str, expected: tuple[int, ...] = (0,)) -> Any:
        astray = account.environment == "staging" and account.account_id == "2" * 12
        is_refused = astray or arguments[:2] == ("deploy", "apply")
        verbs.answer("deploy", 1 if is_refused else 2, "", REFUSAL if is_refused else "")
        if arguments[1:4] == ("apply", "--env", "prod"):
            # Just then staging's plan lies where prod's should.
            plan = stage.prod.plan_folder / "plan.tfplan"
            assert plan.read_text() == "of staging"
        return run(account, *arguments, expected=expected)

    monkeypatch.setattr(verbs, "run", answering)
    told = said(trouble.refuse, stage)
    assert told.count("account: these are credentials of another") == 3
    assert "prod did not move" in told
    assert (stage.prod.plan_folder / "plan.tfplan").read_text() == "of prod"
    assert "222222222222 deploy plan --env staging" in verbs.ran
    found.append(OTHER)
    with pytest.raises(RehearsalError, match="would mend not just that"):
        said(trouble.refuse, stage)


@pytest.mark.parametrize(
    "err", ["", "Traceback\n" + REFUSAL, REFUSAL * 2, "error: account: it is wrong\n"]
)
def test_a_refusal_is_one_sentence_with_a_remedy(
    stage: Stage, verbs: ScriptedVerbs, err: str
) -> None:
    verbs.answer("x", 1, "", err)
    with pytest.raises(RehearsalError, match="not refused with one sentence"):
        trouble.refused(stage, stage.prod, "x")


def test_the_drift_is_mended(
    stage: Stage, verbs: ScriptedVerbs, client: Anything, still: Evidence
) -> None:
    told = said(trouble.mend, stage)
    assert "no drift, exit code 0" in told
    assert client.calls == ["get_queue_url", "delete_queue"]
    assert [one.split()[2] for one in verbs.ran] == ["apply", "drift"]
    verbs.answer("deploy drift", 2)
    with pytest.raises(RehearsalError, match="ended with 2"):
        said(trouble.mend, stage)


# --- farewell -----------------------------------------------------------------------------------

HELD = (
    "error: destroy: 2 would not go, and nothing was touched:\n  bucket raw: it holds recordings\n"
    "  what to do: to lose what they hold for ever, say `--erase raw --erase users`\n"
)


def test_staging_goes_once_what_it_holds_is_named(
    stage: Stage, verbs: ScriptedVerbs, client: Anything, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = {"raw_bucket": "raw"}
    monkeypatch.setattr(farewell, "read_state", state(recordings=outputs))
    verb = "deploy destroy --env staging --confirm staging --json"
    verbs.answer(verb, 1, "", HELD)
    verbs.answer(f"{verb} --erase raw --erase users", 0, {"destroyed": 118})
    told = said(farewell.destroy_staging, stage)
    assert "staging: destroy: 2 would not go" in told
    assert "118 resources destroyed, 2 of them named one by one" in told
    assert client.calls == ["put_object"]

    verbs.answer(verb, 0, {"destroyed": 118})
    with pytest.raises(RehearsalError, match="not refused for the sake of raw"):
        said(farewell.destroy_staging, stage)
    verbs.answer(verb, 1, "", "error: terraform: broken\n  what to do: mend it\n")
    with pytest.raises(RehearsalError, match="not refused for the sake of anything"):
        said(farewell.destroy_prod, stage.__class__(**{**vars(stage), "prod": stage.staging}))
    monkeypatch.setattr(farewell, "read_state", state())
    with pytest.raises(InputError, match="no bucket of recordings"):
        said(farewell.destroy_staging, stage)


def test_prod_goes_and_its_state_is_empty(
    stage: Stage, verbs: ScriptedVerbs, monkeypatch: pytest.MonkeyPatch
) -> None:
    verbs.answer("deploy destroy", 0, {"destroyed": 119})
    monkeypatch.setattr(farewell, "read_state", state())
    assert said(farewell.destroy_prod, stage) == "prod: 119 resources destroyed"
    monkeypatch.setattr(farewell, "read_state", state(("aws_vpc", {})))
    with pytest.raises(RehearsalError, match="still holds aws_vpc"):
        said(farewell.destroy_prod, stage)


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_a_state_that_is_gone_holds_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    from botocore.exceptions import ClientError

    def read(account: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "x"}}, "GetObject")

    monkeypatch.setattr(farewell, "read_state", read)
    if code == "NoSuchKey":
        assert farewell.state_of(stage.prod) == {"resources": []}
    else:
        with pytest.raises(ClientError):
            farewell.state_of(stage.prod)


def test_prod_is_compared_and_read_anew(
    stage: Stage, verbs: ScriptedVerbs, still: Evidence
) -> None:
    told = said(farewell.compare_prod, stage)
    assert "prod did not move" in told
    assert verbs.ran == ["222222222222 deploy plan --env prod"]


def test_what_is_left_is_named(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.empty = {"staging": frozenset({"s3 state"}), "prod": frozenset({"s3 state"})}
    held = {"s3 state"}
    monkeypatch.setattr(farewell, "inventory", lambda account: frozenset(held))
    assert said(farewell.nothing_left, stage).count("nothing but what the bootstrap made") == 2
    held.add("sqs left")
    with pytest.raises(RehearsalError, match="1 things are still there: sqs left"):
        said(farewell.nothing_left, stage)


def test_the_steps_have_names_of_their_own() -> None:
    names = [step.name for step in (*steps.STEPS, *trouble.STEPS, *farewell.STEPS)]
    assert len(set(names)) == len(names) == 16
    assert json.dumps(names)
