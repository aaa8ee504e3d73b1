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
    Entry("Lambda packages built for AWS", "not covered",
          "in a rehearsal of staging or prod functions do not run: their queues keep messages"),
    Entry("Lambda errors and time limits", "proven",
          "an error has its exception's name, also for Step Functions"),
    Entry("Lambda in a network (VpcConfig)", "simulated", "kept; every address can be reached"),
    Entry("Lambda memory, payload limits, isolation", "not covered", "nothing is enforced"),
    Entry("SQS queues and dead letters", "proven", "visibility, receive counts, redrive policy"),
    Entry("SQS StartMessageMoveTask", "not covered", "not emulated"),
    Entry("DynamoDB tables, indexes, streams, copies", "proven",
          "copies in other regions too; at once, where AWS takes a second"),
    Entry("DynamoDB capacity, recovery, encryption", "simulated",
          "described as set; nothing is throttled, restored or encrypted"),
    Entry("Container registries", "simulated",
          "policies, lifecycle and replication are kept; nothing is scanned, aged or copied"),
    Entry("Roles of CI by OpenID Connect", "simulated",
          "trust policies decide by the token's claims; nobody checks its signature"),
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
    Entry("Networks, NAT, endpoints, flow logs", "simulated",
          "described as set, with addresses and routes; no packet moves and no policy is asked"),
    Entry("Instances", "simulated", "records of what was started; nothing boots"),
    Entry("Route 53 zones, records, health checks", "simulated",
          "kept and checked as AWS checks them; no query is answered, no host is asked"),
    Entry("Certificates", "simulated", "issued at once, whether their proofs exist or not"),
    Entry("Catalogue on PostgreSQL", "proven", "a real server"),
    Entry("Redshift Serverless control plane", "simulated",
          "namespaces, workgroups, usage limits; checked as AWS checks them, ready at once"),
    Entry("Catalogue on Redshift", "not covered",
          "no database: the Data API answers that it is not emulated, statements are parsed only"),
    Entry("Batch queues, definitions, arrays, retries, timeouts", "proven",
          "checked and ordered as AWS does; jobs really run, with the rights of their roles"),
    Entry("Batch images, limits, isolation", "simulated",
          "a program of this machine stands for an image; RUNTIME=container really runs it"),
    Entry("Batch instances and Spot", "simulated",
          "vCPUs are counted, nothing boots; an instance is lost only when the cloud stops"),
    Entry("EventBridge rules: metrics and log groups", "proven",
          "TriggeredRules and Invocations are counted, events are written to a log group"),
    Entry("Tags by the tagging service", "proven",
          "GetResources finds every kind of thing that the platform makes, in its region"),
    Entry(
        "EKS clusters, node groups, add-ons, access",
        "simulated",
        "records with AWS's rules for sizes and versions; one stand-in answers for all clusters",
    ),
    Entry("Kubernetes Jobs, pods, logs, tokens and access entries", "proven",
          "a stand-in: containers really run, by default as processes; faults on request"),
    Entry("Kubernetes logs by Fluent Bit", "simulated",
          "the stand-in sends what containers print; the cluster's own Fluent Bit does not run"),
    Entry("Kubernetes nodes and GPUs", "simulated", "counted by labels and taints; nothing boots"),
    Entry("Kubernetes images, isolation and networks", "simulated",
          "quotas decide as in the cluster; RUNTIME=container confines pods, else nothing does"),
    Entry("Auto Scaling groups and their tags", "simulated",
          "kept in step with node groups; no instance runs, nothing scales by itself"),
    Entry("Step Functions: states, retries, catches, names, rights to call functions", "proven",
          "functions really run; waits are shortened, see PROVING_GROUND_LOCAL_WAIT_SCALE"),
    Entry("Step Functions: logs, traces, executions that outlive a restart", "not covered",
          "settings are kept; what ran is FAILED with States.ServiceRestart afterwards"),
    Entry("EvalAI", "simulated",
          "a stand-in with its checks, words and limit of calls; faults on request"),
    Entry("CloudFront", "simulated",
          "distributions, policies and access controls are kept as set; nothing is served"),
    Entry("Latency, throughput and cost of AWS", "not covered", "this is one machine"),
)  # fmt: skip
