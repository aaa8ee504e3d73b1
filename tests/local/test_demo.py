"""The demonstration: it ends well on a sound platform, and loudly on one that is not."""

from __future__ import annotations

from tests.local.leaderboards import Leaderboards
from tests.platform import Platform


def test_the_demonstration_ends_well_and_can_be_repeated(platform: Platform) -> None:
    for _ in range(2):
        told = platform.glue("demo", "--size", "1").stdout
        assert "all as expected" in told
        assert "20210229_161221 is no date" in told
        assert told.count("  quarantined  20") == 2
        for words in ("crashes", "Team 3 cancels it", "the GPUs come", "Board of leaderboard-20"):
            assert words in told
    # The second time the recording of the impossible date was there already.
    assert "20210229_161221  already there" in told


def test_it_fails_loudly_when_the_events_do_no_work(platform: Platform) -> None:
    functions = platform.client("lambda")
    ingest = platform.outputs["recordings"]["functions"]["ingest_recording"]["name"]
    (mapping,) = functions.list_event_source_mappings(FunctionName=ingest)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        told = platform.glue("demo", "--size", "0.5", "--patience", "5", check=False)
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    assert told.returncode == 1
    assert "are not settled" in told.stdout + told.stderr
    assert "Traceback" not in told.stdout + told.stderr


def test_it_fails_loudly_when_submissions_are_not_begun(platform: Platform) -> None:
    with Leaderboards(platform).held_back():
        told = platform.glue("demo", "--size", "0.5", "--submission-patience", "3", check=False)
    assert told.returncode == 1
    assert "after 3 s they stand at" in told.stdout + told.stderr
    assert "Traceback" not in told.stdout + told.stderr
