"""What an account has of its ground without Terraform's state knowing it.

A run that is killed may have made a thing that it never wrote down. Those with a name would stop
the next run, since they exist already, and a key would be made twice. All of them are found by
name, or by the tags that Terraform gave them, and taken into the state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from glue.deploy.environments import Environment

KEY = "aws_kms_key.state"
BUCKET = "module.state.aws_s3_bucket.this"
ROLES = {"plan": 'aws_iam_role.plan["this"]', "apply": 'aws_iam_role.apply["this"]'}
PROVIDER = 'aws_iam_openid_connect_provider.github["this"]'
PROVIDER_HOST = "token.actions.githubusercontent.com"
ABSENT = ("404", "NoSuchBucket", "NoSuchEntity", "NotFound")
TAG = "root"  # together with the environment's, the mark of what terraform/bootstrap made
TAG_VALUE = "bootstrap"


def addresses(state: Mapping[str, Any]) -> set[str]:
    """Return the addresses of all that a state holds, as Terraform writes them."""
    found = set()
    for resource in state.get("resources", []):
        if resource["mode"] != "managed":
            continue
        module = f"{resource['module']}." if "module" in resource else ""
        for instance in resource["instances"]:
            key = f'["{instance["index_key"]}"]' if "index_key" in instance else ""
            found.add(f"{module}{resource['type']}.{resource['name']}{key}")
    return found


def left_over(environment: Environment, managed: set[str], *, has_ci: bool) -> dict[str, str]:
    """Return what exists and is not in the state: by address, the name that AWS knows it by."""
    finders: dict[str, Callable[[Environment], str | None]] = {KEY: _key, BUCKET: _bucket}
    if has_ci:
        finders |= {address: _role_finder(kind) for kind, address in ROLES.items()}
        finders[PROVIDER] = _own_provider
    found = {a: find(environment) for a, find in finders.items() if a not in managed}
    return {address: identifier for address, identifier in found.items() if identifier}


def foreign_provider(environment: Environment, managed: set[str]) -> dict[str, str]:
    """Return the variable that names GitHub's identity provider when somebody else made it.

    An account can have only one, so that one is used, and left alone.
    """
    if PROVIDER in managed:
        return {}
    found = _provider(environment)
    if found is None or _is_ours(environment, found[1]):
        return {}
    return {"oidc_provider_arn": found[0]}


def _key(environment: Environment) -> str | None:
    """Return the oldest living key that an interrupted run made."""
    keys, living = environment.client("kms"), []
    for page in keys.get_paginator("list_keys").paginate():
        for entry in page["Keys"]:
            description = keys.describe_key(KeyId=entry["KeyId"])["KeyMetadata"]
            if description["KeyManager"] != "CUSTOMER" or description["KeyState"] != "Enabled":
                continue
            tags = keys.list_resource_tags(KeyId=entry["KeyId"]).get("Tags", [])
            if _is_ours(environment, {tag["TagKey"]: tag["TagValue"] for tag in tags}):
                living.append((description["CreationDate"], str(entry["KeyId"])))
    return min(living)[1] if living else None


def _bucket(environment: Environment) -> str | None:
    """Return the name of the states' bucket if it is there, whoever made it in this account."""
    name = f"{environment.name}-terraform-state-{environment.facts.account_id}"
    try:
        environment.client("s3").head_bucket(
            Bucket=name, ExpectedBucketOwner=environment.facts.account_id
        )
    except ClientError as error:
        _raise_unless_absent(error)
        return None
    return name


def _role_finder(kind: str) -> Callable[[Environment], str | None]:
    """Return how to find one of CI's roles."""

    def find(environment: Environment) -> str | None:
        name = f"{environment.name}-ci-{kind}"
        try:
            environment.client("iam").get_role(RoleName=name)
        except ClientError as error:
            _raise_unless_absent(error)
            return None
        return name

    return find


def _own_provider(environment: Environment) -> str | None:
    """Return the ARN of GitHub's identity provider if an interrupted run made it."""
    found = _provider(environment)
    return found[0] if found and _is_ours(environment, found[1]) else None


def _provider(environment: Environment) -> tuple[str, dict[str, str]] | None:
    """Return ARN and tags of GitHub's identity provider in the account."""
    iam = environment.client("iam")
    for entry in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        arn = str(entry["Arn"])
        if arn.endswith(f":oidc-provider/{PROVIDER_HOST}"):
            tags = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn).get("Tags", [])
            return arn, {tag["Key"]: tag["Value"] for tag in tags}
    return None


def _is_ours(environment: Environment, tags: Mapping[str, str]) -> bool:
    """Tell whether tags are those that terraform/bootstrap gives in this environment."""
    return tags.get(TAG) == TAG_VALUE and tags.get("environment") == environment.name


def _raise_unless_absent(error: ClientError) -> None:
    """Raise an error again unless it says "not there"."""
    if error.response["Error"]["Code"] not in ABSENT:
        raise error
