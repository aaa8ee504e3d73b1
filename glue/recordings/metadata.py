"""The metadata text of a recording, read into named values.

Three forms are understood, told apart by content: a JSON object, `key: value` lines and
`key=value` lines (as SpikeGLX writes them). Numbers stay numbers, text stays text, units are
kept: `temperature: 36.6 C` and `temperature [C]: 36.6` say the same.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from typing import TYPE_CHECKING, NoReturn

from glue.errors import InputError
from glue.recordings.names import parse_time, show, time_in_name
from glue.recordings.records import LARGEST_EXACT_INTEGER, Attribute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

LARGEST_METADATA = 1024 * 1024
LONGEST_KEY = 128
LONGEST_VALUE = 4096
LONGEST_UNIT = 32
MOST_ATTRIBUTES = 1000

_NUMBER = re.compile(
    r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?", re.ASCII
)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_KEY_WITH_UNIT = re.compile(r"(?P<name>.*\S)\s*\[(?P<unit>[^\[\]]*)\]")
_LINE_END = re.compile(r"\r\n|\n|\r")
_SEPARATOR = re.compile(r"[:=]")

# Only a known unit turns `36.6 C` into a number; `3 electrodes` stays the text it is.
_UNIT_ATOM = (
    r"(?:(?:[pnuµμmcdhkMGT]?(?:m|g|s|A|K|mol|cd|Hz|rad|sr|N|Pa|J|W|C|V|F|Ohm|ohm|Ω|Ω|S|Wb|T|H|lm|"
    r"lx|Bq|Gy|Sv|L|l|eV|B|bit|bits|bytes|sps|Sa))|KiB|MiB|GiB|TiB|%|‰|ppm|°|°C|°F|deg|degC|degF|"
    r"sec|min|h|hr|hrs|d|days|weeks|years|y|bpm|rpm|mmHg|bar|mbar|psi|dB|dBm|px|fps|in|ft|lb|kcal|"
    r"cal|M|mM|uM|µM|nM)"
)
_UNIT = re.compile(rf"(?:1/)?{_UNIT_ATOM}(?:\^?-?[0-9²³])?(?:[*/·.]{_UNIT_ATOM}(?:\^?-?[0-9²³])?)*")
_NUMBER_WITH_UNIT = re.compile(rf"(?P<number>{_NUMBER.pattern})(?P<space>[ \t]*)(?P<unit>\S+)")
_UNITS_THAT_TOUCH = ("%", "‰", "°", "°C", "°F")


def to_number(text: str) -> float | None:
    """Return the number that `text` writes, or None when it is to stay text.

    Identifiers that look like numbers stay text: a leading zero (007), and integers or powers
    that a double cannot hold (2**53 + 1, 1e999).
    """
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    if math.isinf(number):
        return None  # also the way out for integers too long for int()
    if re.fullmatch(r"[+-]?[0-9]+", text) and abs(int(text)) > LARGEST_EXACT_INTEGER:
        return None
    return number + 0.0  # turns -0.0 into 0.0


def _bad_character(text: str, allowed: str) -> str | None:
    return next(
        (c for c in text if c not in allowed and unicodedata.category(c) in ("Cc", "Cs")), None
    )


def _refuse_number(field: str, value: str) -> NoReturn:
    raise InputError(
        field,
        f"{value!r} is not a finite number",
        "leave the line out when the value is unknown, or write it as text, such as 'unknown'",
    )


class _Collector:
    """Gathers attributes and refuses what the catalogue could not keep faithfully."""

    def __init__(self) -> None:
        self.attributes: dict[str, Attribute] = {}

    def add(self, place: str, key: str, number: float | None, text: str | None) -> None:
        name, unit = key.strip(), None
        if bracket := _KEY_WITH_UNIT.fullmatch(name):
            name, unit = bracket["name"], bracket["unit"].strip() or None
        field = f"{place}{name[:40]}" if name else f"{place}key"
        self._check_name(field, name, unit)
        if text is not None:
            self._check_text(field, text)
        self._put(field, Attribute(name, number, text, unit))

    def add_text(self, place: str, key: str, value: str) -> None:
        """Add a value that is written as text and may mean a number, with or without a unit."""
        name = key.strip()
        if name.startswith("~") and len(value) > LONGEST_VALUE:
            return  # a SpikeGLX table: nobody searches in it, and the raw file keeps it
        first, _, rest = value.partition(" ")
        if _NOT_FINITE.fullmatch(first) and (not rest or _UNIT.fullmatch(rest.strip())):
            _refuse_number(f"{place}{name[:40]}", value)
        number = to_number(value)
        if number is None and (found := _NUMBER_WITH_UNIT.fullmatch(value)):
            unit, number = found["unit"], to_number(found["number"])
            apart = bool(found["space"]) or unit in _UNITS_THAT_TOUCH
            bracketed = _KEY_WITH_UNIT.fullmatch(name)
            if apart and not bracketed and _UNIT.fullmatch(unit):
                name = f"{name} [{unit}]"
            else:
                number = None
        self.add(place, name, number, value if number is None else None)

    def _check_name(self, field: str, name: str, unit: str | None) -> None:
        if not name:
            raise InputError(field, "a value has no name", "write key: value")
        if len(name) > LONGEST_KEY:
            remedy = f"use at most {LONGEST_KEY}"
            raise InputError(field, f"the name has {len(name)} characters", remedy)
        if unit is not None and len(unit) > LONGEST_UNIT:
            remedy = f"use at most {LONGEST_UNIT}"
            raise InputError(field, f"the unit has {len(unit)} characters", remedy)
        if wrong := _bad_character(name + (unit or ""), ""):
            raise InputError(
                show(field, 80)[1:-1],
                f"the name contains the control character {wrong!a}",
                "remove it",
            )

    def _check_text(self, field: str, text: str) -> None:
        if len(text) > LONGEST_VALUE:
            raise InputError(
                field,
                f"the value has {len(text)} characters",
                f"use at most {LONGEST_VALUE}; put longer text into a file of the recording",
            )
        if wrong := _bad_character(text, "\t\n\r"):
            raise InputError(
                field, f"the value contains the control character {wrong!a}", "remove it"
            )

    def _put(self, field: str, attribute: Attribute) -> None:
        if attribute.name in self.attributes:
            raise InputError(field, "the key stands twice", "write each key once")
        if len(self.attributes) == MOST_ATTRIBUTES:
            raise InputError(
                field,
                f"there are more than {MOST_ATTRIBUTES} values",
                "put tables into a data file of the recording",
            )
        self.attributes[attribute.name] = attribute


def _decode(content: bytes) -> str:
    if len(content) > LARGEST_METADATA:
        raise InputError(
            "metadata",
            f"the file has {len(content)} bytes",
            f"keep the metadata text within {LARGEST_METADATA} bytes; ship data as a data file",
        )
    if b"\x00" in content or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("metadata", "the file is binary or UTF-16", "save it as UTF-8 text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"metadata, line {line}", "the text is not UTF-8", "save it as UTF-8 text"
        ) from error


def _object(pairs: list[tuple[str, object]]) -> list[tuple[str, object]]:
    return pairs


def _parse_json(text: str) -> Iterator[tuple[str, object]]:
    def whole(digits: str) -> float | str:
        number = to_number(digits)
        return digits if number is None else number

    try:
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=float,
            parse_int=whole,
        )
    except json.JSONDecodeError as error:
        raise InputError(
            f"metadata, line {error.lineno}", f"the JSON is broken: {error.msg}", "mend the JSON"
        ) from error
    except RecursionError as error:
        raise InputError("metadata", "the JSON is nested", "use one flat object") from error
    # An object arrives as a list of pairs, which tells it from a JSON list only by this check.
    if not text.lstrip().startswith("{"):
        raise InputError("metadata", "the JSON is not an object", 'write {"key": value, ...}')
    yield from document


def _collect_json(text: str, into: _Collector) -> None:
    for key, value in _parse_json(text):
        match value:
            case bool():
                into.add("", key, None, "true" if value else "false")
            case float():
                if not math.isfinite(value):
                    _refuse_number(show(key)[1:-1], str(value))
                into.add("", key, value + 0.0, None)
            case str():
                into.add("", key, None, value)
            case None:
                into.add("", key, None, "")
            case _:
                raise InputError(
                    show(key)[1:-1],
                    "the value is an object or a list",
                    "write one value per key, such as probe_depth and probe_angle",
                )


def _collect_lines(text: str, into: _Collector) -> None:
    for number, line in enumerate(_LINE_END.split(text), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        place = f"metadata, line {number}: "
        separator = _SEPARATOR.search(stripped)
        if not separator:
            raise InputError(
                f"metadata, line {number}",
                f"{show(stripped)} is no key with a value",
                "write key: value or key=value; start comments with #",
            )
        key, value = stripped[: separator.start()], stripped[separator.end() :].strip()
        into.add_text(place, key, value)


def parse_metadata(content: bytes) -> tuple[Attribute, ...]:
    """Return the attributes that a metadata text holds, in its order.

    Raises `InputError` naming the key or line and the remedy when the text is not UTF-8 or too
    long, when a key stands twice, and for values that the catalogue could not keep.
    """
    text = _decode(content)
    collector = _Collector()
    if text.lstrip().startswith(("{", '[{"', "[[", "[]")):
        _collect_json(text, collector)
    else:
        _collect_lines(text, collector)
    if not collector.attributes:
        raise InputError(
            "metadata", "the file holds no value", "write at least one line, key: value"
        )
    return tuple(collector.attributes.values())


def recorded_at(recording: str, attributes: Iterable[Attribute]) -> datetime | None:
    """Return when a recording was made, in UTC, or None when nothing says so.

    The attribute `recorded_at` (ISO 8601) wins over a time in the recording's name.
    """
    for attribute in attributes:
        if attribute.name == "recorded_at" and (time := parse_time(attribute.text or "")):
            return time
    return time_in_name(recording)
