import base64
import hashlib
from typing import Any

import httpx
import pytest

from glue import aws
from glue.errors import Conflict, InputError, NotFound
from glue.recordings import raw
from glue.recordings.catalogue import Catalogue
from glue.recordings.manifest import MEBIBYTE, FileEntry, stored_checksum, to_base64
from glue.recordings.models import CompleteRequest
from glue.recordings.uploads import MOST_URLS, Uploads
from tests.unit.recordings.fixtures import RAW, Cloud
from tests.unit.recordings.samples import entry, put

PART = 8 * MEBIBYTE


class PartsWithChecksums:
    """moto's S3, which forgets the checksums of parts and objects, made to remember them."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.sent: dict[tuple[str, int], bytes] = {}
        self.stored: dict[str, tuple[int, str, str]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send(self, upload_id: str, key: str, number: int, content: bytes) -> None:
        self._client.upload_part(
            Bucket=RAW, Key=key, UploadId=upload_id, PartNumber=number, Body=content
        )
        self.sent[upload_id, number] = hashlib.sha256(content).digest()

    def get_paginator(self, name: str) -> Any:
        paginator = self._client.get_paginator(name)
        if name != "list_parts":
            return paginator
        outer = self

        class Paginator:
            def paginate(self, **request: Any) -> list[dict[str, Any]]:
                pages = [dict(page) for page in paginator.paginate(**request)]
                for page in pages:
                    for part in page.get("Parts", []):
                        digest = outer.sent[request["UploadId"], part["PartNumber"]]
                        part["ChecksumSHA256"] = base64.b64encode(digest).decode()
                return pages

        return Paginator()

    def complete_multipart_upload(self, **request: Any) -> Any:
        parts = request["MultipartUpload"]["Parts"]
        answer = self._client.complete_multipart_upload(
            **{
                **request,
                "MultipartUpload": {
                    "Parts": [{k: p[k] for k in ("PartNumber", "ETag")} for p in parts]
                },
            }
        )
        joined = b"".join(base64.b64decode(part["ChecksumSHA256"]) for part in parts)
        checksum = base64.b64encode(hashlib.sha256(joined).digest()).decode()
        self.stored[request["Key"]] = (0, f"{checksum}-{len(parts)}", answer["VersionId"])
        return answer

    def head_object(self, **request: Any) -> Any:
        answer = self._client.head_object(**request)
        if request["Key"] in self.stored:
            answer["ChecksumSHA256"] = self.stored[request["Key"]][1]
        return answer


@pytest.fixture
def client(cloud: Cloud) -> PartsWithChecksums:
    return PartsWithChecksums(cloud.s3)


@pytest.fixture
def uploads(client: PartsWithChecksums, catalogue: Catalogue) -> Uploads:
    made = Uploads(client, RAW, catalogue, 900)  # type: ignore[arg-type]
    made.claim("r", "rig-1")
    return made


def completion(file: FileEntry, upload_id: str) -> CompleteRequest:
    return CompleteRequest(
        name=file.name,
        upload_id=upload_id,
        sha256=file.sha256,
        part_size=file.part_size,
        parts=list(file.parts),
    )


def test_a_small_file_is_one_put(uploads: Uploads) -> None:
    file = entry("a.bin", b"hello")
    answer = uploads.prepare("r", "rig-1", file)
    assert (answer.state, answer.upload_id, answer.stored) == ("upload", None, [])
    (part,) = answer.urls
    assert part.headers == {
        "If-None-Match": "*",
        "x-amz-checksum-sha256": to_base64(file.sha256),
        "Content-Length": "5",
    }
    signed = httpx.URL(part.url).params
    assert signed["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert signed["X-Amz-Expires"] == "900"
    assert signed["X-Amz-SignedHeaders"].split(";") == [
        "content-length",
        "host",
        "if-none-match",
        "x-amz-checksum-sha256",
    ]
    assert httpx.URL(part.url).host == f"{RAW}.s3.eu-central-1.amazonaws.com"


def test_an_empty_file_is_one_put(uploads: Uploads) -> None:
    assert len(uploads.prepare("r", "rig-1", entry("empty", b"")).urls) == 1


def test_what_is_stored_is_not_sent_again(uploads: Uploads, cloud: Cloud) -> None:
    file = entry("a.bin", b"hello")
    version = put(cloud.s3, RAW, "r/a.bin", b"hello")
    answer = uploads.prepare("r", "rig-1", file)
    assert (answer.state, answer.version_id) == ("stored", version)
    with pytest.raises(Conflict, match="other content"):
        uploads.prepare("r", "rig-1", entry("a.bin", b"jello"))
    with pytest.raises(Conflict, match="other content"):
        uploads.prepare("r", "rig-1", entry("a.bin", b"longer"))


def test_a_large_file_goes_on_where_it_stopped(
    uploads: Uploads, client: PartsWithChecksums
) -> None:
    content = b"x" * (2 * PART + 5)
    file = entry("big.bin", content, PART)
    first = uploads.prepare("r", "rig-1", file)
    assert first.upload_id
    assert [part.number for part in first.urls] == [1, 2, 3]
    assert first.urls[2].headers["Content-Length"] == "5"
    client.send(first.upload_id, "r/big.bin", 2, content[PART : 2 * PART])
    client.send(first.upload_id, "r/big.bin", 1, b"y" * PART)
    again = uploads.prepare("r", "rig-1", file)
    assert again.upload_id == first.upload_id
    assert (again.stored, [part.number for part in again.urls]) == ([2], [1, 3])
    with pytest.raises(Conflict, match="2 parts are missing, the first is 1"):
        uploads.complete("r", "rig-1", completion(file, first.upload_id))
    client.send(first.upload_id, "r/big.bin", 1, content[:PART])
    client.send(first.upload_id, "r/big.bin", 3, content[2 * PART :])
    done = uploads.complete("r", "rig-1", completion(file, first.upload_id))
    assert done.version_id
    assert uploads.complete("r", "rig-1", completion(file, first.upload_id)) == done
    assert uploads.prepare("r", "rig-1", file).state == "stored"


def test_urls_come_a_hundred_at_a_time(uploads: Uploads) -> None:
    parts = tuple(f"{i:064x}" for i in range(150))
    file = FileEntry(name="big", size=PART * 150, sha256="0" * 64, part_size=PART, parts=parts)
    assert len(uploads.prepare("r", "rig-1", file).urls) == MOST_URLS


def test_an_unknown_upload_is_a_conflict(uploads: Uploads) -> None:
    file = entry("big.bin", b"x" * (PART + 1), PART)
    with pytest.raises(Conflict, match="no such upload"):
        uploads.complete("r", "rig-1", completion(file, "nope"))


def test_completing_what_somebody_else_completed(
    uploads: Uploads, client: PartsWithChecksums, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"x" * (PART + 1)
    file = entry("big.bin", content, PART)
    heads = iter([None, raw.RawObject(len(content), file.checksum, "v9")])
    monkeypatch.setattr(raw, "head", lambda *_: next(heads))
    assert uploads.complete("r", "rig-1", completion(file, "gone")).version_id == "v9"


def test_other_errors_of_s3_are_not_the_callers(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    error = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "ListParts")

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(Uploads, "_arrived", refuse)
    with pytest.raises(ClientError):
        uploads.complete("r", "rig-1", completion(entry("a", b"x" * (PART + 1), PART), "u"))
    assert aws.error_code(error) == "AccessDenied"


def test_only_ones_own_recording(uploads: Uploads) -> None:
    for recording, device in (("other", "rig-1"), ("r", "rig-2")):
        with pytest.raises(NotFound, match="is not a recording of this device"):
            uploads.prepare(recording, device, entry("a.bin", b"x"))
        with pytest.raises(NotFound):
            uploads.complete(recording, device, completion(entry("a", b"x"), "u"))


def test_a_settled_recording_takes_no_further_file(uploads: Uploads, catalogue: Catalogue) -> None:
    catalogue.hold("r", "quarantined", "broken")
    with pytest.raises(Conflict, match="takes no further file"):
        uploads.prepare("r", "rig-1", entry("more.bin", b"x"))


@pytest.mark.parametrize("name", ["", "..", "a/b", "a..b", "ä", "x" * 129, ".hidden", "a\x00"])
def test_bad_names(uploads: Uploads, name: str) -> None:
    with pytest.raises(InputError) as caught:
        uploads.claim(name, "rig-1")
    assert caught.value.field == "recording"
    file = entry("a.bin", b"x").model_copy(update={"name": name})
    with pytest.raises(InputError) as caught:
        uploads.prepare("r", "rig-1", file)
    assert caught.value.field == "name"


def test_the_checksum_of_parts() -> None:
    parts = [hashlib.sha256(part).hexdigest() for part in (b"a", b"b")]
    joined = hashlib.sha256(b"".join(bytes.fromhex(part) for part in parts)).digest()
    assert stored_checksum("0" * 64, parts) == base64.b64encode(joined).decode() + "-2"
