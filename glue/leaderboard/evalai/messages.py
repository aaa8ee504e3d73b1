"""The message that EvalAI puts on a challenge's queue for each submission.

EvalAI writes the same numbers now as numbers, now as text: a participant's own submission brings
`challenge_pk` and `phase_pk` as text, a re-run or a resume brings numbers. Here they are ints.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glue.errors import InputError
from glue.leaderboard.evalai.models import SubmissionKey

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_PK = 2**63 - 1
MOST_DIGITS = 19
IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}")


@dataclass(frozen=True, slots=True)
class SubmissionMessage:
    """A submission to be run: its numbers at EvalAI, and the image if the message names one.

    EvalAI leaves the image out of a re-run or resume when it cannot read its own input file.
    """

    key: SubmissionKey
    image: str | None = None
    is_static_dataset: bool = False

    @classmethod
    def read(cls, body: str) -> SubmissionMessage:
        """Return what a message's body says; keys that are not known are left alone.

        Raises InputError for a body that EvalAI cannot have sent.
        """
        try:
            content = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise InputError("message", f"it is not JSON ({error})", "send a JSON object") from None
        if not isinstance(content, dict):
            raise InputError("message", "it is not a JSON object", "send a JSON object")
        key = SubmissionKey(
            challenge=_number(content, "challenge_pk"),
            phase=_number(content, "phase_pk"),
            submission=_number(content, "submission_pk"),
        )
        is_static = content.get("is_static_dataset_code_upload_submission") or False
        if not isinstance(is_static, bool):
            raise InputError(
                "is_static_dataset_code_upload_submission",
                f"{str(is_static)[:40]!a} is neither true nor false",
                "write true or false",
            )
        return cls(key, _image(content.get("submitted_image_uri")), is_static)


def _number(content: Mapping[str, Any], field: str) -> int:
    value = content.get(field)
    if isinstance(value, str) and len(value) <= MOST_DIGITS and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST_PK:
        found = "it is missing" if value is None else f"{str(value)[:40]!a} is not a primary key"
        raise InputError(field, found, "write a positive whole number, or its digits as text")
    return value


def _image(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not IMAGE.fullmatch(value):
        raise InputError(
            "submitted_image_uri",
            f"{str(value)[:80]!a} is not the address of an image",
            "write it as registry/repository:tag",
        )
    return value
