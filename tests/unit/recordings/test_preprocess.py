import io
import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from glue.recordings import processed
from glue.recordings.catalogue import Catalogue
from glue.recordings.ingest import Ingest, ingest_messages
from glue.recordings.manifest import MEBIBYTE
from glue.recordings.preprocess import Preprocess, ProcessingError, preprocess_messages
from glue.recordings.raw import digest_of
from glue.recordings.records import StoredObject
from glue.settings import ProcessingStep
from tests.unit.recordings.fixtures import PROCESSED, RAW, Cloud
from tests.unit.recordings.samples import Context, put, put_recording, s3_event, sqs_event

COPY = ProcessingStep()
FUNCTION = ProcessingStep(name="filter", version="2", kind="function", function="arn:filter")
BATCH = ProcessingStep(
    name="sort", version="1.1", kind="batch", job_queue="queue", job_definition="definition"
)


class Functions:
    """A step that is a function: writes what it is told to, or fails."""

    def __init__(self, cloud: Cloud, output: dict[str, bytes], error: str = "") -> None:
        self.cloud, self.output, self.error = cloud, output, error
        self.payloads: list[dict[str, Any]] = []

    def invoke(self, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "arn:filter"
        payload = json.loads(Payload)
        self.payloads.append(payload)
        for name, content in self.output.items():
            where = payload["destination"]
            put(self.cloud.s3, where["bucket"], where["prefix"] + name, content)
        answer: dict[str, Any] = {"Payload": io.BytesIO(self.error.encode())}
        return answer | ({"FunctionError": "Unhandled"} if self.error else {})


class Jobs:
    """AWS Batch, as far as we ask it."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []

    def list_jobs(self, jobQueue: str, filters: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        (wanted,) = filters[0]["values"]
        found = [job for job in self.jobs if job["jobName"] == wanted]
        return {"jobSummaryList": found}

    def submit_job(self, **job: Any) -> dict[str, Any]:
        self.jobs.append({**job, "status": "SUBMITTED"})
        return {"jobId": f"job-{len(self.jobs)}"}


@pytest.fixture
def preprocess(cloud: Cloud, catalogue: Catalogue) -> Preprocess:
    ingest = Ingest(cloud.s3, RAW, catalogue, cloud.sqs, cloud.preprocess_queue)
    put_recording(cloud.s3, RAW, "r")
    ingest_messages(ingest, sqs_event(s3_event(RAW, "r/a.bin")), Context())
    none: Any = None
    return Preprocess(cloud.s3, RAW, PROCESSED, catalogue, COPY, lambda: none, lambda: none)


def outputs(catalogue: Catalogue) -> list[StoredObject]:
    found = catalogue.get("r")
    assert found is not None
    return [stored for stored in found.objects if stored.kind == "processed"]


def state(catalogue: Catalogue) -> tuple[str, str | None]:
    found = catalogue.summaries(["r"])["r"]
    return found.state, found.reason


def test_data_files_are_copied_once(
    preprocess: Preprocess, cloud: Cloud, catalogue: Catalogue
) -> None:
    assert preprocess.process("r") == "processed"
    assert state(catalogue) == ("processed", None)
    raw_versions = dict(cloud.versions(RAW))
    made = outputs(catalogue)
    assert [stored.key for stored in made] == ["r/copy-1/a.bin", "r/copy-1/b.bin"]
    for stored in made:
        content = cloud.s3.get_object(Bucket=PROCESSED, Key=stored.key)["Body"].read()
        assert stored.sha256 == digest_of(content)
        assert stored.source_version_id == raw_versions[stored.key.replace("copy-1/", "")]
        assert stored.version_id == dict(cloud.versions(PROCESSED))[stored.key]
    assert preprocess.process("r") == "nothing new"
    assert len(cloud.versions(PROCESSED)) == 2


def test_a_copy_that_was_made_before_a_crash_is_taken(
    preprocess: Preprocess, cloud: Cloud, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Catalogue.add_processed

    def crash(*_: object, **__: object) -> None:
        raise ConnectionError("the database is away")

    monkeypatch.setattr(Catalogue, "add_processed", crash)
    with pytest.raises(ConnectionError):
        preprocess.process("r")
    monkeypatch.setattr(Catalogue, "add_processed", whole)
    assert preprocess.process("r") == "processed"
    assert len(cloud.versions(PROCESSED)) == 2


def test_another_version_of_the_step_processes_anew(
    preprocess: Preprocess, catalogue: Catalogue
) -> None:
    preprocess.process("r")
    newer = replace(preprocess, step=ProcessingStep(version="2"))
    assert newer.process("r") == "processed"
    assert len(outputs(catalogue)) == 4


def test_large_files_are_copied_in_parts(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processed, "LARGEST_COPY", 6 * MEBIBYTE)
    monkeypatch.setattr(processed, "COPY_PART", 5 * MEBIBYTE)
    content = b"ab" * (5 * MEBIBYTE)
    version = put(cloud.s3, RAW, "r/a.bin", content)
    source = StoredObject("r/a.bin", "raw", len(content), None, version)
    copier = processed.Copier(cloud.s3, RAW, PROCESSED, "copy-1")
    made = copier.copy(source, "r/copy-1/a.bin")
    assert made.version_id == cloud.versions(PROCESSED)[0][1]
    body = cloud.s3.get_object(Bucket=PROCESSED, Key="r/copy-1/a.bin")["Body"].read()
    assert body == content
    assert copier.copy(source, "r/copy-1/a.bin") == made
    assert len(cloud.versions(PROCESSED)) == 1


def test_a_broken_copy_in_parts_leaves_no_upload(
    preprocess: Preprocess, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processed, "LARGEST_COPY", 20)
    monkeypatch.setattr(processed, "COPY_PART", 30)
    source = StoredObject("r/a.bin", "raw", 1000, None, "no-such-version")
    copier = processed.Copier(cloud.s3, RAW, PROCESSED, "copy-1")
    with pytest.raises(ClientError):
        copier.copy(source, "r/copy-1/a.bin")
    assert "Uploads" not in cloud.s3.list_multipart_uploads(Bucket=PROCESSED)


def test_objects_without_versions_are_copied(cloud: Cloud) -> None:
    put(cloud.s3, RAW, "r/a.bin", b"x")
    copier = processed.Copier(cloud.s3, RAW, PROCESSED, "copy-1")
    made = copier.copy(StoredObject("r/a.bin", "raw", 1, None, None), "r/copy-1/a.bin")
    assert copier.copy(StoredObject("r/a.bin", "raw", 1, None, None), "r/copy-1/a.bin") == made
    other = StoredObject("r/a.bin", "raw", 1, None, cloud.versions(RAW)[0][1])
    assert copier.copy(other, "r/copy-1/a.bin").version_id != made.version_id


def test_other_faults_of_s3_are_raised(cloud: Cloud) -> None:
    copier = processed.Copier(cloud.s3, RAW, "bucket-that-is-not-there", "copy-1")
    with pytest.raises(ClientError):
        copier.copy(StoredObject("r/a.bin", "raw", 1, None, None), "k")


def test_a_function_is_a_step(preprocess: Preprocess, cloud: Cloud, catalogue: Catalogue) -> None:
    functions: Any = Functions(cloud, {"clean.npy": b"clean", "report.json": b"{}"})
    cloud.s3.put_object(Bucket=PROCESSED, Key="r/filter-2/")
    step = replace(preprocess, step=FUNCTION, functions=lambda: functions)
    assert step.process("r") == "processed"
    (payload,) = functions.payloads
    assert payload["step"] == "filter-2"
    assert payload["destination"] == {"bucket": PROCESSED, "prefix": "r/filter-2/"}
    assert [stored["key"] for stored in payload["objects"]] == ["r/a.bin", "r/b.bin"]
    made = outputs(catalogue)
    assert [stored.key for stored in made] == ["r/filter-2/clean.npy", "r/filter-2/report.json"]
    assert made[0].sha256 == digest_of(b"clean")
    assert step.process("r") == "nothing new"
    assert len(functions.payloads) == 1


@pytest.mark.parametrize(
    ("output", "error", "reason"),
    [
        ({}, '{"errorMessage": "no GPU"}', "no GPU"),
        ({}, "", "step filter-2 ended well and wrote nothing"),
    ],
)
def test_a_failing_step_says_why(
    preprocess: Preprocess,
    cloud: Cloud,
    catalogue: Catalogue,
    capsys: pytest.CaptureFixture[str],
    output: dict[str, bytes],
    error: str,
    reason: str,
) -> None:
    functions: Any = Functions(cloud, output, error)
    step = replace(preprocess, step=FUNCTION, functions=lambda: functions)
    with pytest.raises(ProcessingError, match=reason):
        step.process("r")
    found, why = state(catalogue)
    assert found == "complete"
    assert why is not None
    assert reason in why
    assert '"ProcessingFailed":[1.0]' in capsys.readouterr().out


class TestBatch:
    @pytest.fixture
    def jobs(self) -> Jobs:
        return Jobs()

    @pytest.fixture
    def step(self, preprocess: Preprocess, jobs: Any) -> Preprocess:
        return replace(preprocess, step=BATCH, batch=lambda: jobs)

    def detail(self, jobs: Jobs, status: str, **more: Any) -> dict[str, Any]:
        environment = jobs.jobs[0]["containerOverrides"]["environment"]
        return {
            "jobId": "job-1",
            "status": status,
            "container": {"environment": environment},
            **more,
        }

    def test_one_job_for_a_recording(self, step: Preprocess, jobs: Jobs) -> None:
        assert step.process("r") == "job job-1 submitted"
        assert step.process("r") == "a job is under way"
        (job,) = jobs.jobs
        assert job["jobName"] == "sort-1_1_r"
        environment = {e["name"]: e["value"] for e in job["containerOverrides"]["environment"]}
        assert environment == {
            "RECORDING": "r",
            "SOURCE_BUCKET": RAW,
            "SOURCE_PREFIX": "r/",
            "DESTINATION_BUCKET": PROCESSED,
            "DESTINATION_PREFIX": "r/sort-1.1/",
        }

    def test_success_is_taken_up(
        self, step: Preprocess, jobs: Jobs, cloud: Cloud, catalogue: Catalogue
    ) -> None:
        step.process("r")
        put(cloud.s3, PROCESSED, "r/sort-1.1/units.npy", b"units")
        event = {"detail-type": "Batch Job State Change", "detail": self.detail(jobs, "SUCCEEDED")}
        answer = preprocess_messages(step, sqs_event(json.dumps(event)), Context())
        assert answer == {"batchItemFailures": []}
        assert state(catalogue) == ("processed", None)
        assert [stored.step for stored in outputs(catalogue)] == ["sort-1.1"]
        assert step.job_changed(self.detail(jobs, "FAILED")) == "failed"
        assert state(catalogue) == ("processed", None)

    def test_failure_is_explained_and_can_be_repeated(
        self,
        step: Preprocess,
        jobs: Jobs,
        catalogue: Catalogue,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        step.process("r")
        detail = self.detail(jobs, "FAILED", statusReason="Host EC2 terminated")
        detail["container"]["reason"] = "OutOfMemoryError"
        assert step.job_changed(detail) == "failed"
        why = "job job-1 failed: Host EC2 terminated; OutOfMemoryError"
        assert state(catalogue) == ("complete", why)
        assert '"ProcessingFailed":[1.0]' in capsys.readouterr().out
        jobs.jobs[0]["status"] = "FAILED"
        assert step.process("r") == "job job-2 submitted"

    def test_what_is_not_ours_changes_nothing(
        self, step: Preprocess, jobs: Jobs, catalogue: Catalogue
    ) -> None:
        step.process("r")
        before = state(catalogue)
        child = self.detail(jobs, "FAILED", arrayProperties={"index": 0})
        assert step.job_changed(child) == "child of an array"
        for detail in ({}, {"status": "FAILED", "container": None}, self.detail(jobs, "RUNNING")):
            assert step.job_changed(detail) == "not ours, or not finished"
        other = replace(step, step=BATCH.model_copy(update={"version": "2"}))
        assert other.job_changed(self.detail(jobs, "FAILED")) == "another version of the step"
        strange = self.detail(jobs, "FAILED")
        for fact in strange["container"]["environment"]:
            fact["value"] = fact["value"].replace("r/sort", "q/sort")
            if fact["name"] == "RECORDING":
                fact["value"] = "q"
        assert step.job_changed(strange) == "not complete"
        assert state(catalogue) == before

    def test_a_step_without_a_queue(self, step: Preprocess) -> None:
        unset = replace(step, step=BATCH.model_copy(update={"job_queue": None}))
        with pytest.raises(ProcessingError, match="needs job_queue"):
            unset.process("r")


def test_unknown_recordings_and_messages(
    preprocess: Preprocess, cloud: Cloud, catalogue: Catalogue
) -> None:
    assert preprocess.process("unknown") == "not complete"
    bodies = ['{"recording": "r"}', "poison", '{"detail-type": "Batch Job State Change"}']
    answer = preprocess_messages(preprocess, sqs_event(*bodies), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    assert state(catalogue) == ("processed", None)


def test_a_manifest_that_vanished(preprocess: Preprocess, cloud: Cloud) -> None:
    cloud.s3.delete_object(Bucket=RAW, Key="r/manifest.json")
    with pytest.raises(ProcessingError, match="manifest"):
        preprocess.process("r")


def test_output_that_vanishes_while_listed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    put(cloud.s3, PROCESSED, "r/s-1/a", b"x")
    monkeypatch.setattr("glue.recordings.raw.head", lambda *_: None)
    assert processed.list_output(cloud.s3, PROCESSED, "r/s-1/", "s-1", None) == []
