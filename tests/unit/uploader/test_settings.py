from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from glue.uploader.settings import Limits, Wrong, read

if TYPE_CHECKING:
    from pathlib import Path

FORM = {"FORM_FILE": "/form/form.json"}


def test_what_is_told_and_what_is_not(tmp_path: Path) -> None:
    told = read([f"worker-1/results={tmp_path}"], FORM | {"PERIOD_SECONDS": "7", "MOST_FILES": ""})
    assert told.folders == (("worker-1/results", tmp_path),)
    assert (str(told.form_file), told.period, told.last) == ("/form/form.json", 7, 240)
    assert told.limits == Limits()
    limits = {"MOST_FILES": "1", "MOST_BYTES": "2", "LARGEST_FILE_BYTES": "3"}
    assert read([f"a={tmp_path}"], FORM | limits).limits == Limits(1, 2, 3)


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        ([], FORM, "usage"),
        (["a"], FORM, "usage"),
        (["=HERE"], FORM, "usage"),
        (["../b=HERE"], FORM, "usage"),
        (["a/../b=HERE"], FORM, "usage"),
        (["/a=HERE"], FORM, "usage"),
        (["a/=HERE"], FORM, "usage"),
        (["a="], FORM, "usage"),
        (["a=HERE", "a=HERE"], FORM, "twice"),
        (["a=HERE/missing"], FORM, "no folder"),
        (["a=HERE"], {}, "FORM_FILE"),
        (["a=HERE"], FORM | {"PERIOD_SECONDS": "0"}, "PERIOD_SECONDS: '0'"),
        (["a=HERE"], FORM | {"MOST_BYTES": "1e9"}, "MOST_BYTES: '1e9'"),
        (["a=HERE"], FORM | {"MOST_FILES": "-1"}, "MOST_FILES: '-1'"),
    ],
)
def test_nonsense_is_refused(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], message: str
) -> None:
    with pytest.raises(Wrong, match=message):
        read([word.replace("HERE", str(tmp_path)) for word in arguments], variables)
