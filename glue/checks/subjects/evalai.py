"""What EvalAI may do with its key, and the world with public contents: no more than it must."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "evalai"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"

SENDING = {"sqs:GetQueueUrl", "sqs:SendMessage"}
PUSHING = ("ecr:", "sts:GetFederationToken")
CLOUDFRONT = "cloudfront.amazonaws.com"

VALUE = Check(
    NAME, "evalai-connected", "critical",
    "EvalAI's address and token, and which phase is whose track, are known; they are not read here",
    "`glue leaderboard connect --env ENV`",
)  # fmt: skip
RIGHTS = Check(
    NAME, "evalai-user-rights", "critical",
    "EvalAI's user may ask for queues and send to them, push images, and nothing else",
    "take away what was given by hand, then: " + PLAN,
)  # fmt: skip
CLOSED = Check(
    NAME, "public-contents-reader", "critical",
    "the bucket of public contents is read by CloudFront, for one distribution, and by nobody else",
    PLAN,
)  # fmt: skip
DELIVERED = Check(
    NAME, "public-contents-delivered", "high",
    "the distribution is enabled, asks the bucket under its own signature, and answers by HTTPS",
    PLAN, "CloudFront",
)  # fmt: skip


def ask(context: Context) -> Iterator[Result]:
    """Ask for what there is as soon as there is a leaderboard."""
    evalai = inventory.output(context, "evalai")
    if not evalai:
        return
    secrets = {
        arn.rpartition(":")[2]: arn for arn in (evalai["secret_arn"], evalai["tracks_secret_arn"])
    }
    yield from VALUE.each(context, secrets, lambda arn: _value(context, arn))
    yield from RIGHTS.each(context, [evalai["user_name"]], lambda name: _rights(context, name))
    public = evalai["public_contents"]
    yield from CLOSED.each(context, [public["bucket"]], lambda _: _closed(context, public))
    yield from DELIVERED.each(context, [public["bucket"]], lambda _: _delivered(context, public))


def _value(context: Context, arn: str) -> Finding:
    described = context.aws("secretsmanager").describe_secret(SecretId=arn)
    stages = (described.get("VersionIdsToStages") or {}).values()
    has = any("AWSCURRENT" in stage for stage in stages)
    return Finding(has, "a value" if has else "empty")


def _rights(context: Context, user: str) -> Finding:
    client = context.aws("iam")
    parts = [
        f"policy {one['PolicyName']}"
        for one in inventory.pages(
            client, "list_attached_user_policies", "AttachedPolicies", UserName=user
        )
    ]
    parts += [
        f"group {one['GroupName']}"
        for one in inventory.pages(client, "list_groups_for_user", "Groups", UserName=user)
    ]
    boards = inventory.leaderboards(context).values()
    queues = {board["queue_url"].rpartition("/")[2] for board in boards}
    can_send = set()
    for name in inventory.pages(client, "list_user_policies", "PolicyNames", UserName=user):
        answer = client.get_user_policy(UserName=user, PolicyName=name)
        for actions, resources in _allowed(answer["PolicyDocument"]):
            for action in actions:
                to = {resource.rpartition(":")[2] for resource in resources}
                if action in SENDING and to <= queues:
                    can_send |= {action}
                elif not action.startswith(PUSHING) or action.endswith("*"):
                    parts.append(f"{action} on {', '.join(sorted(to))}")
    if missing := sorted(SENDING - can_send):
        parts.append(f"without {', '.join(missing)}")
    return Finding(not parts, "; ".join(parts) or "sends and pushes")


def _allowed(document: Any) -> Iterator[tuple[list[str], list[str]]]:
    """Yield actions and resources of each statement of a policy that allows something."""
    policy = json.loads(document) if isinstance(document, str) else document
    for statement in _listed(policy["Statement"]):
        if statement["Effect"] == "Allow":
            yield (
                _listed(statement.get("Action", ["whatever is not named"])),
                _listed(statement.get("Resource", ["whatever is not named"])),
            )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _closed(context: Context, public: dict[str, Any]) -> Finding:
    text = context.aws("s3").get_bucket_policy(Bucket=public["bucket"])["Policy"]
    readers = [one for one in _listed(json.loads(text)["Statement"]) if one["Effect"] == "Allow"]
    wrong = [one.get("Sid", "?") for one in readers if not _is_delivery(one, public)]
    if wrong or not readers:
        return Finding(False, f"others: {', '.join(wrong)}" if wrong else "CloudFront may not read")
    return Finding(True, "CloudFront alone")


def _is_delivery(statement: dict[str, Any], public: dict[str, Any]) -> bool:
    """Tell whether a statement lets our distribution read objects, and no more."""
    sources = [
        source
        for operator in (statement.get("Condition") or {}).values()
        for key, value in operator.items()
        if key.lower() == "aws:sourcearn"
        for source in _listed(value)
    ]
    return (
        statement["Principal"] == {"Service": CLOUDFRONT}
        and _listed(statement["Action"]) == ["s3:GetObject"]
        and bool(sources)
        and all(one.endswith(f":distribution/{public['distribution_id']}") for one in sources)
    )


def _delivered(context: Context, public: dict[str, Any]) -> Finding:
    client = context.aws("cloudfront")
    found = client.get_distribution(Id=public["distribution_id"])["Distribution"]
    config = found["DistributionConfig"]
    parts = [] if config["Enabled"] else ["switched off"]
    if any(not one.get("OriginAccessControlId") for one in config["Origins"]["Items"]):
        parts.append("asks the bucket unsigned")
    if config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "allow-all":
        parts.append("answers by HTTP")
    return Finding(not parts, "; ".join(parts) or f"{found['Status']}, {found['DomainName']}")


SUBJECT = Subject(
    NAME, "EvalAI's user and secrets, and the public contents.", ask,
    (VALUE, RIGHTS, CLOSED, DELIVERED),
)  # fmt: skip
