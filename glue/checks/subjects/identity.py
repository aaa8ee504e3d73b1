"""The user pool: who may have an account, and how hard it is to guess a way in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "identity"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"
MINIMUM_LENGTH = 12
GROUPS = {"shippers", "researchers", "hosts", "operators"}
KINDS = ("RequireLowercase", "RequireUppercase", "RequireNumbers", "RequireSymbols")

PASSWORDS = Check(
    NAME, "pool-password-policy", "high",
    f"at least {MINIMUM_LENGTH} characters of all four kinds", PLAN,
)  # fmt: skip
SIGN_UP = Check(
    NAME, "pool-no-sign-up", "critical", "only operators make accounts; nobody signs up", PLAN
)
PROTECTED = Check(
    NAME, "pool-deletion-protection", "high",
    "deletion protection is on: a deleted pool takes every account with it", PLAN,
)  # fmt: skip
MEMBERS = Check(
    NAME, "pool-groups", "high",
    f"the groups that decide what one may do: {', '.join(sorted(GROUPS))}",
    PLAN,
)  # fmt: skip
CLIENT = Check(
    NAME, "pool-client", "high",
    "its client does not tell who has an account, and tokens can be revoked", PLAN,
)  # fmt: skip


def ask(context: Context) -> Iterator[Result]:
    """Ask the pool of the outputs and every other with the environment's tags."""
    named = inventory.output(context, "identity") or {}
    own = named.get("user_pool_id")
    pools = _pools(context, own)
    yield from PASSWORDS.each(context, pools, _passwords)
    yield from SIGN_UP.each(context, pools, _sign_up)
    if not context.is_temporary:
        yield from PROTECTED.each(context, pools, _protected)
    if own in pools:
        yield from MEMBERS.each(context, [own], lambda pool: _groups(context, pool))
        yield from CLIENT.each(
            context,
            {f"{own}/{named['client_id']}": named},
            lambda one: _client(context, one["user_pool_id"], one["client_id"]),
        )


def _pools(context: Context, own: str | None) -> dict[str, dict[str, Any]]:
    """Return the pools by id; that one of them is gone is the subject `outputs`' to report."""
    client = context.aws("cognito-idp")
    tagged = {arn.rpartition("/")[2] for arn in inventory.tagged(context, "cognito-idp:userpool/")}
    found = {}
    for pool in sorted(tagged | ({own} if own else set())):
        try:
            found[pool] = client.describe_user_pool(UserPoolId=pool)["UserPool"]
        except client.exceptions.ResourceNotFoundException:
            continue
    return found


def _passwords(pool: dict[str, Any]) -> Finding:
    policy = pool.get("Policies", {}).get("PasswordPolicy", {})
    missing = [kind.removeprefix("Require").lower() for kind in KINDS if not policy.get(kind)]
    length = policy.get("MinimumLength", 0)
    found = f"{length} characters" + (f", not demanded: {', '.join(missing)}" if missing else "")
    return Finding(length >= MINIMUM_LENGTH and not missing, found)


def _sign_up(pool: dict[str, Any]) -> Finding:
    closed = pool.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly", False)
    return Finding(closed, "operators only" if closed else "anybody can sign up")


def _protected(pool: dict[str, Any]) -> Finding:
    found = pool.get("DeletionProtection", "INACTIVE")
    return Finding(found == "ACTIVE", found)


def _groups(context: Context, pool: str) -> Finding:
    client = context.aws("cognito-idp")
    found = {
        g["GroupName"] for g in inventory.pages(client, "list_groups", "Groups", UserPoolId=pool)
    }
    missing = sorted(GROUPS - found)
    return Finding(not missing, f"missing: {', '.join(missing)}" if missing else "all there")


def _client(context: Context, pool: str, client: str) -> Finding:
    answer = context.aws("cognito-idp").describe_user_pool_client(UserPoolId=pool, ClientId=client)
    found = answer["UserPoolClient"]
    wrong = []
    if found.get("PreventUserExistenceErrors") != "ENABLED":
        wrong.append("it tells who has an account")
    if not found.get("EnableTokenRevocation"):
        wrong.append("tokens cannot be revoked")
    return Finding(not wrong, "; ".join(wrong) or "as expected")


SUBJECT = Subject(
    NAME, "The user pool: passwords, sign-up, protection, groups.", ask,
    (PASSWORDS, SIGN_UP, PROTECTED, MEMBERS, CLIENT),
)  # fmt: skip
