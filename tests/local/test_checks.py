"""`glue check` against a running platform: all is well; then something is broken, and is found."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.platform import ROOT, Platform

# What other tests have done to the platform is not what is tested here.
OF_OTHERS = ("alarm-quiet", "dead-letters-empty", "queue-oldest-message")
OPEN = {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "sns:Publish"}


def checked(platform: Platform, *options: str) -> dict[str, dict[str, str]]:
    """Return the results by id."""
    result = platform.glue("check", "local", "--json", *options, check=False)
    report = json.loads(result.stdout)
    assert (report["environment"], report["target"]) == ("local", "local cloud")
    failed = [one for one in report["checks"] if one["status"] == "fail"]
    assert result.returncode == (2 if failed else 0)
    return {one["id"]: one for one in report["checks"]}


def failures(results: dict[str, dict[str, str]]) -> dict[str, str]:
    return {
        name: result["found"]
        for name, result in results.items()
        if result["status"] == "fail" and not name.startswith(OF_OTHERS)
    }


def test_all_is_well_or_honestly_simulated(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "checks.xml"
    results = checked(platform, "--junit", str(file))
    assert failures(results) == {}
    assert len(results) > 150
    statuses = {result["status"] for result in results.values()}
    assert {"pass", "simulated", "not_covered"} <= statuses
    assert results["api-refuses:junk"]["status"] == "pass"
    aging = next(r for name, r in results.items() if name.startswith("raw-ages-into-glacier"))
    assert aging["status"] == "simulated"
    assert "nothing ages" in aging["found"]
    cases = [case.attrib["name"] for case in ET.parse(file).getroot().iter("testcase")]
    assert cases == list(results)


def test_pytest_runs_the_same_checks(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "pytest.xml"
    command = [
        sys.executable, "-m", "pytest", "--env", "local", "--subject", "settings",
        "--subject", "storage", "tests/deployment", "-p", "no:cacheprovider", f"--junit-xml={file}",
    ]  # fmt: skip
    ended = subprocess.run(
        command, cwd=ROOT, env=platform.variables, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-4000:]
    cases = {case.attrib["name"]: case for case in ET.parse(file).getroot().iter("testcase")}
    results = checked(platform, "-s", "settings", "-s", "storage")
    assert set(cases) == {f"test_check[{name}]" for name in results}
    skipped = {name for name, case in cases.items() if case.find("skipped") is not None}
    assert skipped == {
        f"test_check[{name}]" for name, one in results.items() if one["status"] == "simulated"
    }


def test_pytest_speaks_to_nobody_unless_told(platform: Platform) -> None:
    command = [sys.executable, "-m", "pytest", "tests/deployment", "-p", "no:cacheprovider", "-rs"]
    ended = subprocess.run(
        command, cwd=ROOT, env=platform.variables, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout
    assert "1 skipped" in ended.stdout
    assert "name an environment" in ended.stdout


Breaking = Callable[[Platform], AbstractContextManager[str]]


@contextmanager
def public_access(platform: Platform) -> Iterator[str]:
    s3, bucket = platform.client("s3"), platform.outputs["recordings"]["processed_bucket"]
    kept = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    s3.delete_public_access_block(Bucket=bucket)
    try:
        yield f"bucket-public-access:{bucket}"
    finally:
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=kept)


@contextmanager
def transport(platform: Platform) -> Iterator[str]:
    s3, bucket = platform.client("s3"), platform.outputs["recordings"]["processed_bucket"]
    kept = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    try:
        yield f"bucket-tls-only:{bucket}"
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=kept)


@contextmanager
def lifecycle(platform: Platform) -> Iterator[str]:
    s3, bucket = platform.client("s3"), platform.outputs["recordings"]["processed_bucket"]
    kept = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    s3.delete_bucket_lifecycle(Bucket=bucket)
    try:
        yield f"processed-forgets-old-versions:{bucket}"
    finally:
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": kept})


@contextmanager
def redrive(platform: Platform) -> Iterator[str]:
    sqs, url = platform.client("sqs"), platform.outputs["recordings"]["preprocess_queue_url"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    try:
        yield f"queue-redrive:{url.rpartition('/')[2]}"
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=answer["Attributes"])


def function(platform: Platform, key: str) -> str:
    return str(platform.outputs["recordings"]["functions"][key]["name"])


@contextmanager
def variable(platform: Platform) -> Iterator[str]:
    client, name = platform.client("lambda"), function(platform, "issue_token")
    kept = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    changed = kept | {"PROVING_GROUND_BY_HAND": "yes"}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
    try:
        yield "function-settings-read:issue_token"
    finally:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": kept})


@contextmanager
def concurrency(platform: Platform) -> Iterator[str]:
    client, name = platform.client("lambda"), function(platform, "reconcile_recordings")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        yield f"function-concurrency:{name}"
    finally:
        client.delete_function_concurrency(FunctionName=name)


@contextmanager
def event_source(platform: Platform) -> Iterator[str]:
    client, name = platform.client("lambda"), function(platform, "preprocess_recording")
    mapping = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"][0]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield f"function-event-source:{name}/{mapping['EventSourceArn'].rpartition(':')[2]}"
    finally:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@contextmanager
def schedule(platform: Platform) -> Iterator[str]:
    events = platform.client("events")
    name = f"{function(platform, 'reconcile_recordings')}-schedule"
    events.disable_rule(Name=name)
    try:
        yield f"function-schedule:{name}"
    finally:
        events.enable_rule(Name=name)


@contextmanager
def alarm_action(platform: Platform) -> Iterator[str]:
    cloudwatch, name = platform.client("cloudwatch"), platform.outputs["alarms"]["names"][0]
    cloudwatch.disable_alarm_actions(AlarmNames=[name])
    try:
        yield f"alarm-action:{name}"
    finally:
        cloudwatch.enable_alarm_actions(AlarmNames=[name])


@contextmanager
def topic(platform: Platform) -> Iterator[str]:
    sns, arn = platform.client("sns"), platform.outputs["alarms"]["topic_arn"]
    kept = sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]
    opened = json.loads(kept)
    opened["Statement"].append(OPEN | {"Resource": arn})
    sns.set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(opened)
    )
    try:
        yield f"topic-policy-closed:{arn.rpartition(':')[2]}"
    finally:
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=kept)


@contextmanager
def retention(platform: Platform) -> Iterator[str]:
    logs, name = platform.client("logs"), f"/aws/lambda/{function(platform, 'serve_api')}"
    groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    logs.delete_retention_policy(logGroupName=name)
    try:
        yield f"log-group-retention:{name}"
    finally:
        logs.put_retention_policy(logGroupName=name, retentionInDays=groups[0]["retentionInDays"])


@contextmanager
def api_key(platform: Platform) -> Iterator[str]:
    """Add a method that wants no key, beside Terraform's."""
    client, api = platform.client("apigateway"), platform.outputs["api"]["id"]
    resources = client.get_resources(restApiId=api)["items"]
    root = next(one["id"] for one in resources if one["path"] == "/")
    made = client.create_resource(restApiId=api, parentId=root, pathPart="back-door")["id"]
    client.put_method(
        restApiId=api, resourceId=made, httpMethod="GET", authorizationType="NONE",
        apiKeyRequired=False,
    )  # fmt: skip
    try:
        yield f"api-wants-keys:{api}"
    finally:
        client.delete_resource(restApiId=api, resourceId=made)


@contextmanager
def key(platform: Platform) -> Iterator[str]:
    kms = platform.client("kms")
    sns = platform.client("sns")
    attributes = sns.get_topic_attributes(TopicArn=platform.outputs["alarms"]["topic_arn"])
    arn = attributes["Attributes"]["KmsMasterKeyId"]
    kms.disable_key(KeyId=arn)
    try:
        yield f"key-usable:{arn.rpartition('/')[2]}"
    finally:
        kms.enable_key(KeyId=arn)


@contextmanager
def secret(platform: Platform) -> Iterator[str]:
    client = platform.client("secretsmanager")
    arn = platform.outputs["recordings"]["catalogue_secret_arn"]
    name = client.describe_secret(SecretId=arn)["Name"]
    client.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    try:
        yield f"secret-kept:{name}"
    finally:
        client.restore_secret(SecretId=arn)


@contextmanager
def outputs(platform: Platform) -> Iterator[str]:
    """Put an older outputs file in the place of the present one."""
    path = platform.build / "environments" / "local.json"
    kept = path.read_text()
    stale: dict[str, Any] = json.loads(kept)
    stale["identity"]["user_pool_id"] = "eu-central-1_Long0Gone"
    path.write_text(json.dumps(stale))
    try:
        yield "outputs-exists:user-pool/eu-central-1_Long0Gone"
    finally:
        path.write_text(kept)


BROKEN: tuple[Breaking, ...] = (
    alarm_action, api_key, concurrency, event_source, key, lifecycle, outputs, public_access,
    redrive, retention, schedule, secret, topic, transport, variable,
)  # fmt: skip
# What is broken besides, when these things are: a function whose queue lost its dead letters loses
# what it fails at, and a bucket without lifecycle rules keeps broken uploads.
BESIDES = ("function-failures:", "bucket-aborts-uploads:")


@pytest.fixture(scope="module")
def broken(platform: Platform) -> dict[str, Any]:
    """Break everything at once, check, put everything back, and check again."""
    with ExitStack() as stack:
        expected = {one.__name__: stack.enter_context(one(platform)) for one in BROKEN}
        found = checked(platform)
    return {"expected": expected, "found": found, "after": checked(platform)}


@pytest.mark.parametrize("what", [one.__name__ for one in BROKEN])
def test_what_is_broken_is_found(broken: dict[str, Any], what: str) -> None:
    expected, found = broken["expected"][what], broken["found"]
    assert expected in failures(found), found.get(expected)
    assert found[expected]["remedy"]
    assert broken["after"].get(expected, {"status": "pass"})["status"] != "fail", "it was put back"


def test_nothing_else_is_found(broken: dict[str, Any]) -> None:
    unexpected = set(failures(broken["found"])) - set(broken["expected"].values())
    assert {name for name in unexpected if not name.startswith(BESIDES)} == set()
    assert failures(broken["after"]) == {}
