"""The result text that EvalAI takes, checked before it leaves.

EvalAI reads the text as JSON and checks the labels; what it does not check, and only its
database refuses, is NaN and infinity, which Python's JSON reader lets pass.
"""

from __future__ import annotations

import json
import math

from glue.errors import InputError

FAILED_RESULT = "[]"
FORM = 'write [{"split": "…", "show_to_participant": true, "accuracies": {"label": 1.5}}]'


def check_result(text: str) -> None:
    """Raise InputError unless a text is a result in EvalAI's form, with finite numbers only."""
    if not isinstance(text, str):
        raise InputError("result", "it is not text", "hand over JSON text, not the list itself")
    try:
        result = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("result", f"it is not JSON ({error})", FORM) from None
    if not isinstance(result, list) or not result:
        raise InputError("result", "it is not a list of splits", FORM)
    for item in result:
        if not isinstance(item, dict) or not isinstance(item.get("split"), str):
            raise InputError("result", "an entry names no split", FORM)
        if not isinstance(item.get("show_to_participant", False), bool):
            raise InputError("result", "show_to_participant is not true or false", FORM)
        accuracies = item.get("accuracies")
        if not isinstance(accuracies, dict):
            raise InputError("result", f"split {item['split']!a} has no accuracies", FORM)
        for label, value in accuracies.items():
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or not math.isfinite(value)
            ):
                raise InputError("result", f"{label!a} is not a finite number: {value!r}", FORM)
