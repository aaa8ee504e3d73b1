"""Logs, events, roles and secrets of the emulator, as Batch and its jobs need them."""

# ruff: noqa: SLF001 - these are the emulator's own parts
from __future__ import annotations

import contextlib
import json
import secrets
import time
from typing import TYPE_CHECKING, Any

from glue.local.batch.outside import Refused
from glue.local.mends.scope import in_scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from glue.local.batch.names import Scope

TASKS = "ecs-tasks.amazonaws.com"
FAILED = 400  # the lowest status of an answer that refuses


class Emulator:
    """MiniStack as `outside.Outside` describes what Batch needs."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def put_event(
        self, scope: Scope, kind: str, detail: dict[str, Any], resources: list[str]
    ) -> None:
        """Send an event of the source aws.batch to the account's default bus."""
        from ministack.services import eventbridge

        entry = {
            "Source": "aws.batch",
            "DetailType": kind,
            "Detail": json.dumps(detail),
            "Resources": resources,
        }
        with in_scope(*scope):
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)

    def open_log(self, scope: Scope, group: str, stream: str, *, create_group: bool) -> None:
        """Make a log stream. Raises Refused when there is no such group."""
        from ministack.services import cloudwatch_logs

        with in_scope(*scope):
            if group not in cloudwatch_logs._log_groups:
                if not create_group:
                    raise Refused(
                        "ResourceInitializationError: failed to validate logger args: failed to "
                        "create Cloudwatch log stream: ResourceNotFoundException: The specified "
                        f"log group does not exist. : {group}"
                    )
                cloudwatch_logs._create_log_group({"logGroupName": group})
            cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})

    def write_log(
        self, scope: Scope, group: str, stream: str, lines: Sequence[tuple[int, str]]
    ) -> None:
        """Add lines to a log stream; they are lost if it was deleted meanwhile, as on AWS."""
        from ministack.services import cloudwatch_logs

        events = [{"timestamp": when, "message": text} for when, text in lines]
        with in_scope(*scope):
            cloudwatch_logs._put_log_events(
                {"logGroupName": group, "logStreamName": stream, "logEvents": events}
            )

    def check_role(self, scope: Scope, role: str) -> None:
        """Raise Refused when there is no such role."""
        if self._role(scope, role) is None:
            raise Refused(f"Role {role} does not exist")

    def assume(self, scope: Scope, role: str, session: str) -> dict[str, str]:
        """Return variables with credentials of a role that trusts ECS tasks."""
        from ministack.services import sts

        held = self._role(scope, role)
        if held is None or not self._trusts_tasks(scope, held):
            raise Refused(
                f"ECS was unable to assume the role '{role}' that was provided for this task. "
                "Please verify that the role being passed has the proper trust relationship and "
                "permissions and that your IAM user has permissions to pass this role."
            )
        name = role.rsplit("/", 1)[-1]
        credentials = {
            "AWS_ACCESS_KEY_ID": f"ASIA{secrets.token_hex(8).upper()}",
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
            "AWS_SESSION_TOKEN": secrets.token_hex(32),
        }
        sts.register_session(
            credentials["AWS_ACCESS_KEY_ID"],
            {
                "Arn": f"arn:aws:sts::{scope.account}:assumed-role/{name}/{session}",
                "UserId": f"{held.get('RoleId', name)}:{session}",
                "SecretAccessKey": credentials["AWS_SECRET_ACCESS_KEY"],
                "SessionToken": credentials["AWS_SESSION_TOKEN"],
                "AccountId": scope.account,
                "PrincipalType": "AssumedRole",
                "IssuedAt": time.time(),
            },
        )
        return credentials

    def forget(self, credentials: dict[str, str]) -> None:
        """Make credentials worthless: the task they were for has ended."""
        from ministack.services import sts

        sts._sessions.pop(credentials["AWS_ACCESS_KEY_ID"], None)

    def require(
        self, scope: Scope, credentials: dict[str, str], action: str, resource: str
    ) -> None:
        """Raise Refused unless the credentials allow an action on a resource."""
        from ministack.core import iam_evaluator

        service = action.split(":", 1)[0]
        with _unsigned(), in_scope(*scope):
            denied = iam_evaluator.enforce(
                credentials["AWS_ACCESS_KEY_ID"], action, service, scope.region, resource
            )
        if denied is not None:
            raise Refused(
                f"ResourceInitializationError: AccessDeniedException: the task's execution role "
                f"is not authorized to perform: {action} on resource: {resource}"
            )

    def read_secret(self, scope: Scope, credentials: dict[str, str], value_from: str) -> str:
        """Return a secret (ARN, with an optional JSON key) or a parameter (ARN or name)."""
        if ":secretsmanager:" in value_from:
            return self._secret(scope, credentials, value_from)
        from ministack.services import ssm

        name = value_from.split(":parameter", 1)[-1] if ":ssm:" in value_from else value_from
        arn = f"arn:aws:ssm:{scope.region}:{scope.account}:parameter/{name.lstrip('/')}"
        self.require(scope, credentials, "ssm:GetParameters", arn)
        with in_scope(*scope):
            answer = ssm._get_parameter({"Name": name, "WithDecryption": True})
        value: str = _body(answer, value_from)["Parameter"]["Value"]
        return value

    def _secret(self, scope: Scope, credentials: dict[str, str], value_from: str) -> str:
        from ministack.services import secretsmanager

        # arn:aws:secretsmanager:region:account:secret:name[:json-key:version-stage:version-id]
        parts = value_from.split(":")
        arn, rest = ":".join(parts[:7]), [*parts[7:], "", "", ""]
        self.require(scope, credentials, "secretsmanager:GetSecretValue", arn)
        asked = {"SecretId": arn, "VersionStage": rest[1] or "AWSCURRENT", "VersionId": rest[2]}
        with in_scope(*scope):
            answer = secretsmanager._get_secret_value(
                {key: value for key, value in asked.items() if value}
            )
        value: str = _body(answer, value_from).get("SecretString", "")
        if not rest[0]:
            return value
        try:
            return str(json.loads(value)[rest[0]])
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(
                f"ResourceInitializationError: the secret {arn} has no JSON key {rest[0]}"
            ) from error

    @staticmethod
    def _role(scope: Scope, role: str) -> dict[str, Any] | None:
        from ministack.services import iam

        if not role.startswith(f"arn:aws:iam::{scope.account}:role/"):
            return None
        with in_scope(*scope):
            held: dict[str, Any] | None = iam._roles.get(role.rsplit("/", 1)[-1])
        return held

    @staticmethod
    def _trusts_tasks(scope: Scope, role: dict[str, Any]) -> bool:
        """Tell whether a role may be assumed by ECS for a task, its conditions included."""
        from ministack.core import iam_evaluator

        document = role.get("AssumeRolePolicyDocument") or "{}"
        policy = json.loads(document) if isinstance(document, str) else document
        context = iam_evaluator.EvalContext(
            principal_arn=TASKS,
            principal_type="Service",
            principal_account=scope.account,
            action="sts:AssumeRole",
            resource_arn=role.get("Arn", "*"),
            region=scope.region,
            service_context={
                "aws:sourceaccount": scope.account,
                "aws:sourcearn": f"arn:aws:ecs:{scope.region}:{scope.account}:*",
            },
        )
        allowed = False
        for statement in _listed(policy.get("Statement")):
            principal = statement.get("Principal")
            named = _listed(principal.get("Service")) if isinstance(principal, dict) else []
            if (
                TASKS in named
                and "sts:AssumeRole" in _listed(statement.get("Action"))
                and iam_evaluator._conditions_met(statement.get("Condition", {}), context)
            ):
                if statement.get("Effect") == "Deny":
                    return False
                allowed = True
        return allowed


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value is not None else []


def _body(answer: tuple[int, Any, bytes], name: str) -> dict[str, Any]:
    """Return an answer's JSON. Raises Refused when it is none of success."""
    status, _, body = answer
    found: dict[str, Any] = json.loads(body)
    if status >= FAILED:
        reason = found.get("message") or found.get("Message") or found.get("__type")
        raise Refused(f"ResourceInitializationError: unable to pull secrets: {name}: {reason}")
    return found


@contextlib.contextmanager
def _unsigned() -> Iterator[None]:
    """Ask IAM on behalf of a task, not of whoever's request is being served."""
    from ministack.core import iam_evaluator

    signed = iam_evaluator._signed_request.set(None)
    anonymous = iam_evaluator._anonymous.set(False)
    try:
        yield
    finally:
        iam_evaluator._anonymous.reset(anonymous)
        iam_evaluator._signed_request.reset(signed)
