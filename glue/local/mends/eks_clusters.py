"""EKS clusters: described as they were made, and changed as AWS changes them.

MiniStack 1.5.33 forgets a cluster's upgrade policy, gives it an empty certificate and an
issuer by http, knows no change of version or settings, has no record of updates for anybody
who waits for one, and deletes a cluster with its node groups, which AWS refuses. Tags changed
later are not those that a description shows, and of several to be removed only one goes.

There is no Kubernetes behind it and no node that runs: `eks_endpoint` names the stand-in.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Answer = tuple[int, dict[str, str], bytes]

OK = 200
EXPECTED = {
    "_handle_request_sync": "ad23a7135b80",
    "_create_cluster": "7c6cfd442ddb",
    "_delete_cluster": "f90e5be0d2e2",
    "_update_addon": "0eb0181d1409",
    "_tag_resource": "93f0f37e8f37",
    "_untag_resource": "9402aa522c23",
    "_resolve_tag_resource_arn": "042ffde11b45",
    "_ministack_issuer_base": "1818375aa3a2",
    "_sanitize": "5027f2dfbdcd",
}

CERTIFICATE = base64.b64encode(b"the stand-in for Kubernetes has no certificate").decode()
CLUSTER = re.compile(r"/clusters/([A-Za-z0-9_-]+)/(update-config|updates(?:/([0-9a-f-]+))?)")

# What UpdateClusterConfig may change, and the type of update that comes of it.
CHANGEABLE = {
    "resourcesVpcConfig": "VpcConfigUpdate",
    "logging": "LoggingUpdate",
    "accessConfig": "AccessConfigUpdate",
    "upgradePolicy": "UpgradePolicyUpdate",
    "deletionProtection": "DeletionProtectionUpdate",
}


def minor(version: str) -> int:
    """Return the minor number of a Kubernetes version such as 1.36."""
    return int(version.split(".")[1])


def completed(eks: Any, cluster: dict[str, Any], kind: str, values: dict[str, Any]) -> Answer:
    """Record an update that is done already, as whoever waits for it will ask, and answer it."""
    update = {
        "id": eks.new_uuid(),
        "status": "Successful",
        "type": kind,
        "params": [{"type": name, "value": json.dumps(value)} for name, value in values.items()],
        "createdAt": eks._now(),
        "errors": [],
    }
    # Kept in the cluster's record: saved and restored with it, and shown to nobody.
    cluster.setdefault("_updates", {})[update["id"]] = update
    answer: Answer = eks._json_resp(OK, {"update": update})
    return answer


def update_config(eks: Any, cluster: dict[str, Any], body: dict[str, Any]) -> Answer:
    """Answer UpdateClusterConfig."""
    wanted = {name: body[name] for name in CHANGEABLE if name in body}
    if not wanted:
        return _refused(eks, "InvalidParameterException", "No changes needed for the cluster.")
    for name, value in wanted.items():
        if isinstance(value, dict) and isinstance(cluster.get(name), dict):
            cluster[name] = cluster[name] | value
        else:
            cluster[name] = value
    return completed(eks, cluster, CHANGEABLE[next(iter(wanted))], wanted)


def update_version(eks: Any, cluster: dict[str, Any], body: dict[str, Any]) -> Answer:
    """Answer UpdateClusterVersion: up by one minor version, never down, never two."""
    old, new = cluster["version"], str(body.get("version") or "")
    if not re.fullmatch(r"1\.\d+", new) or minor(new) != minor(old) + 1:
        message = f"Unsupported Kubernetes minor version update from {old} to {new}"
        return _refused(eks, "InvalidParameterException", message)
    cluster["version"] = new
    return completed(eks, cluster, "VersionUpdate", {"Version": new})


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend clusters. Raises MendError if it is another emulator."""
    from ministack.services import eks

    expect(eks, EXPECTED)
    eks._ministack_issuer_base = lambda: f"https://oidc.eks.{eks.get_region()}.amazonaws.com"
    eks._create_cluster = _creating(eks, eks._create_cluster)
    eks._delete_cluster = _deleting(eks, eks._delete_cluster)
    eks._update_addon = _updating_addon(eks, eks._update_addon)
    eks._resolve_tag_resource_arn = _resolving(eks, eks._resolve_tag_resource_arn)
    for name in ("_tag_resource", "_untag_resource"):
        setattr(eks, name, _showing_tags(eks, getattr(eks, name)))
    eks._handle_request_sync = _routing(eks, eks._handle_request_sync)


def _refused(eks: Any, code: str, message: str, status: int = 400) -> Answer:
    answer: Answer = eks._error(status, code, message)
    return answer


def _creating(eks: Any, original: Callable[..., Answer]) -> Callable[..., Answer]:
    def create(body: dict[str, Any], creator_arn: str | None = None) -> Answer:
        answer = original(body, creator_arn)
        if answer[0] != OK:
            return answer
        cluster = eks._clusters[body["name"]]
        cluster["certificateAuthority"] = {"data": CERTIFICATE}
        cluster["upgradePolicy"] = body.get("upgradePolicy") or {"supportType": "EXTENDED"}
        cluster["deletionProtection"] = bool(body.get("deletionProtection"))
        described: Answer = eks._json_resp(OK, {"cluster": eks._sanitize(cluster)})
        return described

    return create


def _deleting(eks: Any, original: Callable[[str], Answer]) -> Callable[[str], Answer]:
    def delete(name: str) -> Answer:
        if any(key.startswith(f"{name}/") for key in eks._nodegroups):
            message = "Cluster has nodegroups attached"
            return _refused(eks, "ResourceInUseException", message, 409)
        if (eks._clusters.get(name) or {}).get("deletionProtection"):
            message = f"Cluster {name} is protected from deletion"
            return _refused(eks, "InvalidRequestException", message)
        for key in [key for key in eks._addons if key.startswith(f"{name}/")]:
            eks._addons.pop(key, None)
        return original(name)

    return delete


def _updating_addon(eks: Any, original: Callable[..., Answer]) -> Callable[..., Answer]:
    def update(cluster_name: str, addon_name: str, body: dict[str, Any]) -> Answer:
        answer = original(cluster_name, addon_name, body)
        cluster = eks._clusters.get(cluster_name)
        if answer[0] != OK or cluster is None:
            return answer
        changed = {k: v for k, v in body.items() if k in {"addonVersion", "configurationValues"}}
        return completed(eks, cluster, "AddonUpdate", changed)

    return update


def _resolving(eks: Any, original: Callable[[str], Any]) -> Callable[[str], Any]:
    def resolve(arn: str) -> Any:
        if ":podidentityassociation/" in arn:
            known = (a["associationArn"] for a in eks._pod_identity_associations.values())
            return (arn, None) if arn in known else (None, eks._tag_resource_not_found(arn))
        return original(arn)

    return resolve


def _showing_tags(eks: Any, original: Callable[..., Answer]) -> Callable[..., Answer]:
    """Let a description show the tags that were set last."""
    stores = (
        ("_clusters", "arn"),
        ("_nodegroups", "nodegroupArn"),
        ("_addons", "addonArn"),
        ("_access_entries", "accessEntryArn"),
        ("_pod_identity_associations", "associationArn"),
    )

    def change(arn: str, given: Any) -> Answer:
        answer = original(arn, given)
        for store, field in stores:
            for record in getattr(eks, store).values():
                if record.get(field) == arn:
                    record["tags"] = dict(eks._tags.get(arn) or {})
        return answer

    return change


def _routing(eks: Any, original: Callable[..., Answer]) -> Callable[..., Answer]:
    def handle(method: str, path: str, headers: Any, data: bytes, query: dict[str, Any]) -> Answer:
        if method == "DELETE" and path.startswith("/tags/"):
            return _untag(eks, unquote(path.removeprefix("/tags/")), query.get("tagKeys"))
        found = CLUSTER.fullmatch(path)
        if found is None:
            return original(method, path, headers, data, query)
        cluster = eks._clusters.get(found[1])
        if cluster is None:
            message = f"No cluster found for name: {found[1]}."
            return _refused(eks, "ResourceNotFoundException", message, 404)
        body = json.loads(data) if data else {}
        if method == "POST" and found[2] == "update-config":
            return update_config(eks, cluster, body)
        if method == "POST" and found[2] == "updates":
            return update_version(eks, cluster, body)
        return _updates(eks, cluster, found[3])

    return handle


def _untag(eks: Any, arn: str, keys: Any) -> Answer:
    named = keys if isinstance(keys, list) else [keys]
    answer: Answer = eks._untag_resource(arn, {"tagKeys": [key for key in named if key]})
    return answer


def _updates(eks: Any, cluster: dict[str, Any], identifier: str | None) -> Answer:
    """Answer ListUpdates, or DescribeUpdate when an update is named."""
    known: dict[str, Any] = cluster.get("_updates") or {}
    if identifier is not None and identifier not in known:
        message = f"No update found for ID: {identifier}"
        return _refused(eks, "ResourceNotFoundException", message, 404)
    found = {"updateIds": list(known)} if identifier is None else {"update": known[identifier]}
    answer: Answer = eks._json_resp(OK, found)
    return answer
