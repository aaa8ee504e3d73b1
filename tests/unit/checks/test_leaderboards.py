"""Leaderboards in the subjects that ask about everything: settings, outputs, secrets, inventory."""

from __future__ import annotations

from typing import Any

import pytest

from glue.checks import inventory
from glue.checks.report import Result
from glue.checks.run import Subject, run
from glue.checks.subjects import outputs, secrets, settings
from glue.settings import FUNCTION_SETTINGS, PREFIX, LeaderboardSettings
from tests.unit.checks.fake import ACCOUNT, NOW, Answer, Cloud, Key, Refusal, context, tagged
from tests.unit.checks.worlds import challenge, work

BOARD = challenge.BOARD
SAID = {
    "ENVIRONMENT": "staging",
    "LEADERBOARD": "leaderboard-10",
    "PARAMETERS_SECRET_ARN": BOARD["parameters_secret_arn"],
    "STATE_MACHINE_ARN": BOARD["state_machine_arn"],
    "QUEUE_URL": BOARD["queue_url"],
    "DEAD_LETTER_QUEUE_URL": BOARD["dead_letter_queue_url"],
    "EVALAI_SECRET_ARN": challenge.EVALAI["secret_arn"],
    "TRACKS_SECRET_ARN": challenge.EVALAI["tracks_secret_arn"],
    "BUDGET_TABLE": challenge.EVALAI["budget_table"],
}
KEYS = sorted(k for k, kind in FUNCTION_SETTINGS.items() if issubclass(kind, LeaderboardSettings))
NOTHING_TAGGED: dict[Key, Answer] = {("resourcegroupstaggingapi", "GetResources"): tagged()}


def deployed(**changes: str) -> Any:
    """Return all functions as they are deployed; those of leaderboards told something else."""

    def answer(params: dict[str, Any]) -> Any:
        name = params["FunctionName"]
        key = next((k for k, made in challenge.FUNCTIONS.items() if made == name), None)
        if key is None:
            given = work.GIVEN[name.removeprefix("staging-")]
        else:
            fields = [field.upper() for field in FUNCTION_SETTINGS[key].model_fields]
            given = {PREFIX + field: (SAID | changes).get(field, "x") for field in fields}
        return work.function(name, Environment={"Variables": given})

    return answer


def ask(
    subject: Subject[Any], answers: dict[Key, Answer], **changes: Any
) -> tuple[Cloud, dict[str, Result]]:
    """Ask a subject about the platform with one leaderboard."""
    cloud = Cloud(NOTHING_TAGGED | answers)
    every = challenge.OUTPUTS | {"functions": {**work.NAMED, **challenge.OUTPUTS["functions"]}}
    report = run([subject], context(cloud, every | changes))
    return cloud, {result.id: result for result in report.checks}


def settings_told(**changes: str) -> dict[str, Result]:
    answers = {("lambda", "GetFunctionConfiguration"): deployed(**changes)}
    return ask(settings.SUBJECT, answers)[1]


def test_functions_of_a_leaderboard_are_told_what_the_outputs_say() -> None:
    results = settings_told()

    assert {result.status for result in results.values()} == {"pass"}
    for key in KEYS:
        assert results[f"function-settings-read:leaderboard-10/{key}"].status == "pass"
    seen = results["function-settings-output:leaderboard-10/reconcile_submissions"].found
    assert all(name in seen for name in ("QUEUE_URL", "BUDGET_TABLE", "STATE_MACHINE_ARN"))


@pytest.mark.parametrize("name", sorted(set(SAID) - {"ENVIRONMENT", "LEADERBOARD"}))
def test_what_is_another_leaderboards_is_found(name: str) -> None:
    wrong = [r for r in settings_told(**{name: "another's"}).values() if r.status == "fail"]

    assert wrong
    assert all(f"{name} is another's" in result.found for result in wrong)


def test_with_a_leaderboard_its_functions_must_be_there() -> None:
    answers = {("lambda", "GetFunctionConfiguration"): deployed()}
    _, results = ask(settings.SUBJECT, answers, functions=work.NAMED)

    missing = results["function-known"]
    assert missing.status == "fail"
    assert all(key in missing.found for key in KEYS)


def test_everything_of_a_leaderboard_is_looked_for() -> None:
    answers: dict[Key, Answer] = {
        ("sts", "GetCallerIdentity"): {"Account": ACCOUNT},
        ("s3", "HeadBucket"): {},
        ("sqs", "GetQueueUrl"): {"QueueUrl": BOARD["queue_url"]},
        ("lambda", "GetFunctionConfiguration"): deployed(),
        ("eks", "DescribeCluster"): {"cluster": {}},
        ("dynamodb", "DescribeTable"): {"Table": {}},
        challenge.DESCRIBE: Refusal("StateMachineDoesNotExist"),
        ("iam", "GetUser"): Refusal("NoSuchEntity"),
    }
    cloud, results = ask(outputs.SUBJECT, answers)

    assert not cloud.unknown
    things = {name.partition(":")[2] for name in results}
    assert things >= {
        f"bucket/{BOARD['bucket']}", "bucket/staging-public", "bucket/staging-private",
        f"queue/{challenge.NAME}", f"queue/{challenge.NAME}-dead-letters",
        f"table/{challenge.NAME}", "table/staging-evalai-budget",
        f"function/{challenge.FUNCTIONS['run_submission']}",
    }  # fmt: skip
    gone = {name for name, result in results.items() if result.status == "fail"}
    assert gone == {
        f"outputs-exists:state-machine/{challenge.NAME}", f"outputs-exists:user/{challenge.USER}",
    }  # fmt: skip


def test_evalais_secrets_are_one_subjects_to_ask_for_a_value() -> None:
    arns = [challenge.SECRETS["evalai"], challenge.SECRETS["leaderboard-10"]]
    answers: dict[Key, Answer] = {
        ("resourcegroupstaggingapi", "GetResources"): tagged(*arns),
        ("secretsmanager", "ListSecrets"): {"SecretList": []},
        ("secretsmanager", "DescribeSecret"): lambda params: {
            "ARN": params["SecretId"], "Name": params["SecretId"].rpartition(":")[2],
            "LastChangedDate": NOW,
        },
        ("secretsmanager", "GetResourcePolicy"): {},
    }  # fmt: skip
    _, results = ask(secrets.SUBJECT, answers)

    empty = [name for name, result in results.items() if name.startswith("secret-value")]
    assert empty == ["secret-value:staging-leaderboard-10-AbCdEf"]
    assert results["secret-kept:staging-evalai-AbCdEf"].status == "pass"


def test_buckets_and_queues_of_leaderboards_are_asked_like_all() -> None:
    attributes = {"Attributes": {"QueueArn": "arn:aws:sqs:eu-central-1:123456789012:one"}}
    answers: dict[Key, Answer] = {
        ("sqs", "GetQueueUrl"): {"QueueUrl": BOARD["queue_url"]},
        ("sqs", "GetQueueAttributes"): attributes,
    }
    where = context(Cloud(NOTHING_TAGGED | answers), challenge.OUTPUTS)

    assert inventory.buckets(where) == [BOARD["bucket"], "staging-private", "staging-public"]
    assert set(inventory.queues(where)) == {challenge.NAME, f"{challenge.NAME}-dead-letters"}
