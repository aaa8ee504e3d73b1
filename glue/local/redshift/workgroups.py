"""Workgroups and their usage limits: capacity and network. Nothing computes; ready at once."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from ministack.core.responses import get_account_id, get_region

from glue.local.redshift import namespaces
from glue.local.redshift.stores import (
    arn_of,
    conflict,
    invalid,
    new_id,
    not_found,
    tagged,
    tags,
    usage_limits,
    workgroups,
)

DOMAIN = "redshift-serverless.amazonaws.com"
PORT = 5439
BASE_CAPACITY = 128  # RPU
SMALL_CAPACITY = 8  # up to here two zones are enough
CREDENTIALS_SECONDS = 900

# AWS describes a workgroup with all of these, whichever of them its maker named.
PARAMETERS = {
    "auto_mv": "true",
    "datestyle": "ISO, MDY",
    "enable_case_sensitive_identifier": "false",
    "enable_user_activity_logging": "true",
    "max_query_execution_time": "14400",
    "query_group": "default",
    "require_ssl": "true",
    "search_path": "$user, public",
    "use_fips_ssl": "false",
}
PLAIN = ("enhancedVpcRouting", "publiclyAccessible", "trackName", "ipAddressType")


def create_workgroup(parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a workgroup on a namespace that is there and has none."""
    name, namespace = parameters["workgroupName"], parameters["namespaceName"]
    namespaces.find(namespace)
    if name in workgroups:
        raise conflict(f"The workgroup {name} already exists.")
    if any(group["namespaceName"] == namespace for group in workgroups.values()):
        raise conflict(f"The namespace {namespace} already has a workgroup.")
    identifier = new_id()
    workgroup: dict[str, Any] = {
        "workgroupArn": arn_of("workgroup", identifier),
        "workgroupId": identifier,
        "workgroupName": name,
        "namespaceName": namespace,
        "baseCapacity": BASE_CAPACITY,
        "configParameters": _parameters({}),
        "creationDate": dt.datetime.now(dt.UTC).isoformat(),
        "endpoint": {
            "address": f"{name}.{get_account_id()}.{get_region()}.{DOMAIN}",
            "port": PORT,
            "vpcEndpoints": [],
        },
        "enhancedVpcRouting": False,
        "ipAddressType": "ipv4",
        "patchVersion": "1",
        "port": PORT,
        "pricePerformanceTarget": {"status": "DISABLED"},
        "publiclyAccessible": False,
        "securityGroupIds": [],
        "status": "AVAILABLE",
        "subnetIds": [],
        "trackName": "current",
        "workgroupVersion": "1.0",
    }
    _change(workgroup, parameters)
    workgroups[name] = workgroup
    tags[workgroup["workgroupArn"]] = tagged(parameters.get("tags"))
    return {"workgroup": workgroup}


def get_workgroup(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a workgroup."""
    return {"workgroup": find(parameters["workgroupName"])}


def list_workgroups(_parameters: dict[str, Any]) -> dict[str, Any]:
    """Return every workgroup."""
    return {"workgroups": workgroups.values()}


def update_workgroup(parameters: dict[str, Any]) -> dict[str, Any]:
    """Change a workgroup."""
    workgroup = find(parameters["workgroupName"])
    _change(workgroup, parameters)
    return {"workgroup": workgroup}


def delete_workgroup(parameters: dict[str, Any]) -> dict[str, Any]:
    """Remove a workgroup and the usage limits on it."""
    workgroup = find(parameters["workgroupName"])
    for identifier, limit in usage_limits.items():
        if limit["resourceArn"] == workgroup["workgroupArn"]:
            del usage_limits[identifier]
    del workgroups[workgroup["workgroupName"]]
    tags.pop(workgroup["workgroupArn"], None)
    return {"workgroup": workgroup | {"status": "DELETING"}}


def get_credentials(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a database user and password, which open nothing: no database is there."""
    find(parameters.get("workgroupName", ""))
    now = dt.datetime.now(dt.UTC)
    seconds = parameters.get("durationSeconds", CREDENTIALS_SECONDS)
    return {
        "dbUser": "IAM:root",
        "dbPassword": secrets.token_urlsafe(32),
        "expiration": (now + dt.timedelta(seconds=seconds)).timestamp(),
        "nextRefreshTime": (now + dt.timedelta(seconds=seconds * 2)).timestamp(),
    }


def create_usage_limit(parameters: dict[str, Any]) -> dict[str, Any]:
    """Limit what a workgroup may use; nothing is used here, so no limit is ever reached."""
    arn, kind = parameters["resourceArn"], parameters["usageType"]
    if all(group["workgroupArn"] != arn for group in workgroups.values()):
        raise not_found("resource", arn)
    limit: dict[str, Any] = {"breachAction": "log", "period": "monthly"} | {
        name: value
        for name, value in parameters.items()
        if name in {"amount", "breachAction", "period", "resourceArn", "usageType"}
    }
    same = ("resourceArn", "usageType", "period", "breachAction")
    if any(all(other[key] == limit[key] for key in same) for other in usage_limits.values()):
        raise conflict(f"There is already such a limit of {kind} on {arn}.")
    identifier = new_id()
    limit |= {"usageLimitId": identifier, "usageLimitArn": arn_of("usagelimit", identifier)}
    usage_limits[identifier] = limit
    return {"usageLimit": limit}


def get_usage_limit(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a usage limit."""
    return {"usageLimit": _limit(parameters["usageLimitId"])}


def list_usage_limits(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the usage limits, of one resource if it is named."""
    arn = parameters.get("resourceArn")
    return {
        "usageLimits": [
            limit for limit in usage_limits.values() if arn in {None, limit["resourceArn"]}
        ]
    }


def update_usage_limit(parameters: dict[str, Any]) -> dict[str, Any]:
    """Change a usage limit's amount, or what happens beyond it."""
    limit = _limit(parameters["usageLimitId"])
    limit.update({k: parameters[k] for k in ("amount", "breachAction") if k in parameters})
    return {"usageLimit": limit}


def delete_usage_limit(parameters: dict[str, Any]) -> dict[str, Any]:
    """Remove a usage limit."""
    limit = _limit(parameters["usageLimitId"])
    del usage_limits[limit["usageLimitId"]]
    return {"usageLimit": limit}


def find(name: str) -> dict[str, Any]:
    """Return a workgroup by its name. Raises ServiceError when there is none."""
    found: dict[str, Any] | None = workgroups.get(name)
    if found is None:
        raise not_found("workgroup", name)
    return found


def _limit(identifier: str) -> dict[str, Any]:
    found: dict[str, Any] | None = usage_limits.get(identifier)
    if found is None:
        raise not_found("usage limit", identifier)
    return found


def _parameters(given: dict[str, str]) -> list[dict[str, str]]:
    unknown = {key for key in given if key not in PARAMETERS and not key.startswith("max_")}
    if unknown:
        raise invalid(f"The parameter key {', '.join(sorted(unknown))} isn't supported.")
    return [
        {"parameterKey": key, "parameterValue": value}
        for key, value in sorted((PARAMETERS | given).items())
    ]


def _change(workgroup: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Put what a request sets into a workgroup; nothing is changed when something is wrong."""
    changed = {name: parameters[name] for name in PLAIN if parameters.get(name) is not None}
    base = parameters.get("baseCapacity") or workgroup["baseCapacity"]
    highest = parameters.get("maxCapacity") or workgroup.get("maxCapacity")
    if highest is not None and 0 < highest < base:
        raise invalid(f"maxCapacity {highest} is below baseCapacity {base}.")
    changed["baseCapacity"] = base
    if "configParameters" in parameters:
        held = {p["parameterKey"]: p["parameterValue"] for p in workgroup["configParameters"]}
        given = {p["parameterKey"]: p["parameterValue"] for p in parameters["configParameters"]}
        changed["configParameters"] = _parameters(held | given)
    if "subnetIds" in parameters:
        changed["subnetIds"] = _subnets(parameters["subnetIds"], base)
    if "securityGroupIds" in parameters:
        changed["securityGroupIds"] = _security_groups(parameters["securityGroupIds"])
    if parameters.get("port"):
        changed["port"] = parameters["port"]
        changed["endpoint"] = workgroup["endpoint"] | {"port": parameters["port"]}
    if parameters.get("pricePerformanceTarget"):
        changed["pricePerformanceTarget"] = parameters["pricePerformanceTarget"]
    if highest is not None and highest < 0:
        workgroup.pop("maxCapacity", None)  # -1 lifts the limit
    elif highest is not None:
        changed["maxCapacity"] = highest
    workgroup.update(changed)


def _subnets(identifiers: list[str], capacity: int) -> list[str]:
    """Return subnets that are there and lie in enough zones, as AWS demands of both."""
    from ministack.services import ec2

    known = ec2._subnets  # noqa: SLF001 - the emulator's own part
    missing = [one for one in identifiers if one not in known]
    if missing:
        raise invalid(f"These subnets do not exist: {', '.join(missing)}.")
    zones = {known[one]["AvailabilityZone"] for one in identifiers}
    needed = 2 if capacity <= SMALL_CAPACITY else 3
    if len(zones) < needed:
        raise invalid(f"Subnets in {needed} zones are needed, these lie in {len(zones)}.")
    return identifiers


def _security_groups(identifiers: list[str]) -> list[str]:
    from ministack.services import ec2

    missing = [one for one in identifiers if one not in ec2._security_groups]  # noqa: SLF001
    if missing:
        raise invalid(f"These security groups do not exist: {', '.join(missing)}.")
    return identifiers
