"""What the demonstration makes, and what it must be told about it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from glue.client.scan import scan
from glue.demo.fabricate import IMPOSSIBLE_DATE, NUMBER_OF_RECORDINGS, Fabricated, fabricate
from glue.demo.questions import questions
from glue.errors import InputError
from glue.recordings.names import time_in_name

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Fabricated]:
    return fabricate(tmp_path_factory.mktemp("made"), "run-1", 60_000, START)


def test_a_dozen_with_their_flaws(made: list[Fabricated]) -> None:
    assert len({one.name for one in made}) == NUMBER_OF_RECORDINGS == 12
    assert IMPOSSIBLE_DATE in {one.name for one in made}
    assert sorted(one.flaw for one in made if one.flaw) == [
        "a file differs from its manifest", "broken metadata", "shipped twice",
    ]  # fmt: skip
    assert {one.rig for one in made} == {"rig-a", "rig-b", "rig-c"}
    assert len({one.files[-1] for one in made}) == 3, "three kinds of metadata files"


def test_what_is_said_is_what_the_shipper_reads(made: list[Fabricated]) -> None:
    for one in made:
        assert time_in_name(one.name) == one.recorded_at
        if one.flaw == "broken metadata":
            with pytest.raises(InputError, match="subject_fatigue"):
                scan(one.folder)
        else:
            plan = scan(one.folder)
            assert {file.name for file in plan.files} == set(one.files)
            size = 2_000_000 if one.name == IMPOSSIBLE_DATE else 60_000
            assert size * 0.9 < plan.size < size * 1.1


def test_the_same_run_gives_the_same_bytes(made: list[Fabricated], tmp_path: Path) -> None:
    again = fabricate(tmp_path, "run-1", 60_000, START)
    for before, after in zip(made, again, strict=True):
        assert before.attributes == after.attributes
        for name in before.files:
            assert (before.folder / name).read_bytes() == (after.folder / name).read_bytes()
    other = fabricate(tmp_path / "other", "run-2", 90_000, START)
    strange = (tmp_path / place / "rig-a" / IMPOSSIBLE_DATE for place in ("", "other"))
    first, second = ({f.name: f.read_bytes() for f in folder.iterdir()} for folder in strange)
    assert first == second, "raw data never changes"
    same = [one.name for one in other if one.attributes == made[0].attributes]
    assert same == [IMPOSSIBLE_DATE], "only the impossible date is the same in every run"


def test_three_questions_that_find_something(made: list[Fabricated]) -> None:
    good = [one for one in made if one.expected_state == "processed"]
    asked = questions("run-1", good)
    assert len(asked) == 3
    for one in asked:
        assert IMPOSSIBLE_DATE not in one.expected
        assert one.command().startswith('glue recordings find --where "demo_run = ')
    numeric, textual, timed = asked
    attributes = {one.name: one.attributes for one in good}
    assert all(float(attributes[name]["subject_fatigue"]) >= 3 for name in numeric.expected)
    assert all("Neuropixels" in str(attributes[n]["hardware_model"]) for n in textual.expected)
    assert timed.expected
