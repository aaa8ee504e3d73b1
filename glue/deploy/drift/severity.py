"""How grave a change made outside Terraform is: one table, read from the top."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from glue.deploy.plans.losses import DATA_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from glue.deploy.drift.differences import Difference

Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

EVERYWHERE = ("0.0.0.0/0", "::/0")
OFF: tuple[Any, ...] = (
    False,
    None,
    "",
    "false",
    "DISABLED",
    "Disabled",
    "INACTIVE",
    "Suspended",
    "NONE",
    [],
    {},
)


class Verdict(NamedTuple):
    """How grave a difference is, and why."""

    severity: Severity
    reason: str


@dataclass(frozen=True)
class Rule:
    """Differences at a path, of a type where one is named, that pass a test."""

    severity: Severity
    reason: str
    path: str
    test: Callable[[Any, Any], bool] = lambda _before, _after: True
    types: str = ".*"

    def fits(self, kind: str, difference: Difference) -> bool:
        """Tell whether the rule speaks of this difference of a resource type."""
        return bool(
            re.fullmatch(self.types, kind)
            and re.search(self.path, difference.path)
            and self.test(difference.before, difference.after)
        )


def _is_turned_off(before: Any, after: Any) -> bool:
    return before not in OFF and after in OFF


def _is_turned_on(before: Any, after: Any) -> bool:
    return before in OFF and after not in OFF


def _opens_to_all(before: Any, after: Any) -> bool:
    """Tell whether the whole internet is let in that was not before."""
    old, new = json.dumps(before), json.dumps(after)
    return any(one in new and one not in old for one in EVERYWHERE)


def _names_everybody(before: Any, after: Any) -> bool:
    """Tell whether a policy's principal becomes everybody."""
    pattern = r'"(Principal|AWS)": ?(\[)?"\*"'
    return bool(
        re.search(pattern, json.dumps(after)) and not re.search(pattern, json.dumps(before))
    )


def _is_star(_before: Any, after: Any) -> bool:
    """Tell whether the value becomes the star that stands for all."""
    return after in ("*", ["*"])


def _grants_everything(before: Any, after: Any) -> bool:
    """Tell whether somebody may do everything who could not before."""
    pattern = r'AdministratorAccess|Action\\*": ?\[?\\*"\*\\*"'
    return bool(re.search(pattern, json.dumps(after))) and not re.search(
        pattern, json.dumps(before)
    )


def _shrinks(before: Any, after: Any) -> bool:
    """Tell whether a list lost an element."""
    return isinstance(before, list) and any(one not in (after or []) for one in before)


# The first rule that fits decides; what no rule knows is medium.
RULES = (
    # Protection.
    Rule("critical", "deletion protection is off", r"deletion_protection", _is_turned_off),
    Rule("medium", "deletion protection is on", r"deletion_protection"),
    Rule(
        "critical",
        "versions are no longer kept",
        r"versioning_configuration|^versioning",
        lambda before, after: _is_turned_off(before, after) or after == "Suspended",
    ),
    Rule("critical", "the object lock changed", r"^object_lock|^rule.*default_retention"),
    Rule(
        "critical", "backups are off", r"^(point_in_time_recovery|backup_retention)", _is_turned_off
    ),
    Rule("critical", "backups are off", r"^backup_retention_period$", lambda _, after: after == 0),
    # Public access.
    Rule(
        "critical",
        "a barrier against public access is down",
        r"^(block_public_(acls|policy)|ignore_public_acls|restrict_public_buckets)$",
        _is_turned_off,
    ),
    Rule(
        "critical",
        "it is open to the public",
        r"public(ly)?_access(ible)?$|^publicly",
        _is_turned_on,
    ),
    Rule(
        "critical",
        "it is open to the whole internet",
        r"cidr|ingress|allowed_addresses|ip_set|public_access_cidrs|source_ip|addresses",
        _opens_to_all,
    ),
    Rule("critical", "calls need no authorisation", r"authori[sz]ation(_type)?$", _is_turned_off),
    Rule("high", "instance metadata is within reach of containers", r"http_(tokens|put_response)"),
    Rule("high", "who may connect changed", r"cidr|^(in|e)gress|security_group|allowed_addresses"),
    Rule("high", "public addresses are given out", r"map_public_ip|associate_public_ip"),
    # Encryption.
    Rule(
        "critical",
        "encryption is off",
        r"encrypt|sse_|kms|^rule.*default_encryption",
        _is_turned_off,
    ),
    Rule("critical", "the key is disabled", r"^(is_enabled|key_state)$", _is_turned_off),
    Rule("high", "the key is no longer rotated", r"^enable_key_rotation$", _is_turned_off),
    Rule("high", "encryption changed", r"encrypt|sse_|kms|rotation"),
    # Policies.
    Rule("critical", "a policy lets everybody in", r"Principal(\.AWS)?$", _is_star),
    Rule("critical", "a policy grants everything", r"Statement.*Action$", _is_star),
    Rule("critical", "a policy lets everybody in", r"policy|Principal|Statement", _names_everybody),
    Rule("critical", "a policy grants everything", r"polic(y|ies)|Statement", _grants_everything),
    Rule(
        "high",
        "a policy changed",
        r"polic(y|ies)|policy_arn|Statement|permissions_boundary|access_entries|^groups$|^roles?$",
    ),
    # What runs.
    Rule(
        "high", "the code changed", r"code_(hash|sha256)|^(image|image_uri|layers|handler|runtime)"
    ),
    Rule(
        "high", "the settings of the code changed", r"environment.*variables|container_properties"
    ),
    # Who is told.
    Rule("high", "alarms are silent", r"actions_enabled|^(alarm|ok)_actions$", _is_turned_off),
    Rule("high", "alarms go elsewhere", r"^(alarm|ok|insufficient_data)_actions$", _shrinks),
    Rule("high", "logs are no longer written", r"enabled.*log_types|^logging|access_log", _shrinks),
    Rule("high", "it is switched off", r"^(enabled|state|status)$", _is_turned_off),
    # The rest, by name.
    Rule("low", "tags or words about it changed", r"^tags|description|^comment$|display_name"),
    Rule("medium", "how long it is kept changed", r"retention|expir|lifecycle|^rule|days"),
    Rule(
        "medium",
        "its capacity changed",
        r"capacity|(min|max|desired)_|size|memory|timeout|concurren|throttl|quota|limit|instance_type",
    ),
    Rule("low", "a date or a version that AWS keeps changed", r"last_modified|_at$|version$|etag$"),
)
# Types that hold nothing themselves, and whose absence leaves what does unguarded.
GUARDS = {
    "aws_cognito_user_pool_client": "nobody can get a token",
    "aws_kms_alias": "what names the key by it finds it no more",
    "aws_s3_bucket_object_lock_configuration": "new objects are no longer locked",
    "aws_s3_bucket_policy": "nothing keeps anyone with rights from the bucket any more",
    "aws_s3_bucket_public_access_block": "the barrier against public access is gone",
    "aws_s3_bucket_server_side_encryption_configuration": "encryption is no longer ours to say",
    "aws_s3_bucket_versioning": "versions are no longer kept",
}
UNKNOWN = Verdict("medium", "it changed")


def of_difference(kind: str, difference: Difference) -> Verdict:
    """Return how grave a difference of a resource type is."""
    for rule in RULES:
        if rule.fits(kind, difference):
            return Verdict(rule.severity, rule.reason)
    return UNKNOWN


def of_loss(kind: str) -> Verdict:
    """Return how grave it is that a resource of a type is gone."""
    if kind in DATA_CLASSES:
        lost = DATA_CLASSES[kind]
        return Verdict("critical", f"the {lost.word} is gone {lost.with_it}")
    if kind in GUARDS:
        return Verdict("critical", f"it is gone: {GUARDS[kind]}")
    return Verdict("high", "it is gone")


def worst(severities: Iterable[Severity]) -> Severity:
    """Return the gravest; low when there is none."""
    return min(severities, key=SEVERITIES.index, default="low")
