"""The catalogue's password: put into its secret after apply, so that no state holds it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from glue.errors import InputError

if TYPE_CHECKING:
    from glue.deploy.environments import Environment

PASSWORD_VARIABLE = "PROVING_GROUND_CATALOGUE_PASSWORD"  # noqa: S105 - a name, not a password


def write(environment: Environment, outputs: dict[str, Any]) -> bool:
    """Put the password into the secret that Terraform made without a value.

    Returns whether anything was written: not when the platform has no such secret (Redshift
    asks for none), and not when the value is there already. Locally the password is the one
    the local cloud made for itself, elsewhere PROVING_GROUND_CATALOGUE_PASSWORD. Raises
    InputError when the secret has no value and there is none to put there.
    """
    secret = outputs.get("recordings", {}).get("catalogue_secret_arn")
    if not secret:
        return False
    client = environment.client("secretsmanager")
    try:
        present = client.get_secret_value(SecretId=secret).get("SecretString")
    except client.exceptions.ResourceNotFoundException:
        present = None
    password = _password(environment)
    if password is None and present is None:
        raise InputError(
            "catalogue",
            f"the secret {secret} has no value",
            f"set {PASSWORD_VARIABLE} and apply again",
        )
    wanted = json.dumps({"password": password})
    if password is None or present == wanted:
        return False
    client.put_secret_value(SecretId=secret, SecretString=wanted)
    return True


def _password(environment: Environment) -> str | None:
    """Return the password, or None when it is not known here."""
    if not environment.is_local:
        return os.environ.get(PASSWORD_VARIABLE) or None
    path = environment.project.local_home / "secrets.json"
    try:
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return kept["catalogue"]
    except (FileNotFoundError, KeyError):
        raise InputError(
            "catalogue",
            f"{path} does not hold the password of the local database",
            "run `glue local reset`, then `glue local up`",
        ) from None
