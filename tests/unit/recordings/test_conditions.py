"""Each way to search finds what Python finds, in pages, and is taken when it should be."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from glue.recordings.catalogue import Catalogue, conditions, search
from glue.recordings.catalogue.conditions import group_conditions
from glue.recordings.catalogue.engine import Statement
from glue.recordings.catalogue.schema import INDEXED_LENGTH
from glue.recordings.catalogue.statements import find_recordings
from glue.recordings.query import Query, parse_conditions
from glue.recordings.records import Attribute, StoredObject
from tests.unit.recordings.fixtures import connect, postgresql_engine, redshift_engine

COUNT = 240
MODELS = ("a", "b", "c" * 100, "c" * 101, "c" * 101 + "d")
Held = dict[str, float | str]


def held_by(number: int) -> Held:
    """Return the attributes of a recording; every seventh has text where others have numbers."""
    held: Held = {
        "serial": float(number),
        "half": float(number % 2),
        "model": MODELS[number % 5],
        "mixed": f"text {number}" if number % 7 == 0 else float(number),
        "notes": f"run {number} " + "é" * (number % 3 * 90),
    }
    if number % 40 == 0:
        held["seldom"] = "yes" if number else "x" * 4096
    return held


def number_of(value: float | str | None) -> float:
    return value if isinstance(value, float) else float("nan")


ASKED: dict[tuple[str, ...], Callable[[Held], bool]] = {
    ("serial >= 100", "serial < 130"): lambda h: 100 <= number_of(h["serial"]) < 130,
    ("serial >= 100", "serial < 100"): lambda h: False,
    ("serial != 7",): lambda h: h["serial"] != 7,
    ("half = 1", "serial > 200"): lambda h: h["half"] == 1 and number_of(h["serial"]) > 200,
    ("half = 1", "model = a", "serial >= 50", "notes contains 5"): lambda h: (
        h["half"] == 1
        and h["model"] == "a"
        and number_of(h["serial"]) >= 50
        and "5" in str(h["notes"])
    ),
    ("half = 0", "half = 1"): lambda h: False,
    ("half exists", "half = 1", "half = 1"): lambda h: h["half"] == 1,
    (f"model = {MODELS[2]}",): lambda h: h["model"] == MODELS[2],
    (f"model = {MODELS[3]}",): lambda h: h["model"] == MODELS[3],
    (f"model = {MODELS[4]}", "half = 0"): lambda h: h["model"] == MODELS[4] and h["half"] == 0,
    ("model != a", "model != b"): lambda h: h["model"] not in {"a", "b"},
    ("model contains cd",): lambda h: "cd" in str(h["model"]),
    ("model contains c", "notes contains 'run 1'"): lambda h: (
        "c" in str(h["model"]) and "run 1" in str(h["notes"])
    ),
    ("model contains b", "half exists"): lambda h: h["model"] == "b",
    ("notes contains éé", "model != a"): lambda h: "éé" in str(h["notes"]) and h["model"] != "a",
    ("mixed >= 100",): lambda h: number_of(h["mixed"]) >= 100,
    ("mixed contains text",): lambda h: isinstance(h["mixed"], str),
    ("mixed != 'text 7'", "half exists"): lambda h: (
        isinstance(h["mixed"], str) and h["mixed"] != "text 7"
    ),
    ("mixed > 10", "mixed contains text"): lambda h: False,
    ("seldom exists", "half = 0"): lambda h: "seldom" in h,
    ("seldom contains xx",): lambda h: "xx" in str(h.get("seldom")),
    ("half exists", "seldom != yes"): lambda h: h.get("seldom", "yes") != "yes",
}


@pytest.fixture(scope="module")
def loaded() -> Iterator[Catalogue]:
    catalogue = Catalogue(postgresql_engine())
    catalogue.get("r")  # makes the tables
    with connect() as connection:
        connection.execute("truncate recording, attribute, object")
        with connection.cursor() as cursor:
            columns = "recording, device, state, recorded_at, changed_at"
            with cursor.copy(f"copy recording ({columns}) from stdin".encode()) as rows:
                for n in range(COUNT):
                    moment = datetime(2021, 3, 1 + n % 20, tzinfo=UTC)
                    state = "incomplete" if n % 30 == 29 else "processed"
                    rows.write_row((f"r{n:03}", "rig", state, moment, moment))
            with cursor.copy("copy attribute (recording, name, number, text) from stdin") as rows:
                for n in range(COUNT):
                    for name, value in held_by(n).items():
                        pair = (None, value) if isinstance(value, str) else (value, None)
                        rows.write_row((f"r{n:03}", name, *pair))
        connection.execute("vacuum analyze")
    yield catalogue
    with connect() as connection:
        connection.execute("truncate recording, attribute, object")


def every_page(catalogue: Catalogue, query: Query) -> list[str]:
    found: list[str] = []
    while True:
        page, behind = catalogue.find(query)
        found += [recording.recording for recording in page]
        if behind is None:
            return found
        query = replace(query, after=behind)


@pytest.mark.parametrize(
    ("rare", "per_result"),
    [(1000, 40), (1, 1000), (1, 1), (30, 2)],
    ids=["start", "walk", "gather", "each"],
)
@pytest.mark.parametrize("wheres", ASKED, ids=lambda wheres: " & ".join(wheres)[:50])
def test_every_way_finds_the_same(
    loaded: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    wheres: tuple[str, ...],
    rare: int,
    per_result: int,
) -> None:
    monkeypatch.setattr(conditions, "RARE", rare)
    monkeypatch.setattr(conditions, "COMMON", 2 * rare)
    monkeypatch.setattr(search, "WALK_PER_RESULT", per_result)
    findable = [n for n in range(COUNT) if n % 30 != 29]
    expected = [f"r{n:03}" for n in findable if ASKED[wheres](held_by(n))]
    query = Query(conditions=parse_conditions(wheres), limit=7)
    assert every_page(loaded, query) == expected
    since, until = datetime(2021, 3, 5, tzinfo=UTC), datetime(2021, 3, 9, tzinfo=UTC)
    some = [name for name in expected if 4 <= int(name[1:]) % 20 < 8]
    assert every_page(loaded, replace(query, since=since, until=until)) == some


@pytest.mark.parametrize(
    ("wheres", "rare", "expected"),
    [
        ([], 1000, []),
        (["serial = 1000"], 1000, []),
        (["serial = 3", "half = 1"], 1000, ["start"]),
        (["half = 1"], 10, ["walk"]),
        (["notes contains 'run 239'"], 10, ["walk", "gather"]),
    ],
)
def test_the_way_depends_on_how_many_match(
    loaded: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    wheres: list[str],
    rare: int,
    expected: list[str],
) -> None:
    taken: list[str] = []

    def note(name: str) -> None:
        way: Callable[..., conditions.Way] = getattr(conditions, name)

        def noted(*given: object) -> conditions.Way:
            taken.append(name)
            return way(*given)

        monkeypatch.setattr(conditions, name, noted)

    for name in ("plain", "start", "walk", "gather"):
        note(name)
    monkeypatch.setattr(conditions, "RARE", rare)
    monkeypatch.setattr(search, "WALK_PER_RESULT", 10)
    query = Query(conditions=parse_conditions(wheres), limit=5)
    loaded.find(query)
    assert taken == expected
    taken.clear()
    Catalogue(redshift_engine()).find(query)
    assert taken == (["plain"] if wheres else [])


def gathered_of(way: conditions.Way) -> set[object]:
    (kept,) = way.kept
    return {value for name, value in kept.parameters.items() if name.startswith("name")}


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([30_000, 30_001, 20_000, 30_001], {"a", "c"}),
        ([30_001, 30_001, 30_001, 30_001], {"a", "c"}),  # what an index helps with comes first
        ([30_001, 25_000, 30_001, 30_001], {"b", "a"}),
        ([30_001, 12, 30_001, 30_001], {"b"}),
    ],
)
def test_the_rarest_are_gathered_and_the_rest_is_checked(
    counts: list[int], expected: set[object]
) -> None:
    groups = group_conditions(
        parse_conditions(["a > 1", "b contains x", "c = y", "a < 9", "d exists"])
    )
    assert [group.name for group in groups] == ["a", "b", "c", "d"]
    assert [c.operator for c in groups[0].conditions] == [">", "<"]
    way = conditions.gather(groups, counts)
    assert gathered_of(way) == expected
    checked = {
        where.parameters[name]
        for where in way.checks
        for name in where.parameters
        if "name" in name
    }
    assert checked == {"a", "b", "c", "d"} - expected


def test_a_sample_tells_how_many_hold_what_no_index_helps_with() -> None:
    groups = group_conditions(parse_conditions(["a > 1", "b contains x", "c != y", "d exists"]))
    row = {"count0": 5000, "count1": 30_001, "sampled1": 2, "count2": 9000, "sampled2": 900}
    assert conditions.estimates(groups, row | {"count3": 7}) == [5000, 60, 9000, 7]
    loaded_row = conditions.weigh_common(groups)
    assert loaded_row.text.count(" as sampled") == 2


def test_a_check_looks_up_one_row(loaded: Catalogue) -> None:
    """Were it to use the index on values, it would read all of a range for each recording."""
    groups = group_conditions(parse_conditions(["serial >= 0", "half = 1", "model = a"]))
    statement = find_recordings(Query(), conditions.walk(groups, 100), 51)
    explained = Statement(f"explain {statement.text}", statement.parameters)
    plan = "\n".join(str(row["QUERY PLAN"]) for row in loaded._rows(explained))
    assert plan.count("attribute_pkey") == 3
    assert "attribute_by" not in plan


def test_a_text_of_the_indexed_length_is_found_whole() -> None:
    short, long = ("x" * length for length in (INDEXED_LENGTH, INDEXED_LENGTH + 1))
    for text, parameters in ((short, 2), (long, 3)):
        (group,) = group_conditions(parse_conditions([f"model = {text}"]))
        (where,) = conditions.walk([group], 9).checks
        assert len(where.parameters) == parameters


def test_recordings_that_arrive_meanwhile_do_not_push_others_out(loaded: Catalogue) -> None:
    """A search that starts from the rarest keeps room for more than were counted."""
    groups = group_conditions(parse_conditions(["serial < 20"]))
    way = conditions.start(groups, [1])
    found = loaded._rows(find_recordings(Query(), way, 50))
    assert [row["recording"] for row in found] == [f"r{n:03}" for n in range(20)]


def test_written_attributes_are_found_by_every_index(loaded: Catalogue) -> None:
    attributes = [Attribute("later", text="z" * 4096), Attribute("sooner", text="z")]
    loaded.settle("settled", None, attributes, [StoredObject("k", "raw", 1, None, "v")])
    for where in (f"later = {'z' * 4096}", "later contains zz", "sooner = z", "sooner != y"):
        page, _ = loaded.find(Query(conditions=parse_conditions([where])))
        assert [recording.recording for recording in page] == ["settled"], where[:20]
