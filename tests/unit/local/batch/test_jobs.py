"""Jobs from their submission to their end, without any program that runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from glue.local.batch import jobs, lifecycle, retries, scheduler, submission
from glue.local.batch.errors import ClientError
from glue.local.batch.names import Scope
from glue.local.batch.store import Store
from tests.unit.local.batch.conftest import definition, environment, instances, properties, queue

if TYPE_CHECKING:
    from glue.local.batch.engine import Engine
    from glue.local.batch.store import Job, Region
    from tests.unit.local.batch.conftest import Clock, World


def submit(region: Region, **changes: Any) -> Job:
    payload = {"jobName": "job", "jobQueue": "q", "jobDefinition": "d", **changes}
    return submission.submit(region, payload, 1_000_000)


class Desk:
    """A scheduler whose jobs start when it says so and end when the test says so."""

    def __init__(self, engine: Engine, region: Region) -> None:
        self.life, self.region = engine.life, region
        self.started: list[str] = []
        self.scheduler = scheduler.Scheduler(engine.store, engine.life, self._start, 50)

    def _start(self, region: Region, job: Job, chosen: dict[str, Any]) -> None:
        self.life.start(region, job, chosen["computeEnvironmentArn"], "task/cluster/1")
        self.life.run(region, job)
        self.started.append(job.id)

    def tick(self) -> list[str]:
        """Let it work and return the ids of the jobs it started."""
        self.started.clear()
        self.scheduler.tick()
        return list(self.started)

    def end(self, job: Job, code: int | None = 0, **verdict: Any) -> None:
        self.life.finish(self.region, job, code, **verdict)


@pytest.fixture
def desk(engine: Engine, ready: Region) -> Desk:
    return Desk(engine, ready)


class TestSubmission:
    def test_overrides_and_defaults_come_together(self, ready: Region) -> None:
        container = properties("run", "Ref::what", environment=[{"name": "A", "value": "1"}])
        definition(
            ready, name="e", containerProperties=container,
            parameters={"what": "all"},
            timeout={"attemptDurationSeconds": 100}, tags={"from": "definition"},
            propagateTags=True,
        )  # fmt: skip
        overrides = {
            "vcpus": 2,
            "environment": [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}],
            "resourceRequirements": [{"type": "MEMORY", "value": "4096"}],
        }
        job = submit(
            ready, jobDefinition="e", containerOverrides=overrides, parameters={"other": "x"},
            retryStrategy={"attempts": 3}, tags={"own": "yes"},
        )  # fmt: skip
        [shown] = jobs.describe(ready, {"jobs": [job.id]})["jobs"]
        assert shown["container"]["command"] == ["run", "Ref::what"]
        assert {e["name"]: e["value"] for e in shown["container"]["environment"]} == {
            "A": "2", "B": "3"
        }  # fmt: skip
        wanted = {r["type"]: r["value"] for r in shown["container"]["resourceRequirements"]}
        assert wanted == {"VCPU": "2", "MEMORY": "4096"}
        assert shown["parameters"] == {"what": "all", "other": "x"}
        assert shown["retryStrategy"] == {"attempts": 3, "evaluateOnExit": []}
        assert shown["timeout"] == {"attemptDurationSeconds": 100}
        assert shown["tags"] == {"from": "definition", "own": "yes"}
        assert shown["jobDefinition"].endswith(":job-definition/e:1")
        assert shown["jobQueue"].endswith(":job-queue/q")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"jobName": "a b"}, "jobName should match"),
            ({"jobQueue": "nobody"}, "not found"),
            ({"jobDefinition": "nobody"}, "not found"),
            ({"jobDefinition": None}, "Missing required parameter in input: .jobDefinition."),
            ({"arrayProperties": {"size": 1}}, "between 2 and 10000"),
            ({"timeout": {"attemptDurationSeconds": 5}}, "at least 60"),
            ({"retryStrategy": {"attempts": 0}}, "between 1 and 10"),
            ({"dependsOn": [{"jobId": "nobody"}]}, "nobody of dependsOn does not exist"),
            ({"dependsOn": [{"type": "SEQUENTIAL"}]}, "SEQUENTIAL goes with an array"),
            ({"containerOverrides": {"vcpus": 3}}, "no size with 3"),
        ],
    )
    def test_what_aws_refuses_is_refused(
        self, ready: Region, changes: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ClientError, match=message):
            submit(ready, **changes)
        assert ready.jobs == {}

    def test_a_disabled_queue_takes_nothing(self, ready: Region) -> None:
        ready.queues["q"]["state"] = "DISABLED"
        with pytest.raises(ClientError, match="not ENABLED"):
            submit(ready)

    def test_n_to_n_wants_arrays_of_one_size(self, ready: Region) -> None:
        other = submit(ready, arrayProperties={"size": 2})
        with pytest.raises(ClientError, match="same size"):
            submit(
                ready,
                arrayProperties={"size": 3},
                dependsOn=[{"jobId": other.id, "type": "N_TO_N"}],
            )


class TestOrder:
    def test_every_status_is_told_once(self, desk: Desk, ready: Region, world: World) -> None:
        job = submit(ready)
        desk.tick()
        desk.end(job)
        assert world.statuses(job.id) == ["PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
        kind, detail, resources = world.events[-1]
        assert (kind, resources) == ("Batch Job State Change", [detail["jobArn"]])
        assert detail["attempts"][0]["container"]["exitCode"] == 0
        assert detail["statusReason"] == "Essential container in task exited"

    def test_jobs_wait_for_room_in_order(self, desk: Desk, ready: Region, world: World) -> None:
        large = submit(ready, containerOverrides={"vcpus": 2, "memory": 4096})
        others = [submit(ready) for _ in range(4)]
        assert desk.tick() == [large.id, others[0].id, others[1].id]
        waiting = others[2]
        assert (waiting.status, waiting.reason) == ("RUNNABLE", scheduler.NO_ROOM)
        desk.tick()
        blocked = [event for event in world.events if event[0] == lifecycle.QUEUE_BLOCKED]
        assert [event[1]["jobId"] for event in blocked] == [waiting.id]  # told once
        assert blocked[0][2][1].endswith("job-queue/q")
        desk.end(large)
        assert desk.tick() == [others[2].id, others[3].id]
        assert waiting.reason is None

    def test_the_queue_of_higher_priority_goes_first(self, desk: Desk, ready: Region) -> None:
        queue(ready, "urgent", priority=5)
        for _ in range(4):
            submit(ready)
        urgent = [submit(ready, jobQueue="urgent").id for _ in range(4)]
        assert desk.tick() == urgent

    def test_environments_are_tried_in_order(self, desk: Desk, ready: Region) -> None:
        environment(ready, "second", 1)
        queue(ready, "both", "cpu", "second")
        found = [submit(ready, jobQueue="both") for _ in range(5)]
        desk.tick()
        names = [(job.compute_environment or "").rsplit("/", 1)[1] for job in found]
        assert names == ["cpu"] * 4 + ["second"]
        ready.compute_environments["cpu"]["state"] = "DISABLED"
        for job in found:
            desk.end(job)
        assert submit(ready, jobQueue="both").id in desk.tick()

    def test_a_job_too_large_says_so_and_is_given_up(
        self, desk: Desk, ready: Region, clock: Clock
    ) -> None:
        reason = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
        ready.queues["q"]["jobStateTimeLimitActions"] = [
            {
                "reason": "CAPACITY:X",
                "state": "RUNNABLE",
                "maxTimeSeconds": 600,
                "action": "CANCEL",
            },
            {"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"},
        ]
        large = submit(ready, containerOverrides={"vcpus": 8, "memory": 16384})
        desk.tick()
        assert large.reason == scheduler.TOO_LARGE
        clock.now += 599_000
        desk.tick()
        assert large.status == "RUNNABLE"
        clock.now += 1_000
        desk.tick()
        assert (large.status, large.reason, large.is_cancelled) == ("FAILED", reason, True)

    def test_platforms_have_to_fit(self, desk: Desk, ready: Region) -> None:
        instances(ready)
        queue(ready, "gpu", "gpu")
        job = submit(ready, jobQueue="gpu")
        assert desk.tick() == []
        assert job.reason == scheduler.NO_ENVIRONMENT

    def test_no_more_run_than_this_machine_can_take(self, desk: Desk, ready: Region) -> None:
        desk.scheduler.processes = 2
        for _ in range(3):
            submit(ready)
        assert len(desk.tick()) == 2

    def test_a_deleted_queue_goes_with_its_last_job(self, desk: Desk, ready: Region) -> None:
        job = submit(ready)
        desk.tick()
        ready.queues["q"]["status"] = "DELETING"
        desk.tick()
        assert "q" in ready.queues
        desk.end(job)
        desk.tick()
        assert ready.queues == {}

    def test_an_environment_goes_with_its_last_job(self, desk: Desk, ready: Region) -> None:
        job = submit(ready)
        desk.tick()
        ready.compute_environments["cpu"]["status"] = "DELETING"
        desk.tick()
        assert "cpu" in ready.compute_environments
        ready.queues.clear()
        desk.end(job)
        desk.tick()
        assert ready.compute_environments == {}

    def test_ended_jobs_are_forgotten_after_a_week(
        self, desk: Desk, ready: Region, clock: Clock
    ) -> None:
        array = submit(ready, arrayProperties={"size": 2})
        desk.tick()
        for child in ready.children(array):
            desk.end(child)
        clock.now += 7 * 24 * 3600 * 1000
        desk.tick()
        assert array.id in ready.jobs
        clock.now += 1
        desk.tick()
        assert (ready.jobs, ready.submissions) == ({}, {})


class TestDependencies:
    def test_a_job_waits_for_others(self, desk: Desk, ready: Region) -> None:
        first = submit(ready)
        second = submit(ready, dependsOn=[{"jobId": first.id}])
        assert desk.tick() == [first.id]
        assert second.status == "PENDING"
        desk.end(first)
        assert desk.tick() == [second.id]

    def test_it_fails_with_them(self, desk: Desk, ready: Region) -> None:
        first = submit(ready)
        second = submit(ready, dependsOn=[{"jobId": first.id}])
        desk.tick()
        desk.end(first, 1)
        desk.tick()
        assert (second.status, second.reason) == ("FAILED", lifecycle.DEPENDENCY_FAILED)

    def test_children_one_after_another(self, desk: Desk, ready: Region) -> None:
        array = submit(ready, arrayProperties={"size": 3}, dependsOn=[{"type": "SEQUENTIAL"}])
        for index in range(3):
            assert desk.tick() == [f"{array.id}:{index}"]
            desk.end(ready.jobs[f"{array.id}:{index}"])
        assert array.status == "SUCCEEDED"

    def test_each_child_after_its_fellow(self, desk: Desk, ready: Region) -> None:
        first = submit(ready, arrayProperties={"size": 2})
        second = submit(
            ready, arrayProperties={"size": 2}, dependsOn=[{"jobId": first.id, "type": "N_TO_N"}]
        )
        assert desk.tick() == [f"{first.id}:0", f"{first.id}:1"]
        desk.end(ready.jobs[f"{first.id}:1"])
        assert desk.tick() == [f"{second.id}:1"]

    def test_an_array_waits_for_a_whole_array(self, desk: Desk, ready: Region) -> None:
        first = submit(ready, arrayProperties={"size": 2})
        last = submit(ready, dependsOn=[{"jobId": first.id}])
        desk.tick()
        desk.end(ready.jobs[f"{first.id}:0"])
        assert desk.tick() == []
        desk.end(ready.jobs[f"{first.id}:1"])
        assert desk.tick() == [last.id]


class TestArrays:
    def test_the_parent_counts_and_ends_with_its_children(
        self, desk: Desk, ready: Region, world: World
    ) -> None:
        array = submit(ready, arrayProperties={"size": 3})
        desk.tick()
        children = ready.children(array)
        assert array.status == "PENDING"
        shown = jobs.detail(ready, array)["arrayProperties"]
        assert (shown["size"], shown["statusSummary"]["RUNNING"]) == (3, 3)
        desk.end(children[2])
        desk.end(children[0], 1)
        assert array.status == "PENDING"
        desk.end(children[1])
        assert (array.status, array.reason) == ("FAILED", lifecycle.CHILD_FAILED)
        assert world.statuses(array.id) == ["PENDING", "FAILED"]
        assert jobs.detail(ready, children[1])["arrayProperties"] == {
            "index": 1, "statusSummary": {}
        }  # fmt: skip

    def test_cancelling_one_cancels_those_that_wait(self, desk: Desk, ready: Region) -> None:
        array = submit(ready, arrayProperties={"size": 6})
        desk.tick()
        running = desk.life.cancel(ready, array, "enough")
        assert [job.index for job in running] == [0, 1, 2, 3]
        assert [job.reason for job in ready.children(array)[4:]] == ["enough", "enough"]


class TestRetries:
    def test_failed_attempts_are_repeated(self, desk: Desk, ready: Region, world: World) -> None:
        job = submit(ready, retryStrategy={"attempts": 2})
        desk.tick()
        desk.end(job, 3)
        assert (job.status, len(job.attempts)) == ("RUNNABLE", 1)
        assert desk.tick() == [job.id]
        desk.end(job, 4)
        assert (job.status, job.exit_code, len(job.attempts)) == ("FAILED", 4, 2)

    def test_a_final_verdict_is_final(self, desk: Desk, ready: Region) -> None:
        job = submit(ready, retryStrategy={"attempts": 5})
        desk.tick()
        desk.end(job, 0, status_reason=lifecycle.TIMED_OUT, final=True)
        assert (job.status, job.reason) == ("FAILED", lifecycle.TIMED_OUT)

    @pytest.mark.parametrize(
        ("condition", "code", "status", "reason", "expected"),
        [
            ({"onExitCode": "1*"}, 137, "", "", False),
            ({"onExitCode": "1*"}, 2, "", "", True),
            ({"onExitCode": "*"}, 2, "", "", False),
            (
                {"onStatusReason": "Host EC2*"},
                None,
                "Host EC2 (instance i-1) terminated.",
                "",
                False,
            ),
            ({"onReason": "cannotpull*"}, None, "", "CannotPullContainerError: x", False),
            ({"onReason": "a?c"}, 1, "", "abc", True),
            ({"onReason": "*", "onExitCode": "7"}, 1, "", "", True),
        ],
    )
    def test_conditions_decide(
        self, condition: dict[str, str], code: int | None, status: str, reason: str, expected: bool
    ) -> None:
        strategy = {"attempts": 2, "evaluateOnExit": [{**condition, "action": "exit"}]}
        assert retries.is_retried(strategy, 1, code, status, reason) is expected

    def test_the_first_condition_that_fits_decides(self) -> None:
        conditions = [{"onExitCode": "7", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]
        strategy = {"attempts": 3, "evaluateOnExit": conditions}
        assert retries.is_retried(strategy, 2, 7, "", "") is True
        assert retries.is_retried(strategy, 2, 8, "", "") is False
        assert retries.is_retried(strategy, 3, 7, "", "") is False


def test_everything_survives_being_saved(engine: Engine, desk: Desk, ready: Region) -> None:
    array = submit(ready, arrayProperties={"size": 2})
    submit(ready, retryStrategy={"attempts": 2})
    desk.tick()
    saved = json.loads(json.dumps(engine.store.dump()))
    restored = Store()
    restored.load(saved)
    assert json.loads(json.dumps(restored.dump())) == saved
    region = restored.region(Scope("000000000000", "eu-central-1"))
    assert [child.status for child in region.children(region.jobs[array.id])] == ["RUNNING"] * 2
    assert region.next_sequence() == ready.next_sequence()


class Counted(dict[str, Any]):
    """Jobs that count how often one is looked up by its id."""

    looked_up = 0

    def __getitem__(self, key: str) -> Any:
        self.looked_up += 1
        return super().__getitem__(key)


def test_the_end_of_a_child_does_not_look_at_all_its_siblings(desk: Desk, ready: Region) -> None:
    array = submit(ready, arrayProperties={"size": 400})
    ready.jobs = Counted(ready.jobs)
    while desk.tick():
        for child in desk.started:
            desk.end(ready.jobs[child])
    assert array.status == "SUCCEEDED"
    # Some for each child, and not a child's whole family for each.
    assert ready.jobs.looked_up < 20 * 400
