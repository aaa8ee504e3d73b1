"""Every check passes where all is well, and fails for each thing that can be wrong."""

from __future__ import annotations

import pytest

from glue.checks.report import Result
from glue.checks.run import run
from glue.checks.subjects import SUBJECTS
from glue.local.coverage import COVERAGE
from tests.unit.checks.fake import Fault, World
from tests.unit.checks.worlds import access, challenge, compute, data, ground, service, work

EVERY = (access, challenge, compute, data, ground, service, work)
WORLDS = {world.subject.name: world for module in EVERY for world in module.WORLDS}
FAULTS = [
    pytest.param(world, check, fault, id=f"{check}: {title}")
    for world in WORLDS.values()
    for check, faults in world.faults.items()
    for title, fault in faults.items()
]


def results_of(world: World, fault: Fault | None = None) -> list[Result]:
    cloud, context = world.context(fault)
    report = run([world.subject], context)
    assert not cloud.unknown, f"the test answers nothing to {cloud.unknown}"
    return list(report.checks)


def name_of(result: Result) -> str:
    return result.id.partition(":")[0]


def test_every_subject_has_a_world() -> None:
    assert set(WORLDS) == {subject.name for subject in SUBJECTS}


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_every_check_can_fail(world: World) -> None:
    assert {check.name for check in world.subject.checks} == set(world.faults)
    assert all(world.faults.values())


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_where_all_is_well_every_check_passes(world: World) -> None:
    results = results_of(world)
    assert [(r.id, r.found) for r in results if r.status != "pass"] == []
    assert {name_of(result) for result in results} == set(world.faults)
    assert len({result.id for result in results}) == len(results), "an id stands for one thing"
    assert {result.subject for result in results} == {world.subject.name}


@pytest.mark.parametrize(("world", "check", "fault"), FAULTS)
def test_what_is_wrong_is_found(world: World, check: str, fault: Fault) -> None:
    failed = [r for r in results_of(world, fault) if r.status == "fail" and name_of(r) == check]
    assert failed
    for result in failed:
        assert result.found
        assert "ENV" not in result.remedy


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_nothing_is_asked_of_an_environment_that_has_none_of_it(world: World) -> None:
    """A part that is not configured is null in the outputs: its checks are absent, not failing."""
    empty = {
        "account_id", "environment", "region",
    }  # fmt: skip
    nothing = {
        ("resourcegroupstaggingapi", "GetResources"): {"ResourceTagMappingList": []},
        ("logs", "DescribeLogGroups"): {"logGroups": []},
        ("lambda", "ListEventSourceMappings"): {"EventSourceMappings": []},
        ("cloudwatch", "DescribeAlarms"): {"MetricAlarms": []},
        ("secretsmanager", "ListSecrets"): {"SecretList": []},
        ("ec2", "DescribeVpcs"): {"Vpcs": []},
        ("sts", "GetCallerIdentity"): {"Account": "123456789012"},
    }
    fault = Fault(nothing, dict.fromkeys(set(world.outputs) - empty), {"state_bucket": ""})
    allowed = {"outputs-account", "outputs-complete"}
    results = results_of(world, fault)
    assert {name_of(result) for result in results} <= allowed
    assert all(result.status == "pass" for result in results)


def test_the_local_clouds_table_speaks_of_all_evidence() -> None:
    evidence = {check.evidence for s in SUBJECTS for check in s.checks if check.evidence}
    silent = {one for one in evidence if not any(e.subject.startswith(one) for e in COVERAGE)}
    assert not silent


def test_check_names_are_unique_and_say_what_to_do() -> None:
    checks = [check for subject in SUBJECTS for check in subject.checks]
    assert len({check.name for check in checks}) == len(checks)
    for check in checks:
        assert check.expected
        assert check.remedy
        assert check.subject in WORLDS
