"""From raw to processed files: one versioned step, for new data only.

Each processed object names the raw version it was made from, so a step runs again exactly when
its name or version changed, or when there is raw data it has not seen.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glue.recordings import processed, raw
from glue.recordings.manifest import parse_manifest
from glue.recordings.names import MANIFEST_NAME, object_key
from glue.recordings.records import FINDABLE
from glue.recordings.telemetry import count, logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.literals import JobStatusType
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

    from glue.recordings.catalogue import Catalogue
    from glue.recordings.records import Recording, StoredObject
    from glue.settings import ProcessingStep

LONGEST_JOB_NAME = 128
UNFINISHED: tuple[JobStatusType, ...]
UNFINISHED = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")


class ProcessingError(RuntimeError):
    """A processing step failed; it is tried again like any other message."""


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Runs the current step on recordings. Clients are callables, made only when needed."""

    client: S3Client
    raw_bucket: str
    processed_bucket: str
    catalogue: Catalogue
    step: ProcessingStep
    functions: Callable[[], LambdaClient]
    batch: Callable[[], BatchClient]

    def process(self, name: str) -> str:
        """Run the step on what is new of a recording; return what was done, for the log.

        Raises `ProcessingError` when the step failed.
        """
        recording = self.catalogue.get(name)
        if recording is None or recording.state not in FINDABLE:
            return "not complete"
        pending = self._pending(recording)
        if not pending:
            self.catalogue.add_processed(name, [], finished=True)
            return "nothing new"
        match self.step.kind:
            case "copy":
                self._copy(recording, pending)
            case "function":
                self._call(recording, pending)
            case "batch":
                return self._submit(recording)
        return "processed"

    def job_changed(self, detail: Mapping[str, Any]) -> str:
        """Take up the outcome of a Batch job; return what was done, for the log.

        Events of children of an array, of other steps and of jobs still running change nothing.
        """
        if "index" in (detail.get("arrayProperties") or {}):
            return "child of an array"
        name = _environment(detail).get("RECORDING")
        status = detail.get("status")
        if name is None or status not in ("SUCCEEDED", "FAILED"):
            return "not ours, or not finished"
        if _environment(detail).get("DESTINATION_PREFIX") != self._prefix(name):
            return "another version of the step"
        recording = self.catalogue.get(name)
        if recording is None or recording.state not in FINDABLE:
            return "not complete"
        if status == "SUCCEEDED":
            self._take_output(recording)
            return "processed"
        reason = str(detail.get("statusReason") or "no reason was given")
        container = detail.get("container") or {}
        if container.get("reason"):
            reason += f"; {container['reason']}"
        self._failed(name, f"job {detail.get('jobId')} failed: {reason}")
        return "failed"

    def _prefix(self, name: str) -> str:
        return f"{name}/{self.step.label}/"

    def _pending(self, recording: Recording) -> list[StoredObject]:
        """Return the raw data files whose stored version this step has not seen."""
        done = {
            (stored.source_version_id, stored.key.rpartition("/")[2])
            for stored in recording.objects
            if stored.kind == "processed" and stored.step == self.step.label
        }
        data = self._data(recording)
        if self.step.kind == "copy":
            return [o for o in data if (o.version_id, o.key.rpartition("/")[2]) not in done]
        # A function or a job may write any files: it has seen all data or none.
        version = _manifest_version(recording)
        return [] if any(source == version for source, _ in done) else data

    def _data(self, recording: Recording) -> list[StoredObject]:
        """Return the raw objects but the manifest and the metadata text that it names."""
        name = recording.recording
        found = raw.read(self.client, self.raw_bucket, object_key(name, MANIFEST_NAME))
        if found is None:
            raise ProcessingError(f"{name}: the manifest of a complete recording is gone")
        others = (MANIFEST_NAME, parse_manifest(found[0], name).metadata)
        left_out = {object_key(name, file) for file in others}
        return [o for o in recording.objects if o.kind == "raw" and o.key not in left_out]

    def _copy(self, recording: Recording, pending: list[StoredObject]) -> None:
        prefix = self._prefix(recording.recording)
        copier = processed.Copier(
            self.client, self.raw_bucket, self.processed_bucket, self.step.label
        )
        made = [copier.copy(o, prefix + o.key.rpartition("/")[2]) for o in pending]
        self.catalogue.add_processed(recording.recording, made, finished=True)

    def _call(self, recording: Recording, pending: list[StoredObject]) -> None:
        name, prefix = recording.recording, self._prefix(recording.recording)
        payload = {
            "recording": name,
            "step": self.step.label,
            "objects": [
                {
                    "bucket": self.raw_bucket,
                    "key": stored.key,
                    "version_id": stored.version_id,
                    "size": stored.size,
                    "sha256": stored.sha256,
                }
                for stored in pending
            ],
            "destination": {"bucket": self.processed_bucket, "prefix": prefix},
        }
        answer = self.functions().invoke(
            FunctionName=self.step.function or self.step.name, Payload=json.dumps(payload)
        )
        if answer.get("FunctionError"):
            text = answer["Payload"].read(2000).decode(errors="replace")
            self._failed(name, f"step {self.step.label} failed: {text}")
            raise ProcessingError(f"{name}: step {self.step.label} failed: {text}")
        self._take_output(recording)

    def _take_output(self, recording: Recording) -> None:
        name = recording.recording
        made = processed.list_output(
            self.client,
            self.processed_bucket,
            self._prefix(name),
            self.step.label,
            _manifest_version(recording),
        )
        if not made:
            reason = f"step {self.step.label} ended well and wrote nothing"
            self._failed(name, reason)
            raise ProcessingError(f"{name}: {reason}")
        self.catalogue.add_processed(name, made, finished=True)

    def _submit(self, recording: Recording) -> str:
        if self.step.job_queue is None or self.step.job_definition is None:
            raise ProcessingError("a step of kind batch needs job_queue and job_definition")
        name = recording.recording
        job_name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{self.step.label}_{name}")[:LONGEST_JOB_NAME]
        jobs = self.batch()
        known = jobs.list_jobs(
            jobQueue=self.step.job_queue, filters=[{"name": "JOB_NAME", "values": [job_name]}]
        )["jobSummaryList"]
        if any(job.get("status") in UNFINISHED for job in known):
            return "a job is under way"
        facts = {
            "RECORDING": name,
            "SOURCE_BUCKET": self.raw_bucket,
            "SOURCE_PREFIX": object_key(name, ""),
            "DESTINATION_BUCKET": self.processed_bucket,
            "DESTINATION_PREFIX": self._prefix(name),
        }
        job = jobs.submit_job(
            jobName=job_name,
            jobQueue=self.step.job_queue,
            jobDefinition=self.step.job_definition,
            containerOverrides={
                "environment": [{"name": key, "value": value} for key, value in facts.items()]
            },
        )
        return f"job {job['jobId']} submitted"

    def _failed(self, name: str, reason: str) -> None:
        self.catalogue.explain(name, reason)
        logger.error("processing failed", recording=name, reason=reason)
        count("ProcessingFailed")


def _manifest_version(recording: Recording) -> str | None:
    key = object_key(recording.recording, MANIFEST_NAME)
    return next((o.version_id for o in recording.objects if o.key == key), None)


def _environment(detail: Mapping[str, Any]) -> dict[str, str]:
    held = (detail.get("container") or {}).get("environment") or []
    return {str(entry.get("name")): str(entry.get("value")) for entry in held}


def preprocess_messages(
    preprocess: Preprocess, event: dict[str, Any], context: LambdaContext
) -> dict[str, Any]:
    """Run what the messages of an SQS event ask for; answer which messages failed.

    A message is one of ours, or an event of Batch that a rule has put into the queue.
    """
    from glue import aws
    from glue.messages import Failures, handle_messages
    from glue.recordings.messages import parse_body, parse_request

    def work(record: SQSRecord) -> None:
        content = parse_body(record.body)
        if content.get("detail-type") == "Batch Job State Change":
            detail = content.get("detail")
            subject = "job"
            result = preprocess.job_changed(detail if isinstance(detail, dict) else {})
        else:
            subject = parse_request(content).recording
            result = preprocess.process(subject)
        logger.info("preprocessed", subject=subject, result=result)

    return handle_messages(event, context, work, Failures(aws.sqs, logger))
