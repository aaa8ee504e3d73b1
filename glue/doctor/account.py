"""Whose credentials these are, and which environment is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from glue.checks.check import Check, Finding
from glue.checks.run import Subject
from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.report import Result
    from glue.doctor.context import Context

NAME = "account"

CREDENTIALS = Check(
    NAME, "credentials", "critical", "somebody is logged in, and AWS takes the credentials",
    "log in (`aws sso login`), or set AWS_PROFILE",
)  # fmt: skip
ACCOUNT = Check(
    NAME, "account", "critical", "the credentials belong to the account of the environment",
    "use that account's profile (AWS_PROFILE), or mend account_id in the tfvars file",
)  # fmt: skip
ROOT_USER = Check(
    NAME, "root-user", "medium", "nobody works as the root user of the account",
    "log in with a role; keep the root user's credentials under lock and key",
)  # fmt: skip
WORKSPACE = Check(
    NAME, "workspace", "high", "Terraform's folder of the environment has its workspace selected",
    "run `glue deploy plan --env ENV`, which selects it",
)  # fmt: skip
CHECKS = (CREDENTIALS, ACCOUNT, ROOT_USER, WORKSPACE)


def ask(context: Context) -> Iterator[Result]:
    """Ask AWS who we are, and Terraform's folder what it works on."""
    yield from _workspace(context)
    deployment = context.deployment
    if deployment is None:
        return
    try:
        deployment.require_credentials()
        caller = context.aws("sts").get_caller_identity()
    except InputError as error:
        yield CREDENTIALS.result(context, "", Finding(False, error.message))
        return
    except (BotoCoreError, ClientError) as error:
        yield CREDENTIALS.result(context, "", Finding(False, str(error)))
        return
    arn, account = caller["Arn"], caller["Account"]
    yield CREDENTIALS.result(context, "", Finding(True, arn))
    found = f"{account}, and the environment lives in {context.account_id}"
    yield ACCOUNT.result(context, "", Finding(account == context.account_id, found))
    if context.is_emulated:
        yield ROOT_USER.uncovered(context, "", "in the local cloud everybody is root")
    else:
        yield ROOT_USER.result(context, "", Finding(not arn.endswith(":root"), arn))


def _workspace(context: Context) -> Iterator[Result]:
    if context.deployment is None:
        return
    name = context.environment
    path = context.project.terraform_folder(name) / "data" / "environment"
    if not path.is_file():
        yield WORKSPACE.uncovered(context, "", f"{name} was never planned from this folder")
        return
    selected = path.read_text(encoding="utf-8").strip()
    yield WORKSPACE.result(context, "", Finding(selected == name, selected or "none"))


SUBJECT = Subject(NAME, "Credentials, account and workspace.", ask, CHECKS)
