"""What a resource policy lets everybody do, and whether it insists on TLS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# A condition on one of these keys names the callers; one on any other key leaves them open.
CALLER_KEYS = {
    "aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths",
    "aws:sourceaccount", "aws:sourcearn", "aws:sourceip", "aws:sourceorgid", "aws:sourceowner",
    "aws:sourcevpc", "aws:sourcevpce", "kms:calleraccount", "kms:viaservice",
}  # fmt: skip
# Operators that are false when the key is missing; "…IfExists" and "ForAllValues:" are not.
NARROWING = {
    "arnequals", "arnlike", "ipaddress", "stringequals", "stringequalsignorecase", "stringlike",
}  # fmt: skip
EVERYWHERE = {"*", "0.0.0.0/0", "::/0"}


def statements(policy: str | Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the statements of a policy, given as JSON text or read already; none without one."""
    if not policy:
        return []
    document = json.loads(policy) if isinstance(policy, str) else policy
    found = document.get("Statement", [])
    return list(found) if isinstance(found, list) else [found]


def open_statements(policy: str | Mapping[str, Any] | None) -> list[str]:
    """Return the names (or actions) of the statements that allow something to everybody."""
    return [
        str(one.get("Sid") or ", ".join(many(one.get("Action", one.get("NotAction")))))
        for one in statements(policy)
        if one.get("Effect") == "Allow"
        and ("NotPrincipal" in one or is_everybody(one.get("Principal")))
        and not _names_callers(one.get("Condition") or {})
    ]


def demands_tls(policy: str | Mapping[str, Any] | None, *actions: str) -> bool:
    """Tell whether a statement denies everybody one of the actions, or all, without TLS."""
    for one in statements(policy):
        secure = {
            key.lower(): many(value)
            for operator, tests in (one.get("Condition") or {}).items()
            if operator.lower() == "bool"
            for key, value in tests.items()
        }.get("aws:securetransport", [])
        if (
            one.get("Effect") == "Deny"
            and is_everybody(one.get("Principal"))
            and [str(value).lower() for value in secure] == ["false"]
            and {"*", *(a.lower() for a in actions)} & {a.lower() for a in many(one.get("Action"))}
        ):
            return True
    return False


def is_everybody(principal: Any) -> bool:
    """Tell whether a Principal element means everybody."""
    if isinstance(principal, Mapping):
        return "*" in many(principal.get("AWS"))
    return bool(principal == "*")


def many(value: Any) -> list[Any]:
    """Return what may be one thing or a list of them as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]


def _names_callers(condition: Mapping[str, Mapping[str, Any]]) -> bool:
    return any(
        operator.lower().removeprefix("foranyvalue:") in NARROWING
        and key.lower() in CALLER_KEYS
        and not EVERYWHERE & set(map(str, many(value)))
        for operator, tests in condition.items()
        for key, value in tests.items()
    )
