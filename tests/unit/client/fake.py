"""The API and S3 over real HTTP in this process, as far as the client can tell.

Run as a program, it is a server of its own: `python -m tests.unit.client.fake PORT`.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import secrets
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from tests.unit.client.fake_server import Body, Handler, RefusedError, Server

BUCKET = "raw"
MOST_URLS = 100


@dataclass
class Fault:
    """Something that goes wrong with requests whose `METHOD path?query` matches `where`."""

    where: str
    kind: str  # a status, "drop" (before the body), "cut" (after it), "slow", "damage", "junk"
    times: int = 1
    retry_after: str | None = None
    code: str = ""
    after: int = 0  # let so many matching requests pass first
    hits: int = 0


@dataclass
class Stored:
    """An object."""

    content: bytes
    size: int
    sha256: str
    version: str


@dataclass
class Upload:
    """A multipart upload."""

    number: str
    parts: dict[int, tuple[str, bytes, int]] = field(default_factory=dict)


def problem(status: int, field_: str, message: str) -> RefusedError:
    body = {"code": "invalid", "field": field_, "message": message, "remedy": "do otherwise"}
    return RefusedError(status, body)


class Fake:
    """A server with one device `rig` (secret `secret`, key `key`)."""

    def __init__(self, port: int = 0, keep: bool = True) -> None:
        self.keep = keep
        self.lock = threading.RLock()
        self.faults: list[Fault] = []
        self.tokens: dict[str, str] = {}
        self.devices = {"rig": "secret", "other": "secret"}
        self.token_lifetime = 3600
        self.url_lifetime = 900.0
        self.recordings: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, Stored] = {}
        self.old: dict[tuple[str, str], Stored] = {}
        self.uploads: dict[str, Upload] = {}
        self.accepted: Counter[tuple[str, int]] = Counter()
        self.requests: list[str] = []
        self.failures: list[dict[str, Any]] = []
        self.replayed: list[str] = []
        self.order: list[str] = []
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.fake = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self.thread.start()

    def wait_quiet(self, seconds: float) -> None:
        """Wait for the end of all that clients sent before they ended."""
        # Connections are taken in their order, so those that came before this one are counted.
        last = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        last.request("GET", "/")
        last.getresponse().read()
        last.close()
        deadline = time.monotonic() + seconds
        while self.server.ended < self.server.begun:
            assert time.monotonic() < deadline, "a client still holds its connection"
            time.sleep(0.01)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def profile(self, device: str = "rig") -> dict[str, str]:
        url = f"{self.url}/v1"
        return {"url": url, "api_key": "key", "device": device, "secret": self.devices[device]}

    def fault(self, where: str, kind: str | int, times: int = 1, **more: Any) -> Fault:
        made = Fault(where, str(kind), times, **more)
        self.faults.append(made)
        return made

    def pick(self, line: str) -> Fault | None:
        with self.lock:
            self.requests.append(line)
            for fault in self.faults:
                if re.search(fault.where, line):
                    if fault.after > 0:
                        fault.after -= 1
                    elif fault.times > 0:
                        fault.times -= 1
                        fault.hits += 1
                        return fault
        return None

    def count(self, where: str) -> int:
        return sum(bool(re.search(where, line)) for line in self.requests)

    # --- S3 -----------------------------------------------------------------------------

    def store(self, key: str, content: bytes, sha256: str, size: int) -> str:
        with self.lock:
            if key in self.objects:
                raise RefusedError(412, ("PreconditionFailed", "it is there"))
            version = secrets.token_hex(8)
            self.objects[key] = Stored(content, size, sha256, version)
            self.old[key, version] = self.objects[key]
            self.order.append(key.partition("/")[2])
            self.ingest(key.partition("/")[0])
            return version

    def ingest(self, recording: str) -> None:
        found = self.recordings.get(recording)
        manifest = self.objects.get(f"{recording}/manifest.json")
        if found is None or manifest is None:
            return
        listed = json.loads(manifest.content)["files"]
        if all(f"{recording}/{one['name']}" in self.objects for one in listed):
            found["state"] = found.pop("next_state", "processed")

    def put(self, path: str, query: dict[str, str], headers: Any, body: Body) -> None:
        key = unquote(path.removeprefix("/s3/"))
        if float(query["expires"]) < time.time():
            raise RefusedError(403, ("AccessDenied", "Request has expired"))
        if headers.get("x-amz-checksum-sha256") != query["checksum"]:
            raise RefusedError(403, ("SignatureDoesNotMatch", "headers differ"))
        if to_base64(body.sha256) != query["checksum"]:
            raise RefusedError(400, ("BadDigest", "The SHA256 you specified did not match"))
        number = int(query["number"])
        if "upload" in query:
            with self.lock:
                upload = self.uploads.get(key)
                if upload is None or upload.number != query["upload"]:
                    raise RefusedError(404, ("NoSuchUpload", "no such upload"))
                upload.parts[number] = (body.sha256, body.content, body.size)
        else:
            if headers.get("If-None-Match") != "*":
                raise RefusedError(403, ("AccessDenied", "If-None-Match is demanded"))
            self.store(key, body.content, body.sha256, body.size)
        with self.lock:
            self.accepted[key, number] += 1

    def get(self, path: str, query: dict[str, str], headers: Any) -> tuple[int, bytes]:
        if float(query["expires"]) < time.time():
            raise RefusedError(403, ("AccessDenied", "Request has expired"))
        stored = self.old.get((unquote(path.removeprefix("/s3/")), query["version"]))
        if stored is None:
            raise RefusedError(404, ("NoSuchKey", "no such key"))
        if wanted := re.fullmatch(r"bytes=(\d+)-", headers.get("Range", "")):
            return 206, stored.content[int(wanted[1]) :]
        return 200, stored.content

    # --- API ----------------------------------------------------------------------------

    def api(  # noqa: C901, PLR0911  # one line per route
        self, method: str, path: str, query: dict[str, list[str]], headers: Any, body: Any
    ) -> tuple[int, Any]:
        if headers.get("x-api-key") != "key":
            raise RefusedError(403, {"message": "Forbidden"})
        if path == "/token":
            return self.token(body)
        token = headers.get("Authorization", "")
        device = self.tokens.get(token)
        if device is None:
            raise RefusedError(401, {"message": "Unauthorized"})
        steps = [unquote(step) for step in path.split("/")[1:]]
        match method, *steps:
            case "POST", "recordings":
                return 200, self.claim(device, body["recording"])
            case "POST", "recordings", name, "files":
                return 200, self.file(name, body)
            case "POST", "recordings", name, "files", "complete":
                return 200, self.complete(name, body)
            case "POST", "recordings", name, "replay":
                self.recording(name)
                self.replayed.append(name)
                return 202, {"recording": name}
            case "POST", "failures":
                self.failures.append(body)
                return 202, {"recording": body["recording"]}
            case "GET", "recordings":
                return 200, self.listing(query)
            case "GET", "recordings", name:
                return 200, self.recording(name)
            case "GET", "objects":
                return 200, self.found(query)
            case "POST", "objects", "presign":
                return 200, {"objects": [self.presigned(one) for one in body["objects"]]}
        raise RefusedError(404, {"message": "no such route"})

    def token(self, body: Any) -> tuple[int, Any]:
        if self.devices.get(body["device"]) != body["secret"]:
            raise problem(401, "secret", "wrong device or secret")
        token = secrets.token_hex(8)
        self.tokens[token] = body["device"]
        return 200, {"token": token, "expires_in": self.token_lifetime, "groups": ["shippers"]}

    def claim(self, device: str, name: str) -> Any:
        with self.lock:
            known = {"recording": name, "state": "incomplete", "device": device}
            found = self.recordings.setdefault(name, known)
            if found["device"] != device:
                raise problem(409, "recording", f"{name} belongs to another device")
            return {one: found[one] for one in ("recording", "state", "device")}

    def file(self, recording: str, body: Any) -> Any:
        key = f"{recording}/{body['name']}"
        with self.lock:
            if stored := self.objects.get(key):
                if stored.sha256 != body["sha256"]:
                    raise problem(409, body["name"], "it is there with other content")
                return {"state": "stored", "version_id": stored.version}
            digests = body["parts"]
            if len(digests) == 1:
                urls = [self.address(key, 1, digests[0], None)]
                return {"state": "upload", "upload_id": None, "stored": [], "urls": urls}
            upload = self.uploads.setdefault(key, Upload(secrets.token_hex(4)))
            stored_parts = [
                number for number, (sha, _, _) in upload.parts.items() if digests[number - 1] == sha
            ]
            missing = [n for n in range(1, len(digests) + 1) if n not in stored_parts]
            return {
                "state": "upload",
                "upload_id": upload.number,
                "stored": stored_parts,
                "urls": [
                    self.address(key, number, digests[number - 1], upload.number)
                    for number in missing[:MOST_URLS]
                ],
            }

    def address(self, key: str, number: int, digest: str, upload: str | None) -> Any:
        checksum = to_base64(digest)
        query = (
            f"number={number}&expires={time.time() + self.url_lifetime}&checksum={quote(checksum)}"
        )
        headers = {"x-amz-checksum-sha256": checksum, "Host": f"127.0.0.1:{self.port}"}
        if upload:
            query += f"&upload={upload}"
        else:
            headers["If-None-Match"] = "*"
        return {"number": number, "url": f"{self.url}/s3/{quote(key)}?{query}", "headers": headers}

    def complete(self, recording: str, body: Any) -> Any:
        key = f"{recording}/{body['name']}"
        with self.lock:
            if stored := self.objects.get(key):
                return {"version_id": stored.version}
            upload = self.uploads.get(key)
            if upload is None or upload.number != body["upload_id"]:
                raise problem(404, "upload_id", "there is no such upload")
            if [upload.parts.get(n + 1, ("",))[0] for n in range(len(body["parts"]))] != body[
                "parts"
            ]:
                raise problem(409, "parts", "parts are missing or differ")
            numbers = sorted(upload.parts)
            content = b"".join(upload.parts[number][1] for number in numbers)
            size = sum(upload.parts[number][2] for number in numbers)
            del self.uploads[key]
            return {"version_id": self.store(key, content, body["sha256"], size)}

    def recording(self, name: str) -> Any:
        found = self.recordings.get(name)
        if found is None:
            raise problem(404, "recording", f"there is no {name}")
        objects = [
            {
                "key": key, "kind": "raw", "size": one.size, "sha256": one.sha256,
                "version_id": one.version, "step": None,
            }
            for key, one in self.objects.items() if key.startswith(f"{name}/")
        ]  # fmt: skip
        return {
            "reason": None, "recorded_at": None, "attributes": {"fatigue": 3}, "units": {},
            **found, "objects": objects if found["state"] != "incomplete" else [],
        }  # fmt: skip

    def page(self, items: list[Any], query: dict[str, list[str]]) -> tuple[list[Any], str | None]:
        limit, start = int(query.get("limit", ["50"])[0]), int(query.get("cursor", ["0"])[0])
        more = str(start + limit) if start + limit < len(items) else None
        return items[start : start + limit], more

    def listing(self, query: dict[str, list[str]]) -> Any:
        if any("~" in where for where in query.get("where", ())):
            raise problem(400, "where", "~ is no operator")
        states = query.get("state", ["complete", "processed"])
        found = [self.recording(name) for name in sorted(self.recordings)]
        shown, more = self.page([one for one in found if one["state"] in states], query)
        return {"recordings": shown, "next": more}

    def found(self, query: dict[str, list[str]]) -> Any:
        names = query.get("recording", sorted(self.recordings))
        items = [
            {
                **one, "recording": name, "bucket": BUCKET, "url": None,
                "kind": query["kind"][0], "s3_url": f"s3://{BUCKET}/{one['key']}",
            }
            for name in names if name in self.recordings
            for one in self.recording(name)["objects"]
        ]  # fmt: skip
        shown, more = self.page(items, query)
        return {"objects": shown, "next": more}

    def presigned(self, one: Any) -> Any:
        if (one["key"], one["version_id"]) not in self.old:
            raise problem(404, "objects", f"{one['key']} is not in the catalogue")
        query = f"version={one['version_id']}&expires={time.time() + self.url_lifetime}"
        return {**one, "url": f"{self.url}/s3/{quote(one['key'])}?{query}"}


def to_base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


if __name__ == "__main__":
    server = Fake(int(sys.argv[1]), keep=False)
    print(json.dumps(server.profile()), flush=True)
    server.thread.join()
