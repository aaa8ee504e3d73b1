"""The outputs file is that of this account, and of what stands there now."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from glue.aws import error_code
from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "outputs"
FRESH = "run `glue deploy plan --env ENV`, then apply, which writes the outputs anew"

ACCOUNT = Check(
    NAME, "outputs-account", "critical",
    "credentials, outputs and tfvars are about the same account, environment and region",
    "log in to the environment's account; or mend account_id in ENV.tfvars, plan and apply",
)  # fmt: skip
EXISTS = Check(NAME, "outputs-exists", "high", "what the outputs name exists in the account", FRESH)
LISTED = Check(
    NAME, "outputs-complete", "medium",
    "what carries the environment's tags stands in the outputs", FRESH
    + "; if the plan is empty, `glue deploy drift --env ENV` tells what no state knows",
)  # fmt: skip
KINDS = ("raw", "processed")
MISSING = {
    "404", "NoSuchBucket", "ResourceNotFoundException", "NotFoundException", "NotFound",
    "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "ClientException",
    "RepositoryNotFoundException", "InvalidVpcID.NotFound", "NoSuchHostedZone", "NoSuchEntity",
    "StateMachineDoesNotExist",
}  # fmt: skip


def ask(context: Context) -> Iterator[Result]:
    """Ask for whatever the outputs name, and for what they should name."""
    yield from ACCOUNT.each(context, [""], lambda _: _account(context))
    yield from EXISTS.each(context, _lookups(context), _exists)
    yield from LISTED.each(context, ["functions"], lambda _: _listed(context))


def _account(context: Context) -> Finding:
    caller = context.aws("sts").get_caller_identity()["Account"]
    said = {
        "credentials": (caller, context.account_id),
        "outputs' account": (inventory.output(context, "account_id"), context.account_id),
        "outputs' environment": (inventory.output(context, "environment"), context.environment),
        "outputs' region": (inventory.output(context, "region"), context.region),
    }
    wrong = [
        f"{what} {found}, not {wanted}" for what, (found, wanted) in said.items() if found != wanted
    ]
    return Finding(not wrong, "; ".join(wrong) or f"account {caller}, {context.region}")


def _exists(look: Callable[[], object]) -> Finding:
    try:
        look()
    except Exception as error:
        if error_code(error) not in MISSING:
            raise
        return Finding(False, "it does not exist")
    return Finding(True, "it exists")


def _lookups(context: Context) -> dict[str, Callable[[], object]]:
    """Return for each thing that the outputs name how to ask for it."""
    aws, api = context.aws, inventory.output(context, "api") or {}
    boards = inventory.leaderboards(context).values()
    named: dict[str, tuple[Iterable[str | None], Callable[[str], object]]] = {
        "bucket": (
            [
                *(inventory.output(context, "recordings", f"{kind}_bucket") for kind in KINDS),
                *(
                    inventory.output(context, "evalai", kind, "bucket")
                    for kind in inventory.CONTENTS
                ),
                *(board["bucket"] for board in boards),
            ],
            lambda name: aws("s3").head_bucket(Bucket=name),
        ),
        "queue": (
            sorted(inventory.named_queues(context)),
            lambda name: aws("sqs").get_queue_url(QueueName=name),
        ),
        "function": (
            inventory.named_functions(context).values(),
            lambda name: aws("lambda").get_function_configuration(FunctionName=name),
        ),
        "table": (
            [
                inventory.output(context, "evalai", "budget_table"),
                *(one["table"] for one in boards),
            ],
            lambda name: aws("dynamodb").describe_table(TableName=name),
        ),
        "state-machine": (
            [board["state_machine_arn"] for board in boards],
            lambda arn: aws("stepfunctions").describe_state_machine(stateMachineArn=arn),
        ),
        "user": (
            [inventory.output(context, "evalai", "user_name")],
            lambda name: aws("iam").get_user(UserName=name),
        ),
        "topic": (
            [inventory.output(context, "alarms", "topic_arn")],
            lambda arn: aws("sns").get_topic_attributes(TopicArn=arn),
        ),
        "user-pool": (
            [inventory.output(context, "identity", "user_pool_id")],
            lambda pool: aws("cognito-idp").describe_user_pool(UserPoolId=pool),
        ),
        "api": (
            [api.get("id")],
            lambda one: aws("apigateway").get_stage(restApiId=one, stageName=api["stage"]),
        ),
        "cluster": (
            [inventory.output(context, "cluster", "name")],
            lambda name: aws("eks").describe_cluster(name=name),
        ),
        "network": (
            [inventory.output(context, "network", "vpc_id")],
            lambda vpc: aws("ec2").describe_vpcs(VpcIds=[vpc]),
        ),
        "zone": (
            [inventory.output(context, "dns", "public_zone", "id")],
            lambda zone: aws("route53").get_hosted_zone(Id=zone),
        ),
    }
    return {
        f"{kind}/{name.rpartition(':')[2]}": partial(look, name)
        for kind, (names, look) in named.items()
        for name in names
        if name
    }


def _listed(context: Context) -> Finding:
    tagged = {a.rpartition(":")[2] for a in inventory.tagged(context, "lambda:function:")}
    named = set(inventory.named_functions(context).values())
    unnamed = sorted(tagged - named)
    return Finding(
        not unnamed, f"not named: {', '.join(unnamed)}" if unnamed else f"{len(named)} named"
    )


SUBJECT = Subject(
    NAME, "Terraform's outputs against the live account.", ask, (ACCOUNT, EXISTS, LISTED)
)
