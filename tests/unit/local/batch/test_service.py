"""The API as a whole, what IAM is asked, and which image is which program."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from glue.errors import InputError, NotFound
from glue.local import images
from glue.local.batch import permissions, tags
from glue.local.batch.logs import LONGEST_LINE, TaskLog, place
from tests.unit.local.batch.conftest import EXECUTION, SCOPE, definition, properties

if TYPE_CHECKING:
    from pathlib import Path

    from glue.local.batch.service import Service
    from glue.local.batch.store import Region
    from tests.unit.local.batch.conftest import Clock, World

ARN = "arn:aws:batch:eu-central-1:000000000000:"


def ask(service: Service, operation: str, **payload: Any) -> tuple[int, dict[str, Any]]:
    return service.answer(SCOPE, "POST", f"/v1/{operation}", {}, json.dumps(payload))


def test_a_life_over_the_api(service: Service, region: Region) -> None:
    resources = {"type": "FARGATE", "maxvCpus": 1, "subnets": ["s"], "securityGroupIds": ["g"]}
    made = [
        ask(service, "createcomputeenvironment", computeEnvironmentName="c", type="MANAGED",
            computeResources=resources),
        ask(service, "createjobqueue", jobQueueName="q", priority=1,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "c"}]),
        ask(service, "registerjobdefinition", jobDefinitionName="d", type="container",
            platformCapabilities=["FARGATE"], containerProperties=properties("true")),
        ask(service, "submitjob", jobName="j", jobQueue="q", jobDefinition="d"),
    ]  # fmt: skip
    assert [status for status, _ in made] == [200] * 4
    job = made[3][1]["jobId"]
    assert made[3][1]["jobArn"] == f"{ARN}job/{job}"
    assert ask(service, "canceljob", jobId=job, reason="no") == (200, {})
    [shown] = ask(service, "describejobs", jobs=[job])[1]["jobs"]
    assert (shown["status"], shown["statusReason"], shown["isCancelled"]) == ("FAILED", "no", True)
    assert ask(service, "terminatejob", jobId=job, reason="no") == (200, {})


@pytest.mark.parametrize(
    ("operation", "payload", "message"),
    [
        ("canceljob", {"jobId": "none", "reason": "x"}, "Job none does not exist"),
        ("terminatejob", {"jobId": "none"}, "Missing required parameter"),
        ("makecoffee", {}, "does not know POST /v1/makecoffee"),
        ("updatejobqueue", {"jobQueue": "none"}, "not found"),
    ],
)
def test_refusals_have_the_form_of_aws(
    service: Service, operation: str, payload: dict[str, Any], message: str
) -> None:
    status, answer = ask(service, operation, **payload)
    assert (status, answer["__type"]) == (400, "ClientException")
    assert message in answer["message"]


@pytest.mark.parametrize("body", ["{", "[]"])
def test_what_is_no_request_is_refused(service: Service, body: str) -> None:
    assert service.answer(SCOPE, "POST", "/v1/listjobs", {}, body)[0] == 400
    assert service.answer(SCOPE, "GET", "/v1/listjobs", {}, "")[0] == 400


def test_tags_over_the_api(service: Service, ready: Region) -> None:
    path = f"/v1/tags/{quote(ARN + 'job-queue/q', safe='')}"
    body = json.dumps({"tags": {"a": "1", "b": "2", "c": "3"}})
    assert service.answer(SCOPE, "POST", path, {}, body) == (200, {})
    assert service.answer(SCOPE, "DELETE", path, {"tagKeys": ["a"]}, b"") == (200, {})
    assert service.answer(SCOPE, "DELETE", path, {"tagKeys": "b"}, b"") == (200, {})
    assert service.answer(SCOPE, "GET", path, {}, b"") == (200, {"tags": {"c": "3"}})
    assert service.answer(SCOPE, "PUT", path, {}, b"")[0] == 400


def test_the_tagging_api_shows_what_can_be_deleted(service: Service, ready: Region) -> None:
    definition(ready, "x")
    ask(service, "submitjob", jobName="j", jobQueue="q", jobDefinition="d")
    ask(service, "deregisterjobdefinition", jobDefinition="d:1")
    shown = [arn.removeprefix(ARN) for arn, _ in tags.in_use(ready)]
    assert shown == ["compute-environment/cpu", "job-queue/q", "job-definition/d:2"]
    assert len(list(tags.tagged(ready))) == 5


class TestPermissions:
    @pytest.mark.parametrize(
        ("operation", "payload", "expected"),
        [
            ("submitjob", {"jobQueue": "q", "jobDefinition": "d"},
             ["job-queue/q", "job-definition/d:1"]),
            ("submitjob", {"jobQueue": f"{ARN}job-queue/q", "jobDefinition": "d:7"},
             ["job-queue/q", "job-definition/d:7"]),
            ("submitjob", {"jobQueue": "q", "jobDefinition": "unknown"},
             ["job-queue/q", "job-definition/unknown"]),
            ("createjobqueue", {"jobQueueName": "n",
                                "computeEnvironmentOrder": [{"computeEnvironment": "cpu"}, 3]},
             ["job-queue/n", "compute-environment/cpu"]),
            ("updatejobqueue", {"jobQueue": "q", "computeEnvironmentOrder": 1}, ["job-queue/q"]),
            ("terminatejob", {"jobId": "1:2"}, ["job/1:2"]),
            ("deletejobqueue", {"jobQueue": "q"}, ["job-queue/q"]),
        ],
    )  # fmt: skip
    def test_requests_name_resources(
        self, ready: Region, operation: str, payload: dict[str, Any], expected: list[str]
    ) -> None:
        found = permissions.resources(ready, f"/v1/{operation}", json.dumps(payload))
        assert found == [ARN + name for name in expected]

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"jobQueue": "q"}'])
    def test_lists_name_none(self, ready: Region, body: bytes) -> None:
        assert permissions.resources(ready, "/v1/listjobs", body) == ["*"]

    def test_foreign_arns_are_checked_as_they_are(self, ready: Region) -> None:
        foreign = "arn:aws:batch:eu-west-1:000000000000:job-definition/d"
        body = json.dumps({"jobDefinition": foreign})
        assert permissions.resources(ready, "/v1/submitjob", body) == [foreign]
        assert permissions.resources(ready, f"/v1/tags/{quote(foreign)}", b"") == [foreign]


class TestImages:
    @pytest.mark.parametrize(
        "reference",
        [
            "python:3.13", "python@sha256:00", "docker.io/library/python:3",
            "public.ecr.aws/docker/library/python", "localhost:5000/python:1",
            "000000000000.dkr.ecr.eu-central-1.amazonaws.com/local-python:1.2",
        ],
    )  # fmt: skip
    def test_names_are_found_in_references(self, reference: str) -> None:
        assert images.find(reference, images.IMAGES) is images.IMAGES["python"]

    def test_the_longest_name_is_meant(self) -> None:
        known = {"noise": images.Image(("a",)), "de-noise": images.Image(("b",))}
        assert images.find("local-de-noise:1", known).entrypoint == ("b",)
        with pytest.raises(NotFound, match="tenoise:1: not found"):
            images.find("tenoise:1", known)

    def test_more_are_named_in_the_home_folder(self, tmp_path: Path) -> None:
        assert images.read(tmp_path) == images.IMAGES
        held = {"denoise": {"entrypoint": ["{python}", "x.py"], "command": ["--all"]}}
        (tmp_path / images.FILE).write_text(json.dumps(held))
        found = images.find("denoise:1", images.read(tmp_path))
        assert found.words([]) == [sys.executable, "x.py", "--all"]
        assert found.words(["--one"]) == [sys.executable, "x.py", "--one"]

    @pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": {"command": "x"}}'])
    def test_another_form_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / images.FILE).write_text(text)
        with pytest.raises(InputError, match=r"images.json: .* cannot be read"):
            images.read(tmp_path)


def test_output_becomes_lines(world: World, clock: Clock) -> None:
    world.lines["g", "s"] = []
    log = TaskLog(world, SCOPE, ("g", "s"), clock)
    log.write(b"on")
    log.write(b"e\r\n\ntwo\n" + "ü".encode()[:1])
    log.write("ü".encode()[1:] + b"\xff\n" + b"x" * (LONGEST_LINE + 1))
    log.close()
    assert world.lines["g", "s"] == ["one", "two", "ü\ufffd", "x" * LONGEST_LINE, "x"]


def test_where_a_log_goes() -> None:
    assert place({}, "d", "t") == ("/aws/batch/job", "d/default/t", True)
    own = {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-stream-prefix": "p"}}
    assert place({"logConfiguration": own}, "d", "t") == ("g", "p/default/t", False)
    assert place({"logConfiguration": {"logDriver": "fluentd"}}, "d", "t") is None


def test_an_unknown_execution_role_is_refused(
    service: Service, ready: Region, world: World
) -> None:
    world.roles.remove(EXECUTION)
    status, answer = ask(
        service, "registerjobdefinition", jobDefinitionName="x", type="container",
        platformCapabilities=["FARGATE"], containerProperties=properties("x"),
    )  # fmt: skip
    assert (status, answer["message"]) == (400, f"Role {EXECUTION} does not exist")
