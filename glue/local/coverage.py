"""What a test against the local cloud proves, what is only simulated, what it cannot show.

The one place where this is written down: `glue local status` and check reports read it.
Each entry was seen with MiniStack 1.5.33 and our mends; verify again with another version.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Entry(NamedTuple):
    """One subject: how far the local cloud's answer can be believed, and why."""

    subject: str
    state: Literal["proven", "simulated", "not covered"]
    note: str


COVERAGE: tuple[Entry, ...] = (
    Entry("S3 objects, versions, conditions", "proven",
          "presigned requests, checksums, If-None-Match, multipart uploads across restarts"),
    Entry("S3 Object Lock", "proven", "deleting a locked version is refused"),
    Entry("S3 events to SQS", "proven", "delivered at once and in order; AWS promises neither"),
    Entry("S3 lifecycle and Glacier", "simulated", "rules are stored; nothing ages"),
    Entry("S3 encryption with KMS", "simulated", "keys are named, bytes stay as they are"),
    Entry("IAM policies of users and roles", "proven", "function roles and presigners included"),
    Entry("IAM for EventBridge, API Gateway and S3 as callers", "not covered",
          "a missing permission of a service to call another goes unnoticed"),
    Entry(
        "Lambda code, layers and event source mappings",
        "proven",
        "really runs, with its own packages only; the Python is this one, whatever `runtime` says",
    ),
    Entry("Lambda memory, payload limits, isolation", "not covered", "nothing is enforced"),
    Entry("SQS queues and dead letters", "proven", "visibility, receive counts, redrive policy"),
    Entry("SQS StartMessageMoveTask", "not covered", "not emulated"),
    Entry("API Gateway REST", "proven", "API keys, Cognito authorizer, usage plans"),
    Entry("Cognito users, groups and tokens", "proven", "RS256 tokens with groups"),
    Entry(
        "CloudWatch alarms",
        "proven",
        "metrics, states and actions by SNS; sooner than on AWS, and not on expressions",
    ),
    Entry("CloudWatch metrics of functions", "simulated",
          "embedded metrics are read from the logs; service metrics are counted here"),
    Entry("CloudWatch metric filters", "not covered", "stored, but emit nothing"),
    Entry("Catalogue on PostgreSQL", "proven", "a real server"),
    Entry("Catalogue on Redshift", "not covered", "no emulator; statements are parsed only"),
    Entry("Batch jobs", "simulated", "a job is finished at once and nothing runs"),
    Entry("Latency, throughput and cost of AWS", "not covered", "this is one machine"),
)  # fmt: skip
