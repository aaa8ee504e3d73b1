"""Namespaces: a database's name, its administrator, its logs. Available at once."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import string
from typing import Any

from glue.local.redshift.stores import (
    ServiceError,
    arn_of,
    conflict,
    invalid,
    namespaces,
    new_id,
    not_found,
    tagged,
    tags,
    workgroups,
)

ADMINISTRATOR = "admin"
OWN_KEY = "AWS_OWNED_KMS_KEY"
LOGS = frozenset({"connectionlog", "useractivitylog", "userlog"})
PASSWORD_LENGTH = 32
# What a request may set that is described again as it was given.
PLAIN = ("dbName", "kmsKeyId", "logExports", "adminUsername", "adminPasswordSecretKmsKeyId")


def create_namespace(parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a namespace and, if Redshift shall keep the password, its secret."""
    name = parameters["namespaceName"]
    if name in namespaces:
        raise conflict(f"The namespace {name} already exists.")
    _check(parameters)
    identifier = new_id()
    namespace: dict[str, Any] = {
        "namespaceArn": arn_of("namespace", identifier),
        "namespaceId": identifier,
        "namespaceName": name,
        "adminUsername": ADMINISTRATOR,
        "creationDate": dt.datetime.now(dt.UTC).isoformat(),
        "iamRoles": [],
        "kmsKeyId": OWN_KEY,
        "logExports": [],
        "status": "AVAILABLE",
    }
    _change(namespace, parameters)
    namespaces[name] = namespace
    tags[namespace["namespaceArn"]] = tagged(parameters.get("tags"))
    return {"namespace": namespace}


def get_namespace(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a namespace."""
    return {"namespace": find(parameters["namespaceName"])}


def list_namespaces(_parameters: dict[str, Any]) -> dict[str, Any]:
    """Return every namespace."""
    return {"namespaces": namespaces.values()}


def update_namespace(parameters: dict[str, Any]) -> dict[str, Any]:
    """Change a namespace."""
    namespace = find(parameters["namespaceName"])
    _check(parameters)
    _change(namespace, parameters)
    return {"namespace": namespace}


def delete_namespace(parameters: dict[str, Any]) -> dict[str, Any]:
    """Remove a namespace that no workgroup stands on, and its secret."""
    name = parameters["namespaceName"]
    namespace = find(name)
    if any(group["namespaceName"] == name for group in workgroups.values()):
        raise conflict(f"The namespace {name} is in use: delete its workgroup first.")
    _forget_password(namespace)
    del namespaces[name]
    tags.pop(namespace["namespaceArn"], None)
    return {"namespace": namespace | {"status": "DELETING"}}


def find(name: str) -> dict[str, Any]:
    """Return a namespace by its name. Raises ServiceError when there is none."""
    found: dict[str, Any] | None = namespaces.get(name)
    if found is None:
        raise not_found("namespace", name)
    return found


def _check(parameters: dict[str, Any]) -> None:
    unknown = set(parameters.get("logExports") or ()) - LOGS
    if unknown:
        raise invalid(f"logExports: {', '.join(sorted(unknown))} is none of {sorted(LOGS)}.")
    if parameters.get("manageAdminPassword") and parameters.get("adminUserPassword"):
        raise invalid("adminUserPassword cannot be given together with manageAdminPassword.")


def _change(namespace: dict[str, Any], parameters: dict[str, Any]) -> None:
    given = {name: parameters[name] for name in PLAIN if parameters.get(name) is not None}
    namespace.update(given)
    if "iamRoles" in parameters:
        namespace["iamRoles"] = [
            f"IamRole(applyStatus=in-sync, iamRoleArn={arn})" for arn in parameters["iamRoles"]
        ]
    if parameters.get("defaultIamRoleArn"):
        namespace["defaultIamRoleArn"] = parameters["defaultIamRoleArn"]
    elif "defaultIamRoleArn" in parameters:
        namespace.pop("defaultIamRoleArn", None)
    if parameters.get("manageAdminPassword"):
        _keep_password(namespace)
    elif "manageAdminPassword" in parameters or parameters.get("adminUserPassword"):
        _forget_password(namespace)


def _keep_password(namespace: dict[str, Any]) -> None:
    """Make up the administrator's password and keep it in Secrets Manager, as Redshift does."""
    from ministack.services import secretsmanager

    if "adminPasswordSecretArn" in namespace:
        return
    user, name = namespace["adminUsername"], namespace["namespaceName"]
    letters = string.ascii_letters + string.digits
    password = "".join(secrets.choice(letters) for _ in range(PASSWORD_LENGTH))
    arn = secretsmanager.create_secret_in_process(
        f"redshift!{name}-{user}",
        json.dumps({"username": user, "password": password}),
        f"Password of the administrator of the namespace {name}",
    )
    if arn is None:
        raise ServiceError("ConflictException", f"The secret of the namespace {name} is there.")
    namespace["adminPasswordSecretArn"] = arn


def _forget_password(namespace: dict[str, Any]) -> None:
    from ministack.services import secretsmanager

    arn = namespace.pop("adminPasswordSecretArn", None)
    if arn:
        secretsmanager.delete_secret_in_process(arn)
