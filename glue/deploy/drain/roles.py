"""Roles: without the policies that were attached by hand, which keep a role from being deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.deploy.drain.context import present

if TYPE_CHECKING:
    from glue.deploy.drain.context import Drain


def drain(context: Drain) -> None:
    """Take off every role what Terraform did not put on it, and say so."""
    attached = _pairs(context, "aws_iam_role_policy_attachment", "policy_arn")
    inline = _pairs(context, "aws_iam_role_policy", "name")
    identity = context.client("iam")
    for values in context.of("aws_iam_role"):
        role = values["name"]
        for arn in _listed(identity, "list_attached_role_policies", "AttachedPolicies", role):
            if (role, arn["PolicyArn"]) not in attached:
                present(identity.detach_role_policy, RoleName=role, PolicyArn=arn["PolicyArn"])
                _tell(context, role, arn["PolicyName"])
        for name in _listed(identity, "list_role_policies", "PolicyNames", role):
            if (role, name) not in inline:
                present(identity.delete_role_policy, RoleName=role, PolicyName=name)
                _tell(context, role, name)


def _pairs(context: Drain, kind: str, attribute: str) -> set[tuple[str, str]]:
    """Return which role has what, by the resources that put it there."""
    return {(values["role"], values[attribute]) for values in context.of(kind)}


def _listed(identity: Any, call: str, key: str, role: str) -> list[Any]:
    """Return all pages of a list about a role; nothing for a role that is gone."""

    def pages() -> list[Any]:
        found = identity.get_paginator(call).paginate(RoleName=role)
        return [one for page in found for one in page[key]]

    return present(pages) or []


def _tell(context: Drain, role: str, policy: str) -> None:
    context.count("policies_made_by_hand_removed")
    context.tell(f"role {role}: the policy {policy}, attached by hand, is taken off")
