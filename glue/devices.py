"""Devices and people: a Cognito user, its group, and an API key of its own.

For operators: it needs AWS rights that no device has. What it works on is given by the outputs
of an environment's apply.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from glue.errors import Conflict, InputError, NotFound
from glue.recordings.names import check_recording_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

GROUPS = ("shippers", "researchers", "hosts", "operators")
PRIVATE_FILE = 0o600


@dataclass(frozen=True, slots=True)
class Device:
    """One device or person that may use the API; `has_key` tells whether a key is left to it."""

    device: str
    groups: tuple[str, ...]
    enabled: bool
    has_key: bool

    def to_dict(self) -> dict[str, object]:
        """Return the form of `glue devices list --json`."""
        return {**asdict(self), "groups": list(self.groups)}


@dataclass(frozen=True, slots=True)
class Credentials:
    """All that a client needs: the content of a profile file."""

    url: str
    api_key: str
    device: str
    secret: str

    def to_dict(self) -> dict[str, str]:
        """Return the content of a profile file."""
        return asdict(self)

    def __repr__(self) -> str:
        return f"Credentials(url={self.url!r}, device={self.device!r})"

    def save(self, path: Path) -> None:
        """Write a profile file that only this user can read; it appears whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(self.to_dict(), file, indent=2)
            file.write("\n")
        unfinished.replace(path)


def new_secret() -> str:
    """Return a password of 43 random characters that also meets rules about kinds of letters."""
    while True:
        secret = secrets.token_urlsafe(32)
        kinds = (str.islower, str.isupper, str.isdigit)
        if all(any(kind(letter) for letter in secret) for kind in kinds) and (
            "-" in secret or "_" in secret
        ):
            return secret


class Directory:
    """The devices of one environment, given by its outputs `api` and `identity`."""

    def __init__(
        self,
        identity: CognitoIdentityProviderClient,
        gateway: APIGatewayClient,
        outputs: Mapping[str, Any],
    ) -> None:
        self._identity = identity
        self._gateway = gateway
        self._pool = str(outputs["identity"]["user_pool_id"])
        self._plan = str(outputs["api"]["usage_plan_id"])
        self._url = str(outputs["api"]["url"])

    def add(self, device: str, group: str, *, rotate: bool = False) -> Credentials:
        """Make a device and return its credentials, which are kept nowhere.

        A device that is there raises `Conflict`, unless `rotate`: then it gets a new secret and
        a new key, is enabled again, and belongs to just this group. What was begun and not
        finished by an earlier call is finished.
        """
        check_recording_name(device, "device")  # devices obey the same rule
        if group not in GROUPS:
            raise InputError("group", f"{group!r} is no group", f"use {', '.join(GROUPS)}")
        found = self._user(device)
        if found is not None and not rotate:
            if not found["Enabled"]:
                raise Conflict(
                    "device",
                    f"{device} has been revoked",
                    "choose another name, or let it in again with --rotate",
                    "revoked",
                )
            if self._groups(device) and self._has_key(device):
                raise Conflict(
                    "device",
                    f"{device} is there already",
                    "choose another name, or replace its secret with --rotate",
                    "exists",
                )
        secret = new_secret()
        if found is None:
            self._identity.admin_create_user(
                UserPoolId=self._pool,
                Username=device,
                MessageAction="SUPPRESS",
                TemporaryPassword=secret,
            )
        elif not found["Enabled"]:
            self._identity.admin_enable_user(UserPoolId=self._pool, Username=device)
        self._identity.admin_set_user_password(
            UserPoolId=self._pool, Username=device, Password=secret, Permanent=True
        )
        if rotate and found is not None:
            self._identity.admin_user_global_sign_out(UserPoolId=self._pool, Username=device)
        for other in self._groups(device):
            if other != group:
                self._identity.admin_remove_user_from_group(
                    UserPoolId=self._pool, Username=device, GroupName=other
                )
        self._identity.admin_add_user_to_group(
            UserPoolId=self._pool, Username=device, GroupName=group
        )
        self._delete_key(device)
        return Credentials(self._url, self._new_key(device), device, secret)

    def revoke(self, device: str) -> None:
        """Lock a device out: its key first, which ends all its calls at once.

        The user stays, disabled, so that nobody else can take its name and its recordings.
        """
        check_recording_name(device, "device")
        had_key = self._delete_key(device)
        if self._user(device) is None:
            if had_key:
                return
            raise NotFound("device", f"there is no {device}", "see `glue devices list`")
        self._identity.admin_user_global_sign_out(UserPoolId=self._pool, Username=device)
        self._identity.admin_disable_user(UserPoolId=self._pool, Username=device)

    def list(self) -> list[Device]:
        """Return all devices by name."""
        groups: dict[str, list[str]] = {}
        for group in GROUPS:
            for name in self._members(group):
                groups.setdefault(name, []).append(group)
        keys = {key["name"] for key in self._keys()}
        found = [
            Device(
                user["Username"],
                tuple(groups.get(user["Username"], ())),
                user["Enabled"],
                user["Username"] in keys,
            )
            for page in self._identity.get_paginator("list_users").paginate(UserPoolId=self._pool)
            for user in page["Users"]
        ]
        return sorted(found, key=lambda device: device.device)

    def _user(self, device: str) -> Mapping[str, Any] | None:
        with suppress(self._identity.exceptions.UserNotFoundException):
            return self._identity.admin_get_user(UserPoolId=self._pool, Username=device)
        return None

    def _groups(self, device: str) -> tuple[str, ...]:
        pages = self._identity.get_paginator("admin_list_groups_for_user").paginate(
            UserPoolId=self._pool, Username=device
        )
        return tuple(group["GroupName"] for page in pages for group in page["Groups"])

    def _members(self, group: str) -> Iterator[str]:
        pages = self._identity.get_paginator("list_users_in_group").paginate(
            UserPoolId=self._pool, GroupName=group
        )
        with suppress(self._identity.exceptions.ResourceNotFoundException):
            for page in pages:
                yield from (user["Username"] for user in page["Users"])

    def _keys(self) -> Iterator[Mapping[str, Any]]:
        pages = self._gateway.get_paginator("get_usage_plan_keys").paginate(usagePlanId=self._plan)
        for page in pages:
            yield from page.get("items", ())

    def _has_key(self, device: str) -> bool:
        return any(key["name"] == device for key in self._keys())

    def _new_key(self, device: str) -> str:
        made = self._gateway.create_api_key(name=device, enabled=True)
        try:
            self._gateway.create_usage_plan_key(
                usagePlanId=self._plan, keyId=made["id"], keyType="API_KEY"
            )
        except BaseException:
            # Nobody would ever find a key that is outside the plan.
            self._gateway.delete_api_key(apiKey=made["id"])
            raise
        return str(made["value"])

    def _delete_key(self, device: str) -> bool:
        """Delete every key of a device; return False when it had none."""
        keys = [key["id"] for key in self._keys() if key["name"] == device]
        for key in keys:
            # Out of the plan it opens nothing any more, even if the next call does not come.
            self._gateway.delete_usage_plan_key(usagePlanId=self._plan, keyId=key)
            with suppress(self._gateway.exceptions.NotFoundException):
                self._gateway.delete_api_key(apiKey=key)
        return bool(keys)
