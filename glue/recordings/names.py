"""Names of recordings and of their files, and the time that a name may carry."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from glue.errors import InputError

MANIFEST_NAME = "manifest.json"
METADATA_SUFFIXES = (".txt", ".meta", ".json")
LONGEST_NAME = 128

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_TIME = re.compile(
    r"(?<![0-9])(\d{4})-?(\d{2})-?(\d{2})[_T-](\d{2})-?(\d{2})-?(\d{2})(?![0-9])",
    re.ASCII,
)

_REMEDY = (
    "use 1 to 128 of the letters a-z and A-Z, digits, '.', '_' and '-', "
    "starting with a letter or digit, without '..'"
)


def show(text: str, longest: int = 60) -> str:
    """Return somebody's text fit for a message: quoted, printable, ASCII, one short line."""
    quoted = ascii(text[: longest + 1])
    if len(quoted) <= longest + 2:
        return quoted
    return f"{quoted[: longest - 2]}...{quoted[0]}"


def _check(field: str, name: object) -> str:
    if not isinstance(name, str) or not name:
        raise InputError(field, "the name is empty", _REMEDY)
    if len(name) > LONGEST_NAME:
        raise InputError(field, f"{show(name)} has {len(name)} characters", _REMEDY)
    if ".." in name:
        raise InputError(field, f"{show(name)} contains '..'", _REMEDY)
    if not _NAME.fullmatch(name):
        wrong = next((c for c in name if not re.fullmatch(r"[A-Za-z0-9._-]", c)), None)
        what = f"contains {wrong!a}" if wrong else f"starts with {name[0]!r}"
        raise InputError(field, f"{show(name)} {what}", _REMEDY)
    return name


def check_recording_name(name: object, field: str = "recording") -> str:
    """Return `name` when it can name a recording; raise `InputError` otherwise."""
    return _check(field, name)


def check_file_name(name: object, field: str = "name") -> str:
    """Return `name` when it can name a file of a recording; raise `InputError` otherwise."""
    return _check(field, name)


def may_be_metadata(name: str) -> bool:
    """Tell whether a file of this name can be the metadata text of its recording."""
    return name != MANIFEST_NAME and name.lower().endswith(METADATA_SUFFIXES)


def object_key(recording: str, file: str) -> str:
    """Return the key of a raw object."""
    return f"{recording}/{file}"


def split_key(key: str) -> tuple[str, str]:
    """Return (recording, file) of a raw object's key; raise `InputError` for any other key."""
    recording, slash, file = key.partition("/")
    if not slash:
        raise InputError("key", f"{show(key)} has no folder", "write <recording>/<file>")
    return check_recording_name(recording, "key"), check_file_name(file, "key")


def time_in_name(name: str) -> datetime | None:
    """Return the time a recording's name carries, read as UTC, or None.

    A name such as `20210228_161221` or `rig-2_2021-02-28T16-12-21` carries one;
    `20210229_161221` looks like one and is none, since 2021 has no 29 February.
    """
    found = _TIME.search(name)
    if not found:
        return None
    try:
        return datetime(*(int(part) for part in found.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None


def parse_time(text: str) -> datetime | None:
    """Return an ISO 8601 time in UTC, or None; a time without a zone is read as UTC."""
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
