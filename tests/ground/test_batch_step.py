"""A processing step of the kind `batch`, from the recording to the catalogue, on a real job.

The step's image stands for a program that copies files; it has the rights of its role only. The
end of the job comes back as an event of Batch through EventBridge and SQS, as on AWS.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from glue.local.clients import LocalSession
from glue.local.cloud import Cloud
from glue.local.configuration import free_port
from glue.recordings.catalogue import Catalogue
from glue.recordings.catalogue.postgresql import PostgresqlEngine
from glue.recordings.catalogue.schema import make_schema
from glue.recordings.ingest import Ingest, ingest_messages
from glue.recordings.preprocess import Preprocess, preprocess_messages
from glue.settings import ProcessingStep
from tests.unit.recordings.samples import Context, put_recording, s3_event, sqs_event

if TYPE_CHECKING:
    from collections.abc import Iterator

RAW, PROCESSED = "raw", "processed"
ACCOUNT = "000000000000"
STEP = """
import os, boto3
s3 = boto3.client("s3")
source, target = os.environ["SOURCE_PREFIX"], os.environ["DESTINATION_PREFIX"]
name = "a.bin"
body = s3.get_object(Bucket=os.environ["SOURCE_BUCKET"], Key=source + name)["Body"].read()
s3.put_object(Bucket=os.environ["DESTINATION_BUCKET"], Key=target + name, Body=body.upper())
print("copied", os.environ["RECORDING"])
"""
FAILING = "raise SystemExit('no such noise')"


class Bench:
    """A local cloud with buckets, catalogue, queue, and the step's job definition."""

    def __init__(self, cloud: Cloud) -> None:
        session = LocalSession(cloud.endpoint)
        self.s3, self.sqs = session.client("s3"), session.client("sqs")
        self.batch, self.logs = session.client("batch"), session.client("logs")
        self.iam, self.events = session.client("iam"), session.client("events")
        for bucket in (RAW, PROCESSED):
            self.s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
            self.s3.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        facts = cloud.postgres().facts()
        engine = PostgresqlEngine(
            str(facts["host"]), int(str(facts["port"])), str(facts["database"]),
            str(facts["user"]), cloud.catalogue_password,
        )  # fmt: skip
        make_schema(engine)
        self.catalogue = Catalogue(engine)
        self.queue = self.sqs.create_queue(QueueName="preprocess")["QueueUrl"]

    def role(self, name: str, **allowed: str) -> str:
        trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                 "Action": "sts:AssumeRole"}  # fmt: skip
        arn: str = self.iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=_policy(trust)
        )["Role"]["Arn"]  # fmt: skip
        statements = [
            {"Effect": "Allow", "Action": action.replace("_", ":"), "Resource": resource}
            for action, resource in allowed.items()
        ]
        self.iam.put_role_policy(
            RoleName=name, PolicyName="it", PolicyDocument=_policy(*statements)
        )
        return arn

    def make_step(self) -> ProcessingStep:
        execution = self.role(
            "execution", logs_CreateLogGroup="*", logs_CreateLogStream="*", logs_PutLogEvents="*"
        )
        job = self.role(
            "step", s3_GetObject=f"arn:aws:s3:::{RAW}/*", s3_PutObject=f"arn:aws:s3:::{PROCESSED}/*"
        )
        environment = self.batch.create_compute_environment(
            computeEnvironmentName="cpu", type="MANAGED",
            computeResources={"type": "FARGATE_SPOT", "maxvCpus": 4, "subnets": ["subnet-1"],
                              "securityGroupIds": ["sg-1"]},
        )["computeEnvironmentArn"]  # fmt: skip
        queue = self.batch.create_job_queue(
            jobQueueName="steps", priority=1,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
        )["jobQueueArn"]  # fmt: skip
        definition = self.batch.register_job_definition(
            jobDefinitionName="upper", type="container", platformCapabilities=["FARGATE"],
            containerProperties={
                "image": f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/local-upper:1",
                "executionRoleArn": execution, "jobRoleArn": job,
                "resourceRequirements": [{"type": "VCPU", "value": "1"},
                                         {"type": "MEMORY", "value": "2048"}],
            },
        )["jobDefinitionArn"]  # fmt: skip
        pattern = {
            "source": ["aws.batch"],
            "detail-type": ["Batch Job State Change"],
            "detail": {"jobQueue": [queue], "status": ["SUCCEEDED", "FAILED"]},
        }
        self.events.put_rule(Name="ends", EventPattern=json.dumps(pattern))
        arn = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:preprocess"
        self.events.put_targets(Rule="ends", Targets=[{"Id": "queue", "Arn": arn}])
        return ProcessingStep(
            name="upper", version="1", kind="batch", job_queue=queue, job_definition=definition
        )

    def preprocess(self, step: ProcessingStep) -> Preprocess:
        none: Any = None
        return Preprocess(
            self.s3, RAW, PROCESSED, self.catalogue, step, lambda: none, lambda: self.batch
        )

    def arrived(self, count: int) -> list[str]:
        """Take so many messages from the queue, when they have come."""
        found: list[str] = []
        deadline = time.monotonic() + 60
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages came"
            page = self.sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=1)
            for message in page.get("Messages", ()):
                found.append(message["Body"])
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    made = Cloud(tmp_path_factory.mktemp("step") / "home", free_port(), free_port())
    made.up()
    try:
        yield made
    finally:
        made.down()


def test_a_step_on_batch_from_the_recording_to_the_catalogue(cloud: Cloud) -> None:
    bench = Bench(cloud)
    preprocess = bench.preprocess(bench.make_step())
    images = cloud.home / "images.json"

    def image(program: str) -> None:
        images.write_text(json.dumps({"upper": {"entrypoint": ["{python}", "-c", program]}}))

    ingest = Ingest(bench.s3, RAW, bench.catalogue, bench.sqs, bench.queue)
    put_recording(bench.s3, RAW, "r")
    ingest_messages(ingest, sqs_event(s3_event(RAW, "r/a.bin")), Context())
    [asked] = bench.arrived(1)

    # A program that fails: the recording says why, and is not lost.
    image(FAILING)
    preprocess_messages(preprocess, sqs_event(asked), Context())
    assert preprocess.process("r") == "a job is under way"
    [ended] = bench.arrived(1)
    preprocess_messages(preprocess, sqs_event(ended), Context())
    summary = bench.catalogue.summaries(["r"])["r"]
    assert summary.state == "complete"
    assert "failed: Essential container in task exited" in str(summary.reason)

    # The program is mended and the recording replayed.
    image(STEP)
    preprocess_messages(preprocess, sqs_event(asked), Context())
    [ended] = bench.arrived(1)
    preprocess_messages(preprocess, sqs_event(ended), Context())
    found = bench.catalogue.get("r")
    assert found is not None
    assert found.state == "processed"
    [made] = [stored for stored in found.objects if stored.kind == "processed"]
    assert made.key == "r/upper-1/a.bin"
    raw = bench.s3.get_object(Bucket=RAW, Key="r/a.bin")["Body"].read()
    assert bench.s3.get_object(Bucket=PROCESSED, Key=made.key)["Body"].read() == raw.upper()
    lines = bench.logs.filter_log_events(logGroupName="/aws/batch/job")["events"]
    assert [event["message"] for event in lines] == ["no such noise", "copied r"]
    assert preprocess.process("r") == "nothing new"
