"""From the bytes of a results file to a JSON object, or to why not."""

from __future__ import annotations

import json
from typing import Any

from glue.leaderboard.results.parsed import Parsed, show

# The largest real file has 60 routes and 200 kB. Beyond this somebody is filling our memory.
LARGEST_RESULTS = 64 * 1024 * 1024


def read_object(content: bytes | str) -> dict[str, Any] | Parsed:
    """Return the JSON object of a results file, or the verdict when it holds none.

    Evaluators rewrite their file in place, so that a copy may be empty or cut anywhere: what is
    no JSON is `not_yet`. NaN and infinities pass here; whoever needs a number checks it.
    """
    if len(content) > LARGEST_RESULTS:
        return Parsed("unusable", f"the file has {len(content)} bytes, more than {LARGEST_RESULTS}")
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
        if not text.strip():
            return Parsed("not_yet", "the file is empty: the evaluator has not written it yet")
        document = json.loads(text)
    except RecursionError:
        return Parsed("unusable", "the JSON is nested deeper than any results file")
    except ValueError:  # no UTF-8, no JSON, or a number of more digits than Python converts
        return Parsed("not_yet", "the file is no whole JSON: it may be half-written")
    if not isinstance(document, dict):
        return Parsed("unusable", f"the file holds no JSON object but {show(document)}")
    return document
