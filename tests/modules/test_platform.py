"""The root as a whole, made by a provider that makes everything up."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from glue.deploy.environments import read_facts
from glue.deploy.project import Project
from glue.settings import FUNCTION_SETTINGS, PREFIX, LeaderboardSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.modules.workbench import Workbench

TESTS = Path(__file__).with_name("platform.tftest.hcl")
ENVIRONMENT_TESTS = Path(__file__).with_name("environment.tftest.hcl")

RAW_OBJECTS = "arn:aws:s3:::raw/*"
CHANGES_TO_OBJECTS = re.compile(r"s3:(Delete|Bypass|Put(?!Object$)|Restore|Replicate)")


LEADERBOARDS = ("leaderboard-10", "leaderboard-20")
# Every function by its key in the output `functions`, and the class that reads its settings.
SETTINGS = {
    key: kind
    for key, kind in FUNCTION_SETTINGS.items()
    if not issubclass(kind, LeaderboardSettings)
}
OF_LEADERBOARDS = {
    f"{board}/{key}": kind
    for board in LEADERBOARDS
    for key, kind in FUNCTION_SETTINGS.items()
    if issubclass(kind, LeaderboardSettings)
}
FUNCTIONS = SETTINGS | OF_LEADERBOARDS


def function_name(key: str) -> str:
    """Return what a function is called in AWS."""
    board, _, name = key.rpartition("/")
    if board:
        return f"local-{board}-{name.split('_')[0]}"
    return f"local-{key.replace('_', '-')}"


def resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the resources of a module and of those below it."""
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources(child)


def prepared_root(workbench: Workbench) -> Path:
    """Return the copy of the root, with a folder for tests."""
    root = workbench.folder / "terraform" / "platform"
    (root / "tests").mkdir(exist_ok=True)
    workbench.prepare(root)
    return root


@pytest.fixture(scope="module")
def messages(workbench: Workbench) -> list[dict[str, Any]]:
    """What `terraform test` says of the root, message by message."""
    root = prepared_root(workbench)
    shutil.copy(TESTS, root / "tests")
    printed = workbench.run(
        root,
        *("test", "-json", "-verbose", f"-filter=tests/{TESTS.name}"),
        "-var-file=environments/local.tfvars",
        workspace="local",
    )
    # Plans come with the provider's whole schema, fourteen megabytes each: only the state is read.
    lines = (line for line in printed.splitlines() if '"type":"test_plan"' not in line[-200:])
    return [json.loads(line) for line in lines]


def state_after(messages: list[dict[str, Any]], run: str) -> dict[str, Any]:
    """Return the state after the mocked apply of a run."""
    [found] = [
        m["test_state"] for m in messages if m["type"] == "test_state" and m["@testrun"] == run
    ]
    return {"root_module": found["root_module"], "outputs": found["outputs"]}


@pytest.fixture(scope="module")
def state(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The state after the mocked apply of the local environment."""
    return state_after(messages, "local")


@pytest.fixture(scope="module")
def grown(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The state after a third leaderboard was added."""
    return state_after(messages, "a_third_leaderboard")


@pytest.fixture(scope="module")
def made(state: dict[str, Any]) -> list[dict[str, Any]]:
    """All resources of the mocked apply."""
    return list(resources(state["root_module"]))


@pytest.fixture(scope="module")
def policies(made: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Statements of each function's role, by the function's key."""
    functions = {function_name(key): key for key in FUNCTIONS}
    names = {r["address"]: r["values"]["name"] for r in made if r["type"] == "aws_iam_role"}
    found = {
        names.get(r["address"].replace("aws_iam_role_policy", "aws_iam_role")): r["values"]
        for r in made
        if r["type"] == "aws_iam_role_policy"
    }
    return {
        function: json.loads(found[name]["policy"])["Statement"]
        for name, function in functions.items()
    }


def output(state: dict[str, Any], name: str) -> Any:
    """Return the value of an output."""
    return state["outputs"][name]["value"]


def test_every_run_passes(messages: list[dict[str, Any]]) -> None:
    [summary] = [m["test_summary"] for m in messages if m["type"] == "test_summary"]
    runs = len(re.findall(r'^run "', TESTS.read_text(encoding="utf-8"), re.MULTILINE))
    assert (summary["passed"], summary["failed"], summary["errored"]) == (runs, 0, 0)


def test_outputs_are_those_that_glue_reads(state: dict[str, Any]) -> None:
    # An output that is null is none: the local environment has no domain.
    assert set(state["outputs"]) == {
        "account_id", "alarms", "api", "batch", "cluster", "environment", "evalai", "functions",
        "identity", "leaderboards", "network", "recordings", "region", "registry",
    }  # fmt: skip
    assert set(output(state, "api")) == {"id", "stage", "url", "usage_plan_id"}
    assert set(output(state, "identity")) == {"user_pool_id", "client_id"}
    assert set(output(state, "alarms")) == {"topic_arn", "names"}
    assert set(output(state, "cluster")) >= {
        "name", "endpoint", "certificate_authority", "version", "node_groups", "log_group_names",
        "workload_role_arns",
    }  # fmt: skip
    assert set(output(state, "batch")) == {
        "job_queues", "job_definitions", "job_roles", "compute_environments", "log_group_name",
    }  # fmt: skip
    assert output(state, "functions") == {
        key: {"name": function_name(key), "settings": key.rpartition("/")[2]} for key in FUNCTIONS
    }
    assert set(output(state, "evalai")) == {
        "secret_arn", "tracks_secret_arn", "budget_table", "user_name", "public_contents",
        "private_contents",
    }  # fmt: skip
    assert set(output(state, "leaderboards")) == set(LEADERBOARDS)
    assert set(output(state, "recordings")) == {
        "raw_bucket", "processed_bucket",
        "ingest_queue_url", "ingest_dead_letter_queue_url",
        "preprocess_queue_url", "preprocess_dead_letter_queue_url",
        "functions", "catalogue_secret_arn",
    }  # fmt: skip


def test_the_local_address_is_the_emulators(state: dict[str, Any]) -> None:
    api = output(state, "api")
    assert api["url"] == f"http://127.0.0.1:4566/_aws/execute-api/{api['id']}/v1"


def test_all_alarms_are_named(state: dict[str, Any], made: list[dict[str, Any]]) -> None:
    alarms = [r["values"] for r in made if r["type"] == "aws_cloudwatch_metric_alarm"]

    assert output(state, "alarms")["names"] == sorted(alarm["alarm_name"] for alarm in alarms)
    assert all(alarm["alarm_actions"] == [output(state, "alarms")["topic_arn"]] for alarm in alarms)
    assert all(alarm["alarm_name"].startswith("local-") for alarm in alarms)


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
class TestFunctions:
    def function(self, function: str, made: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the values of a function's resource."""
        [found] = [
            r["values"]
            for r in made
            if r["type"] == "aws_lambda_function"
            and r["values"]["function_name"] == function_name(function)
        ]
        values: dict[str, Any] = found
        assert values["handler"] == f"lambdas.{function.rpartition('/')[2]}.handler.handler"
        return values

    def test_is_told_exactly_what_it_reads(self, function: str, made: list[dict[str, Any]]) -> None:
        variables = self.function(function, made)["environment"][0]["variables"]
        told = {name for name in variables if name.startswith(PREFIX)}
        assert told == FUNCTIONS[function].keys()

    def test_understands_what_it_is_told(
        self, function: str, made: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in self.function(function, made)["environment"][0]["variables"].items():
            monkeypatch.setenv(name, value)
        assert FUNCTIONS[function]().environment == "local"

    def test_is_told_no_secret(self, function: str, made: list[dict[str, Any]]) -> None:
        variables = self.function(function, made)["environment"][0]["variables"]
        # Where a secret lies is none.
        named = [name for name in variables if not name.endswith("_SECRET_ARN")]
        assert not [name for name in named if re.search("password|secret|token", name, re.I)]
        catalogue = json.loads(variables.get(f"{PREFIX}CATALOGUE", "{}"))
        assert set(catalogue) <= {"engine", "host", "port", "database", "user", "secret_arn"}

    def test_is_listed(self, function: str, state: dict[str, Any]) -> None:
        listed = output(state, "recordings")["functions"].get(function)
        if function in OF_LEADERBOARDS:
            assert listed is None
            board, _, key = function.partition("/")
            found = output(state, "leaderboards")[board]["functions"][key]
            assert found == function_name(function)
        else:
            assert listed["name"] == function_name(function)
            assert set(listed) == {"name", "arn", "role_arn"}


def granted(statements_: list[dict[str, Any]], service: str) -> dict[str, set[str]]:
    """Return which of a service's actions are granted, by resource."""
    result: dict[str, set[str]] = {}
    for statement in statements_:
        actions = {a for a in statement["Action"] if a.startswith(f"{service}:")}
        for resource in statement["Resource"] if actions else []:
            result.setdefault(resource, set()).update(actions)
    return result


def test_no_role_deletes_or_changes_objects(policies: dict[str, list[dict[str, Any]]]) -> None:
    assert policies.keys() == FUNCTIONS.keys()
    for function, role in policies.items():
        actions = [action for statement in role for action in statement["Action"]]
        assert not [action for action in actions if CHANGES_TO_OBJECTS.match(action)], function


def test_only_signed_addresses_add_raw_objects(policies: dict[str, list[dict[str, Any]]]) -> None:
    writers = {
        function
        for function in FUNCTIONS
        if "s3:PutObject" in granted(policies[function], "s3").get(RAW_OBJECTS, set())
    }
    assert writers == {"serve_api"}


def test_each_role_keeps_to_its_buckets(policies: dict[str, list[dict[str, Any]]]) -> None:
    buckets = {
        function: {re.split("[:/]", resource)[5] for resource in granted(policies[function], "s3")}
        for function in SETTINGS
    }
    assert buckets == {
        "issue_token": set(),
        "serve_api": {"raw", "processed"},
        "ingest_recording": {"raw"},
        "preprocess_recording": {"raw", "processed"},
        "reconcile_recordings": {"raw"},
    }


def test_only_traces_and_interfaces_stand_on_every_resource(
    policies: dict[str, list[dict[str, Any]]],
) -> None:
    for function, role in policies.items():
        allowed = (statement for statement in role if statement["Effect"] == "Allow")
        wide = {statement["Sid"] for statement in allowed if "*" in statement["Resource"]}
        speaks = function in OF_LEADERBOARDS and not function.endswith("/start_submission")
        assert wide == {"SendTraces"} | ({"LambdaMakesInterfaces"} if speaks else set())


def test_workers_cannot_lift_the_rules_of_raw_data(
    state: dict[str, Any], made: list[dict[str, Any]]
) -> None:
    [policy] = [
        json.loads(r["values"]["policy"])["Statement"]
        for r in made
        if r["type"] == "aws_s3_bucket_policy" and ".module.raw." in r["address"]
    ]
    by_name = {statement["Sid"]: statement for statement in policy}
    bound = by_name["SettingsAreOutOfReach"]["Condition"]["ArnLike"]["aws:PrincipalArn"]
    functions = output(state, "recordings")["functions"].values()

    assert set(bound) == {f"arn:aws:iam::000000000000:role/{f['name']}" for f in functions}
    assert "Condition" not in by_name["NothingIsDeleted"]
    assert {"s3:DeleteObject", "s3:DeleteObjectVersion"} <= set(
        by_name["NothingIsDeleted"]["Action"]
    )


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_the_file_of_an_environment_can_be_planned(environment: str, workbench: Workbench) -> None:
    root = prepared_root(workbench)
    facts = read_facts(environment, Project(workbench.folder, workbench.folder, workbench.folder))
    tests = ENVIRONMENT_TESTS.read_text(encoding="utf-8").replace("ACCOUNT", facts.account_id)
    (root / "tests" / f"{environment}.tftest.hcl").write_text(tests, encoding="utf-8")

    printed = workbench.run(
        root,
        *("test", "-no-color", f"-filter=tests/{environment}.tftest.hcl"),
        f"-var-file=environments/{environment}.tfvars",
        workspace=environment,
    )

    assert "1 passed, 0 failed" in printed


class TestLeaderboards:
    def made_for(self, state: dict[str, Any], board: str) -> dict[str, str]:
        """Return what bears a leaderboard's name, type by address without it."""
        return {
            r["address"].replace(board, "BOARD"): r["type"]
            for r in resources(state["root_module"])
            if board in r["address"]
        }

    def test_the_third_is_one_entry_of_the_map(
        self, state: dict[str, Any], grown: dict[str, Any]
    ) -> None:
        """It has what the others have, and what all share stays as it is."""
        first, second, third = (
            self.made_for(grown, f"leaderboard-{number}") for number in (10, 20, 30)
        )
        shared = {
            r["address"]
            for r in resources(grown["root_module"])
            if "leaderboard-" not in r["address"]
        }
        before = {r["address"] for r in resources(state["root_module"])}

        assert third == first == second != {}
        assert shared == {address for address in before if "leaderboard-" not in address}
        assert set(output(grown, "leaderboards")) == {*LEADERBOARDS, "leaderboard-30"}

    def test_evalais_key_sends_to_them_and_does_nothing_else_with_queues(
        self, grown: dict[str, Any]
    ) -> None:
        policies = {
            r["values"]["name"]: json.loads(r["values"]["policy"])["Statement"]
            for r in resources(grown["root_module"])
            if r["type"] == "aws_iam_user_policy"
        }
        [sending] = policies["send-submissions"]
        pushing = [action for one in policies["push-images"] for action in one["Action"]]

        assert sending["Action"] == ["sqs:GetQueueUrl", "sqs:SendMessage"]
        assert len(sending["Resource"]) == 3
        assert {a.partition(":")[0] for a in pushing} == {"ecr", "sts"}
        assert not [a for a in pushing if re.search("Delete|SetRepository|[*]", a)]

    def test_no_value_of_a_secret_and_no_key_is_in_the_state(self, grown: dict[str, Any]) -> None:
        kinds = [r["type"] for r in resources(grown["root_module"])]
        written = [
            json.loads(r["values"]["secret_string"])
            for r in resources(grown["root_module"])
            if r["type"] == "aws_secretsmanager_secret_version"
        ]
        assert "aws_iam_access_key" not in kinds
        assert len(written) == 3  # parameters, of which none is secret
        assert all(len(parameters) == 9 and all(parameters.values()) for parameters in written)

    def test_every_queue_is_known_to_all(self, grown: dict[str, Any]) -> None:
        told = [
            json.loads(r["values"]["environment"][0]["variables"][f"{PREFIX}QUEUE_URLS"])
            for r in resources(grown["root_module"])
            if r["type"] == "aws_lambda_function"
            and r["values"]["handler"] == "lambdas.start_submission.handler.handler"
        ]
        url = "http://127.0.0.1:4566/000000000000/local-leaderboard-"
        assert told == [{f"leaderboard-{n}": f"{url}{n}" for n in (10, 20, 30)}] * 3

    def test_only_what_speaks_to_the_cluster_may(self, made: list[dict[str, Any]]) -> None:
        entries = {
            r["index"]: r["values"]["access_scope"][0]["namespaces"]
            for r in made
            if r["type"] == "aws_eks_access_policy_association" and "leaderboard-" in r["index"]
        }
        in_network = {
            r["values"]["function_name"]
            for r in made
            if r["type"] == "aws_lambda_function" and r["values"]["vpc_config"]
        }
        assert entries == {
            f"{board}-{function}": ["jobs"]
            for board in LEADERBOARDS
            for function in ("reconcile-submissions", "run-submission")
        }
        assert in_network == {
            f"local-{board}-{function}"
            for board in LEADERBOARDS
            for function in ("run", "reconcile")
        }
        [rule] = [r["values"] for r in made if r["name"] == "cluster_from_leaderboards"]
        assert (rule["from_port"], rule["to_port"], rule["ip_protocol"]) == (443, 443, "tcp")
