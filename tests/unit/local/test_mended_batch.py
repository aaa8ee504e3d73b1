"""What Batch of the running local cloud shares with the rest of it: IAM, secrets, tags, rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from glue.local.clients import LocalSession
from tests.unit.local.conftest import eventually

if TYPE_CHECKING:
    from glue.local.cloud import Cloud

pytestmark = pytest.mark.local

ARN = "arn:aws:batch:eu-central-1:000000000000:"
LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]


def make_role(
    session: LocalSession, name: str, actions: list[str], trust: dict[str, Any] | None = None
) -> str:
    iam = session.client("iam")
    statement = {
        "Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}},
    } | (trust or {})  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if actions:
        allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=policy)
    return arn


class Bench:
    """A queue, and a way to run Python code with certain roles."""

    def __init__(self, session: LocalSession, name: str) -> None:
        self.session, self.name = session, name
        self.batch = session.client("batch")
        self.execution = make_role(
            session, f"{name}-execution",
            [*LOGS, "secretsmanager:GetSecretValue", "ssm:GetParameters"],
        )  # fmt: skip
        self.batch.create_compute_environment(
            computeEnvironmentName=name, type="MANAGED",
            computeResources={"type": "FARGATE", "maxvCpus": 4, "subnets": ["s"],
                              "securityGroupIds": ["g"]},
        )  # fmt: skip
        self.batch.create_job_queue(
            jobQueueName=name, priority=1, tags={"Project": name},
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": name}],
        )  # fmt: skip

    def define(self, code: str, **changes: Any) -> str:
        container = {
            "image": "python:3", "command": ["python", "-c", code],
            "executionRoleArn": self.execution,
            "resourceRequirements": [{"type": "VCPU", "value": "1"},
                                     {"type": "MEMORY", "value": "2048"}],
        } | changes  # fmt: skip
        arn: str = self.batch.register_job_definition(
            jobDefinitionName=self.name, type="container", platformCapabilities=["FARGATE"],
            containerProperties=container,
        )["jobDefinitionArn"]  # fmt: skip
        return arn

    def run(self, code: str, **changes: Any) -> dict[str, Any]:
        definition = self.define(code, **changes)
        job = self.batch.submit_job(jobName="j", jobQueue=self.name, jobDefinition=definition)

        def ended() -> Any:
            [found] = self.batch.describe_jobs(jobs=[job["jobId"]])["jobs"]
            return found if found["status"] in ("SUCCEEDED", "FAILED") else None

        return dict(eventually(ended))

    def lines(self, job: dict[str, Any]) -> list[str]:
        events = self.session.client("logs").get_log_events(
            logGroupName="/aws/batch/job", logStreamName=job["container"]["logStreamName"]
        )["events"]
        return [event["message"] for event in events]


@pytest.fixture
def bench(session: LocalSession, request: pytest.FixtureRequest) -> Bench:
    return Bench(session, request.node.name.replace("test_", "")[:40].replace("_", "-"))


def test_a_job_has_the_rights_of_its_role(bench: Bench, session: LocalSession) -> None:
    role = make_role(session, "lists-tables", ["dynamodb:ListTables"])
    code = (
        "import boto3, botocore\n"
        "print(boto3.client('sts').get_caller_identity()['Arn'].rsplit('/', 1)[0])\n"
        "print(boto3.client('dynamodb').list_tables()['ResponseMetadata']['HTTPStatusCode'])\n"
        "try: boto3.client('s3').list_buckets()\n"
        "except botocore.exceptions.ClientError as error: print(error.response['Error']['Code'])"
    )
    job = bench.run(code, jobRoleArn=role)
    expected = ["arn:aws:sts::000000000000:assumed-role/lists-tables", "200", "AccessDenied"]
    assert bench.lines(job) == expected
    alone = bench.run("import boto3; boto3.client('sts').get_caller_identity()")
    assert "Unable to locate credentials" in bench.lines(alone)[-1]


@pytest.mark.parametrize(
    "trust",
    [
        {"Principal": {"Service": "lambda.amazonaws.com"}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}},
        {"Effect": "Deny"},
    ],
)
def test_a_role_has_to_trust_tasks(
    cloud: Cloud, session: LocalSession, trust: dict[str, Any]
) -> None:
    name = f"trust-{'-'.join(trust).lower()}"
    bench = Bench(session, name)
    job = bench.run("print(1)", jobRoleArn=make_role(session, name, [], trust))
    assert "unable to assume the role" in job["container"]["reason"]


def test_the_execution_role_decides_about_the_log(bench: Bench, session: LocalSession) -> None:
    bench.execution = make_role(session, "no-log", ["logs:PutLogEvents"])
    job = bench.run("print(1)")
    assert "not authorized to perform: logs:CreateLogStream" in job["container"]["reason"]
    bench.execution = make_role(session, "some-log", LOGS)
    options = {"awslogs-group": "nowhere"}
    job = bench.run("print(1)", logConfiguration={"logDriver": "awslogs", "options": options})
    assert "log group does not exist. : nowhere" in job["container"]["reason"]


def test_secrets_and_parameters_are_read(bench: Bench, session: LocalSession) -> None:
    secret = session.client("secretsmanager").create_secret(
        Name="s", SecretString=json.dumps({"user": "ada"})
    )["ARN"]
    session.client("ssm").put_parameter(Name="/p/q", Value="7", Type="String")
    parameter = "arn:aws:ssm:eu-central-1:000000000000:parameter/p/q"
    secrets = [
        {"name": "WHOLE", "valueFrom": secret},
        {"name": "PART", "valueFrom": f"{secret}:user::"},
        {"name": "PARAMETER", "valueFrom": parameter},
        {"name": "NAMED", "valueFrom": "/p/q"},
    ]
    code = "import os; print(*[os.environ[n] for n in ('WHOLE', 'PART', 'PARAMETER', 'NAMED')])"
    assert bench.lines(bench.run(code, secrets=secrets)) == ['{"user": "ada"} ada 7 7']
    for wrong, reason in (
        (f"{secret}:age::", "has no JSON key age"),
        (secret[:-7] + "-gone", "can't find the specified secret"),
        ("/p/gone", "not found"),
    ):
        job = bench.run(code, secrets=[{"name": "WHOLE", "valueFrom": wrong}])
        assert reason in job["container"]["reason"]
    bench.execution = make_role(session, "reads-nothing", LOGS)
    job = bench.run(code, secrets=secrets)
    assert "not authorized to perform: secretsmanager:GetSecretValue" in job["container"]["reason"]


def test_submitting_needs_rights_on_queue_and_definition(
    bench: Bench, cloud: Cloud, session: LocalSession
) -> None:
    definition = bench.define("print(1)")
    iam = session.client("iam")
    iam.create_user(UserName="submitter")
    key = iam.create_access_key(UserName="submitter")["AccessKey"]
    user = LocalSession(cloud.endpoint, key["AccessKeyId"], key["SecretAccessKey"]).client("batch")

    def allow(*resources: str) -> None:
        statements = [
            {"Effect": "Allow", "Action": "batch:SubmitJob", "Resource": list(resources)},
            {"Effect": "Allow", "Action": "batch:TerminateJob", "Resource": "*",
             "Condition": {"StringEquals": {"aws:ResourceTag/Owner": "me"}}},
        ]  # fmt: skip
        iam.put_user_policy(
            UserName="submitter", PolicyName="it",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
        )  # fmt: skip

    def submit(**tags: str) -> str:
        job: str = user.submit_job(
            jobName="j", jobQueue=bench.name, jobDefinition=bench.name, tags=tags
        )["jobId"]
        return job

    queue = f"{ARN}job-queue/{bench.name}"
    for allowed in ((queue,), (definition,), (queue, f"{ARN}job-definition/other:1")):
        allow(*allowed)
        with pytest.raises(ClientError, match="AccessDenied"):
            submit()
    allow(queue, definition)
    mine, other = submit(Owner="me"), submit(Owner="you")
    user.terminate_job(jobId=mine, reason="x")
    with pytest.raises(ClientError, match="AccessDenied"):
        user.terminate_job(jobId=other, reason="x")
    with pytest.raises(ClientError, match="AccessDenied"):
        user.list_jobs(jobQueue=bench.name)


def test_the_tagging_api_finds_it(bench: Bench, session: LocalSession) -> None:
    found = session.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "Project", "Values": [bench.name]}]
    )["ResourceTagMappingList"]
    assert [entry["ResourceARN"] for entry in found] == [f"{ARN}job-queue/{bench.name}"]
    assert bench.batch.list_tags_for_resource(resourceArn=found[0]["ResourceARN"])["tags"] == {
        "Project": bench.name
    }


def test_a_failed_job_raises_an_alarm_and_leaves_a_line(
    bench: Bench, session: LocalSession, request: pytest.FixtureRequest
) -> None:
    events, logs = session.client("events"), session.client("logs")
    cloudwatch = session.client("cloudwatch")
    group = f"/aws/events/{bench.name}"
    logs.create_log_group(logGroupName=group)
    pattern = {"source": ["aws.batch"], "detail": {"status": ["FAILED"],
               "jobQueue": [f"{ARN}job-queue/{bench.name}"]}}  # fmt: skip
    events.put_rule(Name=bench.name, EventPattern=json.dumps(pattern))
    target = f"arn:aws:logs:eu-central-1:000000000000:log-group:{group}"
    gone = f"{target}-gone:*"
    events.put_targets(
        Rule=bench.name, Targets=[{"Id": "log", "Arn": target}, {"Id": "gone", "Arn": gone}]
    )
    cloudwatch.put_metric_alarm(
        AlarmName=bench.name, Namespace="AWS/Events", MetricName="TriggeredRules",
        Dimensions=[{"Name": "RuleName", "Value": bench.name}], Statistic="Sum", Threshold=0,
        ComparisonOperator="GreaterThanThreshold", Period=60, EvaluationPeriods=1,
        TreatMissingData="notBreaching",
    )  # fmt: skip
    job = bench.run("raise SystemExit(5)")
    [line] = eventually(lambda: logs.filter_log_events(logGroupName=group)["events"])
    event = json.loads(line["message"])
    assert (event["source"], event["detail"]["jobId"]) == ("aws.batch", job["jobId"])

    def state() -> str:
        [alarm] = cloudwatch.describe_alarms(AlarmNames=[bench.name])["MetricAlarms"]
        return str(alarm["StateValue"])

    eventually(lambda: state() == "ALARM")


def test_a_reset_of_the_emulator_ends_jobs(
    bench: Bench, session: LocalSession, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import urllib.request

    import psutil

    file = tmp_path_factory.mktemp("reset") / "pid"
    code = f"import os, time; open({str(file)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    bench.batch.submit_job(jobName="j", jobQueue=bench.name, jobDefinition=bench.define(code))
    process = psutil.Process(int(eventually(lambda: file.exists() and file.read_text())))
    reset = urllib.request.Request(f"{session.endpoint}/_ministack/reset", method="POST")
    urllib.request.urlopen(reset).read()
    assert psutil.wait_procs([process], timeout=60)[1] == []
    assert bench.batch.describe_job_queues()["jobQueues"] == []
