"""Everything in the account that carries the tags of an environment, in every region it uses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glue.deploy.environments import Environment

PROJECT_TAG = "proving-ground"
# EvalAI's submissions are pushed to registries here; AWS's global services tag here too.
REGISTRY_REGION = "us-east-1"
THREADS = 8

# A thing that was being deleted while it was asked about is gone.
GONE = ("NotFound", "NoSuch", "ResourceNotFound")


class Tagged(NamedTuple):
    """A resource by its ARN, and its tags."""

    arn: str
    tags: Mapping[str, str]

    @property
    def service(self) -> str:
        """AWS's short name of the service, such as s3."""
        return self.arn.split(":")[2]

    @property
    def region(self) -> str:
        """The region, or nothing for what has none."""
        return self.arn.split(":")[3]

    @property
    def resource(self) -> str:
        """What stands behind the account, such as `function:name` or `vpc/vpc-0a`."""
        return self.arn.split(":", 5)[5]


class Going(NamedTuple):
    """A resource that AWS will delete by itself, and when."""

    arn: str
    reason: str


def client(environment: Environment, service: str, region: str) -> Any:
    """Return a client of an environment's account in some region."""
    if region in ("", environment.facts.region):
        return environment.client(service)
    facts = environment.facts.model_copy(update={"region": region})
    return replace(environment, facts=facts).client(service)


def regions(environment: Environment) -> tuple[str, ...]:
    """Return the home region, and the one of the registries when that is another."""
    return tuple(dict.fromkeys((environment.facts.region, REGISTRY_REGION)))


def tagged(environment: Environment) -> list[Tagged]:
    """Return what carries the project's and the environment's tag, sorted by ARN.

    The tagging service knows no IAM roles and users: they are asked one by one.
    """
    wanted = {"project": PROJECT_TAG, "environment": environment.name}
    found: dict[str, Tagged] = {}
    for region in regions(environment):
        pages = (
            client(environment, "resourcegroupstaggingapi", region)
            .get_paginator("get_resources")
            .paginate(TagFilters=[{"Key": k, "Values": [v]} for k, v in wanted.items()])
        )
        for page in pages:
            for entry in page["ResourceTagMappingList"]:
                tags = {tag["Key"]: tag["Value"] for tag in entry["Tags"]}
                found[entry["ResourceARN"]] = Tagged(entry["ResourceARN"], tags)
    for one in _identities(environment):
        if wanted.items() <= one.tags.items():
            found[one.arn] = one
    return [found[arn] for arn in sorted(found)]


def going(environment: Environment, one: Tagged) -> str | None:
    """Return when AWS will delete a resource by itself, or None when it will not."""
    if one.service == "kms" and one.resource.startswith("key/"):
        key = client(environment, "kms", one.region).describe_key(KeyId=one.arn)["KeyMetadata"]
        if key["KeyState"] == "PendingDeletion":
            return f"the key is deleted {_day(key.get('DeletionDate'))}"
    if one.service == "secretsmanager":
        secrets = client(environment, "secretsmanager", one.region)
        try:
            secret = secrets.describe_secret(SecretId=one.arn)
        except ClientError as error:
            if _is_gone(error):
                return "the secret is gone, the tagging service has not heard of it yet"
            raise
        if secret.get("DeletedDate"):
            return f"the secret is deleted {_day(secret['DeletedDate'])}"
    return None


def _day(moment: Any) -> str:
    """Return when, as a date, or in words when AWS does not say."""
    return f"on {moment:%Y-%m-%d}" if moment else "when its period of grace is over"


def _identities(environment: Environment) -> Iterator[Tagged]:
    """Yield the IAM roles and users of the account that are not AWS's own, with their tags."""
    identity = environment.client("iam")

    def tags_of(kind: str, name: str) -> dict[str, str]:
        """Return the tags of a role or a user."""
        ask = getattr(identity, f"list_{kind}_tags")
        try:
            answer = ask(**{f"{kind.capitalize()}Name": name})
        except ClientError as error:
            if _is_gone(error):
                return {}
            raise
        return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}

    for kind, plural in (("role", "Roles"), ("user", "Users")):
        pages = identity.get_paginator(f"list_{kind}s").paginate()
        everyone = [one for page in pages for one in page[plural]]
        mine = [one for one in everyone if not one["Path"].startswith("/aws-service-role/")]
        names = [one[f"{kind.capitalize()}Name"] for one in mine]
        with ThreadPoolExecutor(THREADS) as pool:
            answers = pool.map(tags_of, [kind] * len(names), names)
            for one, tags in zip(mine, answers, strict=True):
                yield Tagged(one["Arn"], tags)


def _is_gone(error: ClientError) -> bool:
    """Tell whether an error says that the thing asked about no longer is."""
    return any(word in error.response["Error"]["Code"] for word in GONE)
