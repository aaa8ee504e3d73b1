"""Where the API is and who asks: a profile, from the environment or a file."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

import glue
from glue.errors import InputError

PREFIX = "PROVING_GROUND_"
FIELDS = ("url", "api_key", "device", "secret")
REMEDY = (
    "set PROVING_GROUND_URL, _API_KEY, _DEVICE and _SECRET, or PROVING_GROUND_PROFILE to a file "
    "that `glue devices add NAME --group GROUP --profile FILE` wrote; "
    "for the local cloud, run `make up`"
)

Word = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[!-~]+$")]


class Profile(BaseModel):
    """The address of the API and the credentials of one device or person."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)

    url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$")]
    api_key: Word = Field(repr=False)
    device: Word
    # A secret may hold any character that a password may.
    secret: Annotated[str, StringConstraints(min_length=1, max_length=512)] = Field(repr=False)


def _checked(values: object, source: str) -> Profile:
    try:
        return Profile.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(step) for step in first["loc"]) or "document"
        message = "it is missing" if first["type"] == "missing" else first["msg"]
        raise InputError(f"profile {source}: {name}", message, REMEDY, "profile") from error


def _from_environment() -> Profile | None:
    values = {
        name: os.environ[PREFIX + name.upper()]
        for name in FIELDS
        if os.environ.get(PREFIX + name.upper())
    }
    if not values:
        return None
    for name in FIELDS:
        if name not in values:
            raise InputError(
                PREFIX + name.upper(),
                f"it is not set, and {PREFIX}{next(iter(values)).upper()} is",
                f"set all of {', '.join(PREFIX + field.upper() for field in FIELDS)}, or none",
                "profile",
            )
    return _checked(values, "from PROVING_GROUND_ variables")


def read_profile(path: Path) -> Profile:
    """Return the profile in a JSON file; raise `InputError` when it cannot be used."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            "profile", f"{path} cannot be read: {error.strerror}", REMEDY, "profile"
        ) from error
    except ValueError as error:
        raise InputError("profile", f"{path} is not JSON: {error}", REMEDY, "profile") from error
    return _checked(values, str(path))


def _home() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "proving-ground"


def _local_profiles(role: str) -> list[Path]:
    """Return where the local cloud may have left a profile: here, or beside this package."""
    name = Path("profiles") / f"{role}.json"
    if home := os.environ.get("PROVING_GROUND_LOCAL_HOME"):
        return [Path(home) / name]
    homes = (Path.cwd(), Path(glue.__file__).resolve().parent.parent)
    return [home / "build" / "local" / name for home in homes]


def find_profile(role: str, chosen: str | None = None) -> Profile:
    """Return the profile to use; raise `InputError` telling what to set when there is none.

    `chosen` (a path, or the name of a file in ~/.config/proving-ground) wins, then the
    environment, then PROVING_GROUND_PROFILE, then the file `default`, then the local cloud's
    profile for `role`: shipper, researcher or operator.
    """
    if not chosen:
        if found := _from_environment():
            return found
        chosen = os.environ.get("PROVING_GROUND_PROFILE")
    if chosen:
        if re.fullmatch(r"[A-Za-z0-9_-]+", chosen) and not Path(chosen).is_file():
            return read_profile(_home() / f"{chosen}.json")
        return read_profile(Path(chosen).expanduser())
    for path in [_home() / "default.json", *_local_profiles(role)]:
        if path.is_file():
            return read_profile(path)
    raise InputError("profile", "no address and no credentials are set", REMEDY, "profile")
