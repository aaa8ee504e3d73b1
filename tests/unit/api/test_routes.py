import base64
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from glue.api import services
from glue.recordings.catalogue import Catalogue
from glue.recordings.catalogue.engine import CatalogueError
from glue.recordings.ingest import Ingest, ingest_messages
from glue.recordings.manifest import MEBIBYTE
from glue.recordings.records import Attribute, StoredObject
from lambdas.serve_api.handler import handler
from tests.unit.api.requests import call, gateway_event
from tests.unit.recordings.fixtures import PROCESSED, RAW, Cloud
from tests.unit.recordings.samples import (
    Context,
    entry,
    put,
    put_recording,
    s3_event,
    sqs_event,
)

pytestmark = pytest.mark.usefixtures("cloud", "catalogue")
RIG: dict[str, Any] = {"user": "rig-1", "groups": ["shippers"]}
OTHER_RIG: dict[str, Any] = {"user": "rig-2", "groups": "[shippers]"}
OPERATOR: dict[str, Any] = {"user": "op", "groups": "operators,researchers"}


def ask(method: str, path: str, **more: Any) -> tuple[int, Any]:
    return call(handler, gateway_event(method, path, **more))


def ship(recording: str = "r") -> None:
    assert ask("POST", "/recordings", body={"recording": recording}, **RIG)[0] == 200


def take_in(cloud: Cloud, catalogue: Catalogue, recording: str = "r") -> None:
    put_recording(cloud.s3, RAW, recording)
    ingest = Ingest(cloud.s3, RAW, catalogue, cloud.sqs, cloud.preprocess_queue)
    event = sqs_event(s3_event(RAW, f"{recording}/a.bin"))
    ingest_messages(ingest, event, Context())
    made = StoredObject(
        f"{recording}/copy-1/a.bin", "processed", 20, "0" * 64, "p1", "copy-1", "v1"
    )
    catalogue.add_processed(recording, [made], finished=True)


class TestShipping:
    def test_claim(self) -> None:
        answer = ask("POST", "/recordings", body={"recording": "r"}, **RIG)
        claimed = {"recording": "r", "state": "incomplete", "device": "rig-1"}
        assert answer == (200, claimed)
        assert ask("POST", "/recordings", body={"recording": "r"}, **RIG) == (200, claimed)
        status, error = ask("POST", "/recordings", body={"recording": "r"}, **OTHER_RIG)
        assert (status, error["code"], error["field"]) == (409, "conflict", "recording")

    @pytest.mark.parametrize("name", ["", "..", "a/b", "a\x00", "x" * 300, "ä", "\ud800"])
    def test_bad_names(self, name: str) -> None:
        status, error = ask("POST", "/recordings", body={"recording": name}, **RIG)
        assert (status, error["field"]) == (400, "recording")

    def test_a_small_file(self, cloud: Cloud) -> None:
        ship()
        body = entry("a.bin", b"hello").model_dump(mode="json")
        status, answer = ask("POST", "/recordings/r/files", body=body, **RIG)
        assert (status, answer["state"], answer["upload_id"]) == (200, "upload", None)
        assert answer["urls"][0]["headers"]["If-None-Match"] == "*"
        version = put(cloud.s3, RAW, "r/a.bin", b"hello")
        status, answer = ask("POST", "/recordings/r/files", body=body, **RIG)
        assert (status, answer["state"], answer["version_id"]) == (200, "stored", version)
        body["sha256"] = body["parts"][0] = "0" * 64
        assert ask("POST", "/recordings/r/files", body=body, **RIG)[0] == 409
        assert ask("POST", "/recordings/r/files", body=body, **OTHER_RIG)[0] == 404

    def test_a_large_file(self) -> None:
        ship()
        file = entry("a.bin", b"x" * (9 * MEBIBYTE), 8 * MEBIBYTE).model_dump(mode="json")
        status, answer = ask("POST", "/recordings/r/files", body=file, **RIG)
        assert (status, [part["number"] for part in answer["urls"]]) == (200, [1, 2])
        complete = {k: file[k] for k in ("name", "sha256", "part_size", "parts")}
        complete["upload_id"] = answer["upload_id"]
        status, error = ask("POST", "/recordings/r/files/complete", body=complete, **RIG)
        assert (status, error["code"]) == (409, "parts_missing")

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"size": -1}, "size"),
            ({"size": "big"}, "size"),
            ({"size": 10**30}, "size"),
            ({"sha256": "x"}, "sha256"),
            ({"parts": []}, "parts"),
            ({"parts": ["x"]}, "parts.0"),
            ({"part_size": 1}, "part_size"),
            ({"name": "a/b"}, "name"),
            ({"extra": 1}, "extra"),
        ],
    )
    def test_bad_files(self, change: dict[str, Any], field: str) -> None:
        ship()
        body = entry("a.bin", b"hello").model_dump(mode="json") | change
        status, error = ask("POST", "/recordings/r/files", body=body, **RIG)
        assert (status, error["field"]) == (400, field)

    def test_failures_are_counted(self, capsys: pytest.CaptureFixture[str]) -> None:
        body = {"recording": "any text", "reason": "disk gone"}
        assert ask("POST", "/failures", body=body, **RIG) == (202, {"recording": "any text"})
        assert '"ShipFailures":[1.0]' in capsys.readouterr().out


class TestFinding:
    def test_find_and_show(self, cloud: Cloud, catalogue: Catalogue) -> None:
        ship()
        take_in(cloud, catalogue)
        status, found = ask("GET", "/recordings", query={"where": ["subject_fatigue >= 3"]})
        assert (status, found["next"]) == (200, None)
        (recording,) = found["recordings"]
        assert recording["state"] == "processed"
        assert recording["device"] == "rig-1"
        assert recording["attributes"] == {
            "hardware": "Neuropixels 2.0",
            "subject_fatigue": 3,
            "temperature": 36.6,
        }
        assert recording["units"] == {"temperature": "C"}
        assert [o["key"] for o in recording["objects"]] == [
            "r/a.bin",
            "r/b.bin",
            "r/copy-1/a.bin",
            "r/manifest.json",
            "r/session.txt",
        ]
        assert ask("GET", "/recordings/r") == (200, recording)
        assert ask("GET", "/recordings/r", **RIG) == (200, recording)
        assert ask("GET", "/recordings/r", **OTHER_RIG)[0] == 404
        assert ask("GET", "/recordings", **OTHER_RIG)[1]["recordings"] == []
        assert len(ask("GET", "/recordings", **RIG)[1]["recordings"]) == 1

    def test_pages(self, catalogue: Catalogue) -> None:
        for i in range(5):
            catalogue.settle(f"r{i}", None, [Attribute("n", float(i))], [])
        seen: list[str] = []
        query = {"limit": ["2"], "where": ["n >= 0"]}
        while True:
            status, page = ask("GET", "/recordings", query=query)
            assert status == 200
            seen += [recording["recording"] for recording in page["recordings"]]
            if page["next"] is None:
                break
            query["cursor"] = [page["next"]]
        assert seen == [f"r{i}" for i in range(5)]
        query["where"] = ["n >= 1"]
        status, error = ask("GET", "/recordings", query=query)
        assert (status, error["field"]) == (400, "cursor")

    def test_states(self, catalogue: Catalogue) -> None:
        catalogue.hold("r", "quarantined", "broken")
        catalogue.hold("s", "incomplete", "waits")
        assert ask("GET", "/recordings")[1]["recordings"] == []
        asked = {"state": ["quarantined", "incomplete"]}
        found = ask("GET", "/recordings", query=asked)[1]["recordings"]
        assert [(r["recording"], r["reason"]) for r in found] == [("r", "broken"), ("s", "waits")]

    def test_times(self, catalogue: Catalogue, cloud: Cloud) -> None:
        take_in(cloud, catalogue, "20210228_161221")
        query = {"since": ["2021-02-28T17:12:21+01:00"], "until": ["2021-03-01"]}
        (found,) = ask("GET", "/recordings", query=query)[1]["recordings"]
        assert found["recorded_at"] == "2021-02-28T16:12:21Z"

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"where": ["a ~ 1"]}, "where"),
            ({"where": ["a = 'x"]}, "where"),
            ({"where": ["a = 1"] * 21}, "where"),
            ({"where": ["n = text"]}, "where"),
            ({"where": ["t = 1"]}, "where"),
            ({"since": ["noon"]}, "since"),
            ({"until": [""]}, "until"),
            ({"state": ["done"]}, "state"),
            ({"limit": ["0"]}, "limit"),
            ({"limit": ["201"]}, "limit"),
            ({"limit": ["many"]}, "limit"),
            ({"limit": ["9" * 5000]}, "limit"),
            ({"cursor": ["tampered"]}, "cursor"),
        ],
    )
    def test_bad_questions(
        self, catalogue: Catalogue, query: dict[str, list[str]], field: str
    ) -> None:
        catalogue.settle("r", None, [Attribute("n", 1.0), Attribute("t", text="x")], [])
        status, error = ask("GET", "/recordings", query=query)
        assert (status, error["field"]) == (400, field)

    def test_unknown_recordings(self) -> None:
        assert ask("GET", "/recordings/nope")[0] == 404
        assert ask("GET", "/recordings/a..b")[0] == 400


class TestObjects:
    def test_find_and_presign(self, cloud: Cloud, catalogue: Catalogue) -> None:
        take_in(cloud, catalogue)
        status, found = ask("GET", "/objects", query={"where": ["subject_fatigue = 3"]})
        assert status == 200
        (stored,) = found["objects"]
        assert stored["s3_url"] == f"s3://{PROCESSED}/r/copy-1/a.bin"
        assert (stored["bucket"], stored["url"], stored["step"]) == (PROCESSED, None, "copy-1")
        query = {"kind": ["raw"], "presign": ["true"], "recording": ["r"], "limit": ["3"]}
        page = ask("GET", "/objects", query=query)[1]
        url = httpx.URL(page["objects"][0]["url"])
        assert url.host == f"{RAW}.s3.eu-central-1.amazonaws.com"
        assert url.params["versionId"] == page["objects"][0]["version_id"]
        query["cursor"] = [page["next"]]
        rest = ask("GET", "/objects", query=query)[1]
        assert len(page["objects"]) + len(rest["objects"]) == 4
        assert rest["next"] is None
        status, answer = ask("POST", "/objects/presign", body={"objects": page["objects"]})
        assert status == 200
        assert [o["key"] for o in answer["objects"]] == [o["key"] for o in page["objects"]]
        assert all(o["url"] for o in answer["objects"])

    def test_only_what_the_catalogue_knows(self, cloud: Cloud, catalogue: Catalogue) -> None:
        take_in(cloud, catalogue)
        stored = {"recording": "r", "key": "r/a.bin", "kind": "raw", "version_id": "other"}
        assert ask("POST", "/objects/presign", body={"objects": [stored]})[0] == 404
        assert ask("POST", "/objects/presign", body={"objects": []})[0] == 400
        many = {"objects": [stored] * 201}
        assert ask("POST", "/objects/presign", body=many)[1]["field"] == "objects"
        assert ask("GET", "/objects", query={"recording": ["a/b"]})[0] == 400
        assert ask("GET", "/objects", query={"kind": ["odd"]})[1]["field"] == "kind"

    def test_without_a_version(self, cloud: Cloud, catalogue: Catalogue) -> None:
        catalogue.settle("r", None, [], [StoredObject("r/a.bin", "raw", 1, None, None)])
        body = {"objects": [{"recording": "r", "key": "r/a.bin", "kind": "raw"}]}
        status, answer = ask("POST", "/objects/presign", body=body)
        assert status == 200
        assert "versionId" not in answer["objects"][0]["url"]


class TestReplay:
    def test_operators_only(self, cloud: Cloud, catalogue: Catalogue) -> None:
        catalogue.hold("r", "quarantined", "broken")
        put(cloud.s3, RAW, "unknown-to-the-catalogue/a.bin", b"x")
        assert ask("POST", "/recordings/r/replay", **OPERATOR) == (202, {"recording": "r"})
        path = "/recordings/unknown-to-the-catalogue/replay"
        assert ask("POST", path, **OPERATOR)[0] == 202
        assert cloud.messages(cloud.ingest_queue)[0] == {"recording": "r", "again": True}
        assert ask("POST", "/recordings/nope/replay", **OPERATOR)[0] == 404
        assert ask("POST", "/recordings/r/replay")[0] == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "allowed"),
    [
        ("POST", "/recordings", {"recording": "r"}, {"shippers"}),
        (
            "POST",
            "/recordings/r/files",
            entry("a", b"x").model_dump(mode="json"),
            {"shippers"},
        ),
        (
            "POST",
            "/recordings/r/files/complete",
            entry("a", b"x").model_dump(mode="json", exclude={"size"}) | {"upload_id": "u"},
            {"shippers"},
        ),
        ("POST", "/failures", {"recording": "r", "reason": "x"}, {"shippers"}),
        ("GET", "/recordings", None, {"shippers", "researchers", "operators"}),
        ("GET", "/recordings/r", None, {"shippers", "researchers", "operators"}),
        ("GET", "/objects", None, {"researchers", "operators"}),
        (
            "POST",
            "/objects/presign",
            {"objects": [{"recording": "r", "key": "r/a", "kind": "raw"}]},
            {"researchers", "operators"},
        ),
        ("POST", "/recordings/r/replay", None, {"operators"}),
    ],
)
def test_groups_decide(method: str, path: str, body: object, allowed: set[str]) -> None:
    for group in ("shippers", "researchers", "hosts", "operators", "", "shippers-not"):
        status, error = ask(method, path, body=body, user="u", groups=[group])
        assert (status == 403) == (group not in allowed), (group, error)
    assert ask(method, path, body=body, user=None)[0] == 401


class TestOddRequests:
    def test_unknown_routes(self) -> None:
        for method, path in (("GET", "/nope"), ("PUT", "/recordings"), ("GET", "/")):
            assert ask(method, path)[0] == 404
        assert ask("GET", "/recordings/a/b/c")[0] == 404

    @pytest.mark.parametrize(
        "body",
        [
            "{",
            "",
            "[]",
            "null",
            "3",
            '"x"',
            "[" * 100_000,
            '{"recording": NaN}',
            "1" * 9999,
            "\ud800",
        ],
    )
    def test_bad_bodies(self, body: str) -> None:
        assert ask("POST", "/recordings", raw_body=body, **RIG)[0] == 400

    def test_bodies_in_base64(self) -> None:
        event = gateway_event("POST", "/recordings", **RIG)
        event["isBase64Encoded"] = True
        event["body"] = base64.b64encode(b'{"recording": "r"}').decode()
        assert call(handler, event)[0] == 200
        for body in ("%%%", base64.b64encode(b"\xff").decode()):
            assert call(handler, event | {"body": body})[0] == 400
        assert call(handler, event | {"body": "A" * (7 * MEBIBYTE)})[0] == 400

    def test_any_content_type_is_read_as_json(self) -> None:
        event = gateway_event("POST", "/recordings", body={"recording": "r"}, **RIG)
        for kind in ("multipart/form-data", "application/x-www-form-urlencoded", "", "a/b"):
            event["headers"] = {"content-type": kind}
            assert call(handler, event)[0] == 200
        event["headers"] = event["multiValueHeaders"] = None
        assert call(handler, event)[0] == 200

    def test_faults_of_ours_tell_nothing(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail() -> Catalogue:
            raise RuntimeError("password is hunter2")

        monkeypatch.setattr("glue.api.finding.catalogue", fail)
        status, error = ask("GET", "/recordings")
        assert (status, error["code"]) == (500, "internal")
        assert "hunter2" not in json.dumps(error)
        assert "request failed" in [record.message for record in caplog.records]

        def sleep() -> Catalogue:
            raise CatalogueError("asleep")

        monkeypatch.setattr("glue.api.finding.catalogue", sleep)
        assert ask("GET", "/recordings")[0] == 503

    def test_the_lifetime_of_urls_is_a_setting(self) -> None:
        assert services.uploads().url_lifetime == 900
        assert replace(services.uploads(), url_lifetime=1).bucket == RAW
