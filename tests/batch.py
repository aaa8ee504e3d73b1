"""A local cloud with a Batch queue and a definition that runs Python code."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform import Platform

ENDED = ("SUCCEEDED", "FAILED")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
LOG = "/aws/batch/job"
PATIENCE = 60  # seconds
# A minute of Batch's timeouts is three seconds here.
SCALE = {"BATCH_TIME_SCALE": "0.05"}


class Bench:
    """A local cloud of its own with a queue and a definition that runs Python code."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.up()
        self.batch = platform.client("batch")
        self.sqs = platform.client("sqs")
        self.logs = platform.client("logs")

    def up(self) -> None:
        self.platform.glue("local", "up")

    def prepare(self) -> None:
        iam = self.platform.client("iam")
        allowed = {"Effect": "Allow", "Action": ["logs:CreateLogGroup", "logs:CreateLogStream",
                   "logs:PutLogEvents"], "Resource": "*"}  # fmt: skip
        role = iam.create_role(RoleName="execution", AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.put_role_policy(
            RoleName="execution", PolicyName="logs",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        )  # fmt: skip
        self.batch.create_compute_environment(
            computeEnvironmentName="cpu", type="MANAGED",
            computeResources={"type": "FARGATE_SPOT", "maxvCpus": 8, "subnets": ["subnet-1"],
                              "securityGroupIds": ["sg-1"]},
        )  # fmt: skip
        self.batch.create_job_queue(
            jobQueueName="work", priority=1,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "cpu"}],
        )  # fmt: skip
        self.batch.register_job_definition(
            jobDefinitionName="python", type="container", platformCapabilities=["FARGATE"],
            containerProperties={
                "image": "public.ecr.aws/docker/library/python:3.13",
                "command": ["python3", "-u", "-c", "Ref::code"],
                "executionRoleArn": role["Role"]["Arn"],
                "resourceRequirements": [{"type": "VCPU", "value": "1"},
                                         {"type": "MEMORY", "value": "2048"}],
            },
        )  # fmt: skip

    def submit(self, code: str, **changes: Any) -> str:
        job = self.batch.submit_job(
            jobName="test", jobQueue="work", jobDefinition="python", parameters={"code": code},
            **changes,
        )  # fmt: skip
        identity: str = job["jobId"]
        return identity

    def job(self, identity: str) -> dict[str, Any]:
        [found] = self.batch.describe_jobs(jobs=[identity])["jobs"]
        return dict(found)

    def wait(self, identity: str, *statuses: str) -> dict[str, Any]:
        wanted = statuses or ENDED
        job = self.job(identity)
        deadline = time.monotonic() + PATIENCE
        while job["status"] not in wanted:
            assert time.monotonic() < deadline, f"{identity} is still {job['status']}"
            time.sleep(0.05)
            job = self.job(identity)
        return job

    def until(self, probe: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not (answer := probe()):
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.05)
        return answer

    def lines(self, job: dict[str, Any]) -> list[str]:
        stream = job["container"]["logStreamName"]
        events = self.logs.get_log_events(logGroupName=LOG, logStreamName=stream)["events"]
        return [event["message"] for event in events]

    def told(self, name: str) -> str:
        """Make a queue of SQS that is told of every change of a job; return its URL."""
        events = self.platform.client("events")
        url: str = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        pattern = {"source": ["aws.batch"], "detail-type": ["Batch Job State Change"]}
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(
            Rule=name, Targets=[{"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}]
        )
        return url

    def received(self, url: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found
