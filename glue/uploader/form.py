"""The form that opens one prefix of a bucket, as the file tells that somebody renews."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 256 * 1024  # bytes of the file
_UNSAFE = '"\r\n\0'  # would end a multipart header early


class NoForm(Exception):  # noqa: N818 - reads as a finding
    """There is no form that can be used, at the moment; the message says why, and no more."""


@dataclass(frozen=True)
class Form:
    """Where to send, what to send with each file, under which prefix and up to which size."""

    address: SplitResult
    fields: tuple[tuple[str, str], ...]
    prefix: str
    largest_bytes: int | None


def read_form(path: Path) -> Form:
    """Return the form that the file holds at this moment. Raises NoForm."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise NoForm(f"{path} cannot be read ({type(error).__name__})") from None
    if len(content) > _LARGEST:
        raise NoForm(f"{path} has more than {_LARGEST} bytes")
    try:
        # A form is secret: none of what it holds gets into a message.
        return _parse(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NoForm(f"{path} holds no form that can be used") from None


def _parse(held: dict[str, Any]) -> Form:
    address = urlsplit(held["address"])
    fields = tuple(held["fields"].items())
    prefix, largest = held["prefix"], held.get("largest_bytes")
    if not address.hostname or (address.scheme != "https" and not _is_loopback(address)):
        raise ValueError("address")
    if not all(_is_safe(name, value) for name, value in fields):
        raise ValueError("fields")
    if not isinstance(prefix, str) or not prefix.endswith("/") or "${" in prefix:
        raise ValueError("prefix")
    if largest is not None and (isinstance(largest, bool) or not isinstance(largest, int)):
        raise ValueError("largest_bytes")
    return Form(address, fields, prefix, largest)


def _is_loopback(address: SplitResult) -> bool:
    """Tell whether an address is this machine's own, the only one to speak plain HTTP with."""
    if address.scheme != "http" or address.hostname is None:
        return False
    if address.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.hostname).is_loopback
    except ValueError:
        return False


def _is_safe(name: object, value: object) -> bool:
    if not isinstance(name, str) or not isinstance(value, str) or name in {"", "key", "file"}:
        return False
    return not any(character in name for character in _UNSAFE)
