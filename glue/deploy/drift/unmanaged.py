"""Resources with our tags that no state knows: made by hand, or left by a run that broke off."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from glue.deploy.drift.explained import resources_of
from glue.deploy.state import state_key
from glue.deploy.tagged import going, tagged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from glue.deploy.drift.severity import Severity
    from glue.deploy.environments import Environment
    from glue.deploy.tagged import Tagged

# Copies of a state that apply keeps beside it; what they know may be gone for good.
BACKUPS = "backups/"

# EC2's ids are unique in themselves; its ARNs are not kept by every type of resource.
EC2_ID = re.compile(r"^[a-z]+(-[a-z]+)*-[0-9a-f]{8,32}$")

# Attributes that name the resource itself; any other ARN in it is that of something else.
OWN_NAMES = ("arn", "id", "access_entry_arn", "association_arn")

# Services of which a forgotten resource holds data, lets somebody in, or costs by the hour.
GRAVE = {
    "autoscaling", "batch", "cognito-idp", "dynamodb", "ec2", "ecs", "eks", "elasticache",
    "elasticloadbalancing", "es", "iam", "kms", "rds", "redshift-serverless", "s3",
    "secretsmanager",
}  # fmt: skip
# … and what is among them and neither.
HARMLESS = re.compile(
    r"^(ec2:(dhcp-options|internet-gateway|route-table|security-group|security-group-rule|subnet|vpc"
    r"|network-acl|launch-template|vpc-flow-log)/|batch:job-definition/|iam:policy/)"
)

DISKS = ("root_block_device", "ebs_block_device")


class Rule(NamedTuple):
    """What is made outside Terraform on purpose: how its ARN looks, or a tag it carries."""

    reason: str
    arn: str = ".*"
    tag: str | None = None


# An `aws:` tag is set by AWS alone, so it cannot be used to hide something.
RECOGNISED = (
    Rule("API key of a device, made by `glue devices add`", r"arn:aws:apigateway:.*:/apikeys/.*"),
    Rule("instance or volume of an Auto Scaling group", tag="aws:autoscaling:groupName"),
    Rule("made by EKS for its cluster", tag="aws:eks:cluster-name"),
    Rule("made by Batch for a compute environment", tag="aws:batch:compute-environment"),
    Rule("made by a CloudFormation stack", tag="aws:cloudformation:stack-name"),
    Rule("a job that somebody submitted", r"arn:aws:batch:.*:job/.*"),
    Rule("a task that Batch started", r"arn:aws:ecs:.*:task/AWSBatch.*"),
)


class Unmanaged(NamedTuple):
    """A resource that no state knows."""

    arn: str
    severity: Severity


class Recognised(NamedTuple):
    """A resource that no state knows, for a reason that is known."""

    arn: str
    reason: str


def unmanaged(
    environment: Environment, state: Mapping[str, Any]
) -> tuple[list[Unmanaged], list[Recognised]]:
    """Return what carries our tags and no state knows, and what is so on purpose.

    `state` is the platform's; the other states in its bucket, such as that of the bootstrap,
    are read here.
    """
    states = [state, *other_states(environment)]
    known = Known(resources_of(one) for one in states)
    found: list[Unmanaged] = []
    expected: list[Recognised] = []
    for one in tagged(environment):
        if known.has(one):
            continue
        reason = recognised(one, known) or going(environment, one)
        if reason is None:
            found.append(Unmanaged(one.arn, _severity(one)))
        else:
            expected.append(Recognised(one.arn, reason))
    return found, expected


class Known:
    """All that states know, by ARN and by id."""

    def __init__(self, states: Iterable[Iterable[Mapping[str, Any]]] = ()) -> None:
        self.arns: set[str] = set()
        self.ids: set[str] = set()
        self.families: set[str] = set()
        for attributes in states:
            for values in attributes:
                self.add(values)

    def has(self, one: Tagged) -> bool:
        """Tell whether a state knows a resource."""
        if one.arn in self.arns:
            return True
        last = re.split(r"[/:]", one.arn)[-1]
        return bool(EC2_ID.match(last)) and last in self.ids

    def add(self, values: Mapping[str, Any]) -> None:
        """Take note of a resource, given by its attributes."""
        for name in OWN_NAMES:
            value = values.get(name)
            if isinstance(value, str):
                (self.arns if value.startswith("arn:") else self.ids).add(value.removesuffix(":*"))
        if isinstance(prefix := values.get("arn_prefix"), str):
            self.families.add(prefix)
        # A machine's disks are no resources of their own, though they carry its tags.
        for kind in DISKS:
            self.ids |= {disk["volume_id"] for disk in values.get(kind) or () if disk["volume_id"]}


def recognised(one: Tagged, known: Known) -> str | None:
    """Return why a resource that no state knows is as it should be, or None."""
    for rule in RECOGNISED:
        if re.fullmatch(rule.arn, one.arn) and (rule.tag is None or rule.tag in one.tags):
            return rule.reason
    family, _, revision = one.arn.rpartition(":")
    if family in known.families and revision.isdigit():
        return "an earlier revision of a job definition"
    return None


def _severity(one: Tagged) -> Severity:
    """Return how grave it is that nobody manages a resource."""
    if one.service not in GRAVE or HARMLESS.match(f"{one.service}:{one.resource}"):
        return "medium"
    return "high"


def other_states(environment: Environment) -> Iterator[Mapping[str, Any]]:
    """Yield the other states in the state's bucket, those of the bootstrap and of other roots."""
    mine = state_key(environment)
    storage = environment.client("s3")
    bucket = environment.state_bucket
    for page in storage.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for key in (entry["Key"] for entry in page.get("Contents", [])):
            if not key.endswith(".tfstate") or key.startswith(BACKUPS) or key == mine:
                continue
            try:
                body = storage.get_object(Bucket=bucket, Key=key)["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    continue
                raise
            yield json.loads(body)
