"""The catalogue, on PostgreSQL and on Redshift's Data API played by PostgreSQL."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from glue.errors import Conflict, InputError
from glue.recordings.catalogue import Catalogue, search
from glue.recordings.query import Query, parse_conditions
from glue.recordings.records import Attribute, StoredObject
from tests.unit.recordings.bulk import attributes_of, load_recordings
from tests.unit.recordings.fixtures import (
    connect,
    postgresql_engine,
)

TIME = datetime(2021, 2, 28, 16, 12, 21, tzinfo=UTC)
ATTRIBUTES = (
    Attribute("fatigue", 3.0),
    Attribute("hardware", text="model 'x' % :y"),
    Attribute("notes", text=""),
    Attribute("temperature", 36.6, unit="C"),
)


def raw(recording: str, file: str = "a.bin", version: str = "v1") -> StoredObject:
    return StoredObject(f"{recording}/{file}", "raw", 10, "0" * 64, version)


def made(recording: str, step: str = "copy-1", file: str = "a.bin") -> StoredObject:
    return StoredObject(f"{recording}/{step}/{file}", "processed", 10, None, "p1", step, "v1")


def settle(catalogue: Catalogue, name: str, *attributes: Attribute, files: int = 1) -> None:
    objects = [raw(name, f"{i}.bin") for i in range(files)]
    catalogue.settle(name, TIME, attributes, objects)


def names(catalogue: Catalogue, *wheres: str) -> list[str]:
    page, _ = catalogue.find(Query(conditions=parse_conditions(wheres)))
    return [recording.recording for recording in page]


class TestStates:
    def test_a_claim_belongs_to_one_device(self, any_catalogue: Catalogue) -> None:
        first = any_catalogue.claim("r", "rig-1")
        assert (first.state, first.device) == ("incomplete", "rig-1")
        assert any_catalogue.claim("r", "rig-1") == first
        with pytest.raises(Conflict, match="another device"):
            any_catalogue.claim("r", "rig-2")

    def test_a_recording_that_events_announced_can_be_claimed(
        self, any_catalogue: Catalogue
    ) -> None:
        any_catalogue.hold("r", "incomplete", "waiting for manifest.json")
        claimed = any_catalogue.claim("r", "rig-1")
        assert (claimed.device, claimed.reason) == ("rig-1", "waiting for manifest.json")

    def test_all_that_is_known_comes_back(self, any_catalogue: Catalogue) -> None:
        any_catalogue.claim("r", "rig-1")
        assert any_catalogue.settle("r", TIME, ATTRIBUTES, [raw("r"), raw("r", "b.bin")])
        found = any_catalogue.get("r")
        assert found is not None
        assert (found.state, found.reason, found.device) == ("complete", None, "rig-1")
        assert found.recorded_at == TIME
        assert found.attributes == ATTRIBUTES
        assert found.objects == (raw("r"), raw("r", "b.bin"))

    def test_what_nobody_knows_is_none(self, any_catalogue: Catalogue) -> None:
        assert any_catalogue.get("nope") is None
        assert any_catalogue.summaries([]) == {}
        assert any_catalogue.objects_of([]) == {}

    def test_more_rows_than_one_insert_takes(self, any_catalogue: Catalogue) -> None:
        attributes = [Attribute(f"key {i:03}", float(i)) for i in range(95)]
        any_catalogue.settle("r", None, attributes, [raw("r", f"{i:03}") for i in range(95)])
        found = any_catalogue.get("r")
        assert found is not None
        assert found.recorded_at is None
        assert list(found.attributes) == attributes
        assert len(found.objects) == 95

    def test_older_events_change_nothing_settled(self, any_catalogue: Catalogue) -> None:
        any_catalogue.settle("r", TIME, ATTRIBUTES, [raw("r")])
        before = any_catalogue.get("r")
        any_catalogue.hold("r", "incomplete", "waiting for b.bin")
        any_catalogue.hold("r", "quarantined", "broken", again=True)
        assert not any_catalogue.settle("r", None, [], [])
        assert any_catalogue.get("r") == before

    def test_quarantine_ends_by_completion_or_on_request(self, any_catalogue: Catalogue) -> None:
        any_catalogue.hold("r", "quarantined", "broken")
        assert any_catalogue.hold("r", "incomplete", "waits").state == "quarantined"
        assert any_catalogue.hold("r", "quarantined", "worse").reason == "worse"
        assert any_catalogue.hold("r", "incomplete", "waits", again=True).state == "incomplete"
        any_catalogue.hold("r", "quarantined", "broken")
        assert any_catalogue.settle("r", TIME, ATTRIBUTES, [raw("r")])
        assert any_catalogue.summaries(["r"])["r"].state == "complete"

    def test_reasons_are_cut_and_cleaned(self, any_catalogue: Catalogue) -> None:
        after = any_catalogue.hold("r", "quarantined", "a\x00b\ud800" + "x" * 5000)
        assert after.reason is not None
        assert after.reason.startswith("a\\0b\\ud800x")
        assert len(after.reason) == 2000
        assert any_catalogue.summaries(["r"])["r"].reason == after.reason

    def test_processing(self, any_catalogue: Catalogue) -> None:
        any_catalogue.add_processed("r", [made("r")], finished=True)
        assert any_catalogue.get("r") is None
        any_catalogue.settle("r", TIME, [], [raw("r")])
        any_catalogue.explain("r", "job failed")
        assert any_catalogue.summaries(["r"])["r"].reason == "job failed"
        any_catalogue.add_processed("r", [made("r")], finished=False)
        assert any_catalogue.summaries(["r"])["r"].state == "complete"
        newer = replace(made("r"), version_id="p2")
        any_catalogue.add_processed("r", [newer], finished=True)
        found = any_catalogue.get("r")
        assert found is not None
        assert (found.state, found.reason) == ("processed", None)
        assert found.objects == (raw("r"), newer)
        any_catalogue.explain("r", "too late")
        assert any_catalogue.summaries(["r"])["r"].reason is None

    def test_the_age_of_an_incomplete_recording_counts_from_its_start(
        self, any_catalogue: Catalogue
    ) -> None:
        any_catalogue.hold("r", "incomplete", "waiting for a.bin")
        with connect() as connection:
            connection.execute("update recording set changed_at = now() - interval '2 days'")
        any_catalogue.hold("r", "incomplete", "waiting for b.bin")
        any_catalogue.hold("young", "incomplete", "waiting for b.bin")
        day_ago = datetime.now(UTC) - timedelta(days=1)
        assert any_catalogue.waiting_since(day_ago) == 1

    def test_five_equal_events_at_once_have_one_effect(self, empty_tables: None) -> None:
        start = threading.Barrier(5)

        def deliver(_: int) -> bool:
            catalogue = Catalogue(postgresql_engine())
            catalogue.summaries(["r"])
            start.wait()
            return catalogue.settle("r", TIME, ATTRIBUTES, [raw("r")])

        with ThreadPoolExecutor(5) as pool:
            assert sorted(pool.map(deliver, range(5))) == [False] * 4 + [True]
        with connect() as connection:
            rows = connection.execute("select count(*) from attribute").fetchone()
        assert rows == (len(ATTRIBUTES),)


class TestFind:
    @pytest.fixture(autouse=True)
    def recordings(self, any_catalogue: Catalogue) -> None:
        for i in range(6):
            attributes = [Attribute("n", float(i)), Attribute("model", text=f"m{i % 2}")]
            if i == 3:
                attributes += [Attribute("long", text="é" * 4096), Attribute("odd", text="it's")]
            any_catalogue.claim(f"r{i}", f"rig-{i % 2}")
            any_catalogue.settle(f"r{i}", TIME + timedelta(days=i), attributes, [raw(f"r{i}")])
        any_catalogue.hold("waiting", "incomplete", "waits")

    @pytest.mark.parametrize(
        ("wheres", "expected"),
        [
            ([], "012345"),
            (["n = 3"], "3"),
            (["n != 3"], "01245"),
            (["n < 2"], "01"),
            (["n <= 2"], "012"),
            (["n > 3"], "45"),
            (["n >= 3", "model = m1"], "35"),
            (["model = m0"], "024"),
            (["model != m0"], "135"),
            (["model contains 1"], "135"),
            (["model contains %"], ""),
            (["long exists"], "3"),
            ([f"long = {'é' * 4096}"], "3"),
            ([f"long = {'é' * 200}"], ""),
            (['odd = "it\'s"'], "3"),
            (["odd = \"it's'; drop table recording; --\""], ""),
            (["unknown = 3"], ""),
            (["unknown exists"], ""),
            (["n = 1", "n = 2"], ""),
        ],
    )
    def test_conditions(self, any_catalogue: Catalogue, wheres: list[str], expected: str) -> None:
        assert names(any_catalogue, *wheres) == [f"r{i}" for i in expected]

    @pytest.mark.parametrize(
        ("where", "message"),
        [("n = three", "'n' holds numbers"), ("model = 3", "'model' holds text")],
    )
    def test_a_type_clash_is_an_error(
        self, any_catalogue: Catalogue, where: str, message: str
    ) -> None:
        with pytest.raises(InputError, match=message):
            names(any_catalogue, where)

    def test_filters_and_pages(self, any_catalogue: Catalogue) -> None:
        seen: list[str] = []
        query = Query(limit=2)
        while True:
            page, behind = any_catalogue.find(query)
            seen += [recording.recording for recording in page]
            if behind is None:
                break
            query = replace(query, after=behind)
        assert seen == [f"r{i}" for i in range(6)]
        some = Query(since=TIME + timedelta(days=1), until=TIME + timedelta(days=3))
        assert [r.recording for r in any_catalogue.find(some)[0]] == ["r1", "r2"]
        own = Query(device="rig-1", states=("complete", "incomplete"))
        assert [r.recording for r in any_catalogue.find(own)[0]] == ["r1", "r3", "r5"]
        waiting, _ = any_catalogue.find(Query(states=("incomplete",)))
        assert [r.reason for r in waiting] == ["waits"]

    def test_objects_are_paged_within_and_across_recordings(self, any_catalogue: Catalogue) -> None:
        any_catalogue.add_processed(
            "r1", [made("r1", file=f"{i}.bin") for i in range(5)], finished=True
        )
        any_catalogue.add_processed("r4", [made("r4")], finished=True)
        seen: list[str] = []
        query, key = Query(limit=2), ""
        while True:
            page, behind = any_catalogue.find_objects(query, "processed", key)
            seen += [stored.key for _, stored in page]
            if behind is None:
                break
            query, key = replace(query, after=behind[0]), behind[1]
        assert seen == [f"r1/copy-1/{i}.bin" for i in range(5)] + ["r4/copy-1/a.bin"]
        only = Query(recordings=("r2", "r4"))
        page, _ = any_catalogue.find_objects(only, "raw")
        assert [name for name, _ in page] == ["r2", "r4"]

    def test_a_long_way_to_the_next_object_is_walked_in_steps(
        self, any_catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(search, "MOST_ROUNDS", 2)
        page, behind = any_catalogue.find_objects(Query(limit=1), "processed")
        assert (page, behind) == ([], ("r1", ""))


class TestManyRecordings:
    """Each way of putting a condition finds what Python finds."""

    COUNT = 1500

    @pytest.fixture
    def many(self, empty_tables: None) -> Catalogue:
        with connect() as connection:
            connection.autocommit = False
            load_recordings(connection, postgresql_engine(), 0, self.COUNT)
        return Catalogue(postgresql_engine())

    def test_rare_and_common_conditions(self, many: Catalogue) -> None:
        tests: dict[str, Callable[[dict[str, float | str | None]], bool]] = {
            "trial_count >= 3": lambda a: float(a["trial_count"] or 0) >= 3,
            "trial_count < 3": lambda a: float(a["trial_count"] or 0) < 3,
            "notes contains seizure": lambda a: "seizure" in str(a["notes"]),
            "serial contains 0000123": lambda a: "0000123" in str(a["serial"]),
            "serial != SN-00000000": lambda a: a["serial"] != "SN-00000000",
            "hardware = Tetrode": lambda a: a["hardware"] == "Tetrode",
        }
        for where, holds in tests.items():
            expected = sum(
                holds({name: number if text is None else text for name, number, text, _ in held})
                for held in map(attributes_of, range(self.COUNT))
            )
            found, query = 0, Query(conditions=parse_conditions([where]), limit=200)
            while True:
                page, behind = many.find(query)
                found += len(page)
                if behind is None:
                    break
                query = replace(query, after=behind)
            assert found == expected, where
