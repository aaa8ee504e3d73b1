"""CompleteMultipartUpload over parts that lie on disk."""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, ParseError, SubElement

from glue.local.mends.s3_bodies import mapped

if TYPE_CHECKING:
    from pathlib import Path

    from glue.local.mends.upload_store import Store

SMALLEST_PART = 5 * 1024 * 1024

Answer = tuple[int, dict[str, str], bytes]
Parts = list[tuple[int, dict[str, Any]]]


class RefusedError(Exception):
    """A completion that AWS would refuse; carries the answer to send."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer[0])
        self.answer = answer


class Completion:
    """CompleteMultipartUpload over parts that lie on disk."""

    def __init__(self, s3: Any, store: Store) -> None:
        self.s3 = s3
        self.store = store

    def __call__(
        self,
        bucket_name: str,
        key: str,
        body: bytes,
        query: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Answer one request to complete an upload."""
        s3, headers = self.s3, headers or {}
        upload_id = s3._qp(query, "uploadId")
        done = s3._completed_multipart_uploads.get(upload_id)
        if done is not None and done.get("key") == key:
            answer: Answer = done["response"]
            return answer
        try:
            bucket, upload = self._find(bucket_name, key, upload_id, headers)
            parts = self._chosen(upload, self._requested(body))
            record = self._record(upload, parts, headers)
        except RefusedError as refused:
            return refused.answer
        account = s3.get_account_id()
        whole = self.store.join(account, upload_id, [part for _, part in parts])
        record["body"] = _content(whole)
        version_id = self._put(bucket_name, key, bucket, record, upload)
        del s3._multipart_uploads[upload_id]
        self.store.remove(account, upload_id)
        answer = self._answer(bucket_name, key, record, version_id, headers)
        s3._completed_multipart_uploads[upload_id] = {"key": key, "response": answer}
        return answer

    def _refuse(self, code: str, message: str, status: int = 400) -> RefusedError:
        return RefusedError(self.s3._error(code, message, status))

    def _find(
        self, bucket_name: str, key: str, upload_id: str, headers: dict[str, str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        s3 = self.s3
        bucket = s3._ensure_bucket(bucket_name)
        if bucket is None:
            raise RefusedError(s3._no_such_bucket(bucket_name))
        upload = s3._multipart_uploads.get(upload_id)
        if upload is None or (upload["bucket"], upload["key"]) != (bucket_name, key):
            raise self._refuse(
                "NoSuchUpload", "The specified multipart upload does not exist.", 404
            )
        for refusal in (
            s3._check_sse_c_part(headers, upload),
            s3._check_put_preconditions(headers, bucket["objects"].get(key)),
        ):
            if refusal is not None:
                raise RefusedError(refusal)
        return bucket, upload

    def _requested(self, body: bytes) -> list[tuple[int, dict[str, str]]]:
        """Read part numbers, each with its ETag and checksums, from the request's XML."""
        try:
            root = self.s3.fromstring(body)
            requested = []
            for element in root.iter():
                if element.tag.rpartition("}")[2] != "Part":
                    continue
                fields = {c.tag.rpartition("}")[2]: (c.text or "").strip() for c in element}
                requested.append((int(fields.pop("PartNumber")), fields))
        except (ParseError, KeyError, ValueError):
            raise self._refuse(
                "MalformedXML", "The XML you provided was not well-formed."
            ) from None
        if not requested:
            raise self._refuse("MalformedXML", "You must specify at least one part.")
        numbers = [number for number, _ in requested]
        if numbers != sorted(set(numbers)):
            raise self._refuse("InvalidPartOrder", "The list of parts was not in ascending order.")
        return requested

    def _chosen(self, upload: dict[str, Any], requested: list[tuple[int, dict[str, str]]]) -> Parts:
        chosen = []
        for number, fields in requested:
            part = upload["parts"].get(number)
            etag = fields.get("ETag", "").strip('"')
            wrong = part is None or (etag and etag != part["etag"].strip('"'))
            if part is not None and not wrong:
                stored = part.get("checksums") or {}
                wrong = any(
                    value and stored.get(name.removeprefix("Checksum").upper()) != value
                    for name, value in fields.items()
                    if name.startswith("Checksum")
                )
            if part is None or wrong:
                raise self._refuse(
                    "InvalidPart",
                    "One or more of the specified parts could not be found or its entity tag "
                    f"or checksum does not match: {number}",
                )
            chosen.append((number, part))
        if any(part["size"] < SMALLEST_PART for _, part in chosen[:-1]):
            raise self._refuse(
                "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"
            )
        return chosen

    def _checksums(
        self, upload: dict[str, Any], parts: Parts, headers: dict[str, str]
    ) -> dict[str, str]:
        """Return the composite checksum by algorithm, checked against the request's own."""
        algorithm: str = upload.get("checksum_algorithm") or ""
        digests = [(part.get("checksums") or {}).get(algorithm) for _, part in parts]
        composite: str | None = self.s3._composite_checksum(algorithm, digests)
        if not composite:
            return {}
        asked = headers.get(f"x-amz-checksum-{algorithm.lower()}")
        if asked and asked not in (composite, composite.rpartition("-")[0]):
            raise self._refuse(
                "BadDigest", f"The {algorithm} you specified did not match what we calculated."
            )
        return {algorithm: composite}

    def _record(
        self, upload: dict[str, Any], parts: Parts, headers: dict[str, str]
    ) -> dict[str, Any]:
        """Return the object's record, in the emulator's own form, but for its bytes."""
        size = sum(part["size"] for _, part in parts)
        declared = headers.get("x-amz-mp-object-size")
        if declared is not None and declared.strip() != str(size):
            raise self._refuse(
                "InvalidRequest", f"x-amz-mp-object-size is {declared}, the parts have {size}"
            )
        checksums = self._checksums(upload, parts, headers)
        sums = b"".join(bytes.fromhex(part["etag"].strip('"')) for _, part in parts)
        etag = hashlib.md5(sums, usedforsecurity=False).hexdigest()
        return {
            "content_type": upload["content_type"],
            "content_encoding": upload.get("content_encoding"),
            "etag": f'"{etag}-{len(parts)}"',
            "last_modified": self.s3.now_iso(),
            "size": size,
            "metadata": upload["metadata"],
            "preserved_headers": upload.get("preserved_headers", {}),
            "storage_class": upload.get("storage_class") or "STANDARD",
            "parts": [{"PartNumber": number, "Size": part["size"]} for number, part in parts],
            "checksums": checksums,
            "checksum_type": "COMPOSITE" if checksums else None,
        }

    def _put(
        self,
        bucket_name: str,
        key: str,
        bucket: dict[str, Any],
        record: dict[str, Any],
        upload: dict[str, Any],
    ) -> str | None:
        """Make a record the current object and tell those who listen; returns its version."""
        s3 = self.s3
        previous = bucket["objects"].get(key)
        bucket["objects"][key] = record
        version_id: str | None = s3._record_object_version(
            bucket_name, key, previous, record, record["body"]
        )
        s3._apply_object_lock_from_headers(
            bucket_name, key, upload.get("object_lock") or {}, record.get("version_id")
        )
        s3._persist_object(bucket_name, key, record)
        s3._fire_s3_event_async(
            bucket_name,
            key,
            "s3:ObjectCreated:CompleteMultipartUpload",
            size=record["size"],
            etag=record["etag"],
            version_id=version_id,
        )
        return version_id

    def _answer(
        self,
        bucket_name: str,
        key: str,
        record: dict[str, Any],
        version_id: str | None,
        headers: dict[str, str],
    ) -> Answer:
        s3 = self.s3
        root = Element("CompleteMultipartUploadResult", xmlns=s3.S3_NS)
        host = headers.get("host", "localhost")
        for name, text in (
            ("Location", f"http://{host}/{bucket_name}/{key}"),
            ("Bucket", bucket_name),
            ("Key", key),
            ("ETag", record["etag"]),
            *((f"Checksum{name}", value) for name, value in record["checksums"].items()),
            *((("ChecksumType", "COMPOSITE"),) if record["checksums"] else ()),
        ):
            SubElement(root, name).text = text
        answer_headers = {
            "Content-Type": "application/xml",
            **s3._stored_sse_headers(record),
            **({"x-amz-version-id": version_id} if version_id else {}),
        }
        return 200, answer_headers, s3._xml_body(root)


def _content(whole: Path) -> Any:
    """Return a file's content in the form the store of objects takes over by a link."""
    return mapped(str(whole)) if whole.stat().st_size else b""
