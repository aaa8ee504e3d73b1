"""The last test: a second plan is empty, and destroying leaves nothing of ours."""

from __future__ import annotations

import contextlib
import socket

import psutil

from tests.local.recordings import new_name, objects, put
from tests.platform import Platform

PREFIX = "local-"


def leftovers(platform: Platform) -> dict[str, list[str]]:
    """Return what the emulator still holds of ours, by service."""
    s3, sqs = platform.client("s3"), platform.client("sqs")
    found = {
        "buckets": [
            one["Name"]
            for one in s3.list_buckets()["Buckets"]
            # The state's own bucket is the operator's, not the platform's.
            if "terraform-state" not in one["Name"]
        ],
        "queues": sqs.list_queues().get("QueueUrls", []),
        "functions": [
            one["FunctionName"] for one in platform.client("lambda").list_functions()["Functions"]
        ],
        "layers": [one["LayerName"] for one in platform.client("lambda").list_layers()["Layers"]],
        "roles": [
            one["RoleName"]
            for one in platform.client("iam").list_roles()["Roles"]
            if one["RoleName"].startswith(PREFIX)
        ],
        "policies": [
            one["PolicyName"]
            for one in platform.client("iam").list_policies(Scope="Local")["Policies"]
        ],
        "apis": [one["name"] for one in platform.client("apigateway").get_rest_apis()["items"]],
        "keys": [one["name"] for one in platform.client("apigateway").get_api_keys()["items"]],
        "plans": [one["name"] for one in platform.client("apigateway").get_usage_plans()["items"]],
        "pools": [
            one["Name"]
            for one in platform.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
        ],
        "topics": [one["TopicArn"] for one in platform.client("sns").list_topics()["Topics"]],
        "alarms": [
            one["AlarmName"]
            for one in platform.client("cloudwatch").describe_alarms()["MetricAlarms"]
        ],
        "logs": [
            one["logGroupName"]
            for one in platform.client("logs").describe_log_groups()["logGroups"]
        ],
        "rules": [one["Name"] for one in platform.client("events").list_rules()["Rules"]],
        "schedules": [
            one["Name"] for one in platform.client("scheduler").list_schedules()["Schedules"]
        ],
        "secrets": [
            one["Name"] for one in platform.client("secretsmanager").list_secrets()["SecretList"]
        ],
    }
    return {service: names for service, names in found.items() if names}


def test_the_second_plan_is_empty(platform: Platform) -> None:
    planned = platform.glue("deploy", "plan", "--env", "local", check=False)
    assert planned.returncode == 0, planned.stdout + planned.stderr


def test_destroy_keeps_raw_recordings_unless_they_are_named(platform: Platform) -> None:
    raw = platform.outputs["recordings"]["raw_bucket"]
    s3 = platform.client("s3")
    name = new_name("kept")
    for key, body in objects(name, {"a.bin": b"raw", "session.txt": b"subject: mouse\n"}).items():
        put(platform, key, body)
    platform.settled([name])
    assert s3.list_objects_v2(Bucket=raw)["KeyCount"] > 0
    kept = platform.glue("deploy", "destroy", "--env", "local", check=False)
    assert kept.returncode == 1, kept.stdout
    # Nothing was touched: the platform still answers.
    assert platform.settled([name])[name]["state"] == "processed"
    assert raw in kept.stdout + kept.stderr
    assert s3.list_objects_v2(Bucket=raw)["KeyCount"] > 0
    platform.glue("deploy", "destroy", "--env", "local", "--erase-raw", raw)
    assert leftovers(platform) == {}


def test_down_leaves_no_process_and_no_open_port(platform: Platform) -> None:
    assert processes(platform), "the cloud runs"
    platform.down()
    assert processes(platform) == []
    for port in (platform.port, platform.postgres_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, port


def processes(platform: Platform) -> list[str]:
    """Return the command lines of the processes that belong to the platform's cloud."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            found.append(" ".join(process.cmdline()))
    return [line for line in found if str(platform.build / "local") in line]
