"""The last test: a second plan is empty, drift is found, and destroying leaves nothing of ours."""

from __future__ import annotations

import contextlib
import json
import socket
import time

import psutil

from tests.local.recordings import new_name, objects, put
from tests.platform import Platform

PREFIX = "local-"
TAGS = {"project": "proving-ground", "environment": "local"}
ANYTHING = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [ANYTHING]})


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
    found["networks"] = [
        one["VpcId"]
        for one in platform.client("ec2").describe_vpcs()["Vpcs"]
        if not one["IsDefault"]
    ]
    found["clusters"] = platform.client("eks").list_clusters()["clusters"]
    batch = platform.client("batch")
    found["job queues"] = [one["jobQueueName"] for one in batch.describe_job_queues()["jobQueues"]]
    found["compute environments"] = [
        one["computeEnvironmentName"]
        for one in batch.describe_compute_environments()["computeEnvironments"]
    ]
    tagged = platform.client("resourcegroupstaggingapi").get_paginator("get_resources")
    filters = [{"Key": key, "Values": [value]} for key, value in TAGS.items()]
    found["tagged"] = [
        one["ResourceARN"]
        for page in tagged.paginate(TagFilters=filters)
        for one in page["ResourceTagMappingList"]
    ]
    return {service: names for service, names in found.items() if names}


def test_the_second_plan_is_empty(platform: Platform) -> None:
    planned = platform.glue("deploy", "plan", "--env", "local", check=False)
    assert planned.returncode == 0, planned.stdout + planned.stderr


def test_drift_is_found_and_mended(platform: Platform) -> None:
    clean = platform.glue("deploy", "drift", "--env", "local", "--json", check=False)
    report = json.loads(clean.stdout)
    assert (report["drifted"], report["unmanaged"]) == ([], []), report
    assert clean.returncode == 0
    # What was set aside is told, each with its reason.
    assert all(one["reason"] for one in report["explained"])
    recordings = platform.outputs["recordings"]
    bucket, role = recordings["processed_bucket"], recordings["functions"]["serve_api"]
    name = role["role_arn"].rpartition("/")[2]
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    s3, iam, sqs = (platform.client(service) for service in ("s3", "iam", "sqs"))
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    iam.attach_role_policy(RoleName=name, PolicyArn=administrator)
    url = sqs.create_queue(QueueName="by-hand", tags=TAGS)["QueueUrl"]
    try:
        found = platform.glue("deploy", "drift", "--env", "local", "--json", check=False)
        report = json.loads(found.stdout)
        assert found.returncode == 2
        told = {one["address"]: one for one in report["drifted"]}
        versions = next(one for a, one in told.items() if "aws_s3_bucket_versioning" in a)
        assert (versions["severity"], versions["differences"][0]["after"]) == (
            "critical",
            "Suspended",
        )
        grant = next(one for address, one in told.items() if "aws_iam_role" in address)
        assert grant["severity"] == "critical"
        assert administrator in json.dumps(grant["differences"])
        assert len(told) == 2
        arns = [one["arn"] for one in report["unmanaged"]]
        assert [arn.rpartition(":")[2] for arn in arns] == ["by-hand"]
        text = platform.glue("deploy", "drift", "--env", "local", check=False).stdout
        assert '+ versioning_configuration[0].status = "Suspended"' in text
    finally:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        iam.detach_role_policy(RoleName=name, PolicyArn=administrator)
        sqs.delete_queue(QueueUrl=url)
    again = platform.glue("deploy", "drift", "--env", "local", check=False)
    assert again.returncode == 0, again.stdout


def test_destroy_keeps_what_cannot_be_made_again_unless_it_is_named(platform: Platform) -> None:
    raw = platform.outputs["recordings"]["raw_bucket"]
    pool = platform.outputs["identity"]["user_pool_id"]
    s3, users = platform.client("s3"), platform.client("cognito-idp")
    name = new_name("kept")
    for key, body in objects(name, {"a.bin": b"raw", "session.txt": b"subject: mouse\n"}).items():
        put(platform, key, body)
    platform.settled([name])
    assert s3.list_objects_v2(Bucket=raw)["KeyCount"] > 0
    users.update_user_pool(UserPoolId=pool, DeletionProtection="ACTIVE")
    kept = platform.glue("deploy", "destroy", "--env", "local", check=False)
    assert kept.returncode == 1, kept.stdout
    # All that is in the way is told at once, and nothing was touched: the platform still answers.
    told = kept.stdout + kept.stderr
    assert f"bucket {raw}: it holds recordings" in told
    assert "user pool local-users: deletion protection is on" in told
    assert f"--erase {raw} --erase local-users" in told
    assert platform.settled([name])[name]["state"] == "processed"
    assert s3.list_objects_v2(Bucket=raw)["KeyCount"] > 0


def test_destroy_finishes_and_proves_it(platform: Platform) -> None:
    raw = platform.outputs["recordings"]["raw_bucket"]
    processed = platform.outputs["recordings"]["processed_bucket"]
    put(platform, "left/a.bin", b"raw")
    for text in (b"one", b"two"):
        platform.client("s3").put_object(Bucket=processed, Key="left/a", Body=text)
    platform.client("cognito-idp").update_user_pool(
        UserPoolId=platform.outputs["identity"]["user_pool_id"], DeletionProtection="ACTIVE"
    )
    job = running_job(platform)
    role = platform.outputs["recordings"]["functions"]["serve_api"]["role_arn"]
    platform.client("iam").put_role_policy(
        RoleName=role.rpartition("/")[2], PolicyName="by-hand", PolicyDocument=DOCUMENT
    )
    sqs = platform.client("sqs")
    stray = sqs.create_queue(QueueName="by-hand", tags=TAGS)["QueueUrl"]
    options = ("--erase", "local-users", "--erase-raw", raw)
    report = platform.glue_json("deploy", "destroy", "--env", "local", *options)
    # The queue that nobody manages is told with the reason; nothing else is left.
    assert [one["arn"].rpartition(":")[2] for one in report["left"]] == ["by-hand"]
    assert "no state knows it" in report["left"][0]["reason"]
    assert report["erased_objects"][raw] > 0
    assert report["erased_objects"][processed] > 1
    assert report["drained"]["policies_made_by_hand_removed"] == 1
    assert report["drained"]["stopped_jobs"] == 1
    ended = platform.client("batch").describe_jobs(jobs=[job])["jobs"][0]
    assert ended["status"] == "FAILED"
    assert "destroyed" in ended["statusReason"]
    sqs.delete_queue(QueueUrl=stray)
    # Keys cannot be deleted at once: AWS does it after a week or more, and the report says when.
    going = {one["arn"]: one["reason"] for one in report["going"]}
    assert all("the key is deleted on 20" in reason for reason in going.values()), going
    assert set(leftovers(platform).pop("tagged", [])) == set(going)
    assert set(leftovers(platform)) <= {"tagged"}


def running_job(platform: Platform) -> str:
    """Start a job that would run for an hour, and return its id once it runs."""
    parts = platform.outputs["batch"]
    batch = platform.client("batch")
    job: str = batch.submit_job(
        jobName="endless",
        jobQueue=next(iter(parts["job_queues"].values()))["arn"],
        jobDefinition=next(iter(parts["job_definitions"].values()))["arn"],
        containerOverrides={"command": ["sleep", "3600"]},
    )["jobId"]
    deadline = time.monotonic() + 300
    while batch.describe_jobs(jobs=[job])["jobs"][0]["status"] != "RUNNING":
        assert time.monotonic() < deadline, batch.describe_jobs(jobs=[job])
        time.sleep(0.1)
    return job


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
