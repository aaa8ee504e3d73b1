"""A participant's program that somehow got hold of its own attempt's form.

FORM is the form as JSON, BUCKETS another bucket's address. Every attempt prints one JSON line
with the status that the storage answered.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

FORM: dict[str, Any] = json.loads(os.environ["FORM"])
PREFIX: str = FORM["prefix"]
RESULT = "attempt-1/worker-1/results/simulation_results.json"


def send(
    key: str,
    *more: tuple[str, str],
    filename: str = "file",
    size: int = 4,
    address: str = FORM["address"],
    changed: dict[str, str] | None = None,
) -> int | str:
    """Post a form with a key, fields behind it, and a file; return the status."""
    fields: Sequence[tuple[str, str]] = (
        ("key", key), *more, *{**FORM["fields"], **(changed or {})}.items()
    )  # fmt: skip
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields
    ]
    parts.append(
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
    )
    body = "".join(parts).encode() + b"x" * size + b"\r\n--b--\r\n"
    return ask("POST", address, body, {"Content-Type": "multipart/form-data; boundary=b"})


def ask(
    method: str, address: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> int | str:
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    with contextlib.closing(connection):
        try:
            connection.request(method, f"{place.path}?{place.query}", body, headers or {})
            return connection.getresponse().status
        except OSError as error:
            return type(error).__name__


def tell(attempt: str, got: int | str) -> None:
    print(json.dumps({"attempt": attempt, "got": got}), flush=True)


def main() -> None:
    tell("own", send(f"{PREFIX}own"))
    for key in (
        f"98/{RESULT}", "99/results.json", f"99/attempt-10/{RESULT}", f"/{PREFIX}slash", "top", "",
        "${filename}", f"x{PREFIX}", PREFIX.upper() + "x", "evalai/results.json",
    ):  # fmt: skip
        tell(f"key {key}", send(key, filename=f"98/{RESULT}"))
    # These keys begin with the prefix. S3 has no folders: they name objects below it, if any.
    tell("upwards", send(f"{PREFIX}../../98/{RESULT}"))
    tell("encoded upwards", send(f"{PREFIX}%2e%2e/%2e%2e/98/{RESULT}"))
    tell("upwards by name", send(f"{PREFIX}${{filename}}", filename=f"../../98/{RESULT}"))
    tell("two keys", send(f"{PREFIX}two", ("key", f"98/{RESULT}")))
    tell("two keys, the other first", send(f"98/{RESULT}", ("key", f"{PREFIX}two")))
    for name, value in (
        ("acl", "public-read"), ("success_action_redirect", "https://example.com/"),
        ("Content-Type", "text/html"), ("x-amz-storage-class", "GLACIER"),
        ("x-amz-meta-by", "me"), ("tagging", "<Tagging/>"),
        ("x-amz-website-redirect-location", "https://example.com/"),
    ):  # fmt: skip
        tell(f"field {name}", send(f"{PREFIX}field-{name}", (name, value)))
    tell("too large", send(f"{PREFIX}large", size=FORM["largest_bytes"] + 1))
    tell("other bucket", send(f"{PREFIX}x", address=os.environ["OTHER_BUCKET"]))
    tell("other policy", send(f"{PREFIX}x", changed={"policy": "e30="}))
    tell("other signature", send(f"{PREFIX}x", changed={"x-amz-signature": "0" * 64}))
    query = urlencode({name.title(): value for name, value in FORM["fields"].items()})
    for method, path in (("GET", f"/98/{RESULT}"), ("GET", ""), ("DELETE", "/99/results.json"),
                         ("PUT", f"/98/{RESULT}"), ("PUT", f"/{PREFIX}x")):  # fmt: skip
        tell(f"{method} {path}", ask(method, f"{FORM['address']}{path}?{query}", b"x"))


main()
