"""Secrets, as the API server takes them, keeps them and gives them out."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from kubernetes_validate import utils as schemas

from glue.local.kubernetes import admission
from glue.local.kubernetes.admission import VERSION
from glue.local.kubernetes.problems import Problem, invalid, not_found

if TYPE_CHECKING:
    from glue.local.kubernetes.rules import Rules
    from glue.local.kubernetes.store import Store

Object = dict[str, Any]

NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")
LARGEST = 1024 * 1024  # bytes of content, all keys together
QUOTAS = ("secrets", "count/secrets")  # two names of the same


def create(secret: Object, store: Store, rules: Rules) -> Object:
    """Keep a new Secret. Raises Problem."""
    _check(secret)
    namespace, name = secret["metadata"]["namespace"], secret["metadata"]["name"]
    if namespace not in rules.namespaces:
        raise not_found("namespaces", namespace)
    if (namespace, name) in store.secrets:
        raise Problem(409, "AlreadyExists", f'secrets "{name}" already exists')
    admission.check_count("secrets", QUOTAS, secret, rules, store.secrets)
    store.add(store.secrets, secret)
    return secret


def replace(known: Object, secret: Object, store: Store) -> Object:
    """Put a Secret in the place of the one of its name, its identity apart. Raises Problem."""
    _check(secret)
    name = secret["metadata"]["name"]
    if name != known["metadata"]["name"]:
        raise Problem(400, "BadRequest", "the name of the object does not match that of the URL")
    for part in ("uid", "resourceVersion"):
        wanted = secret["metadata"].get(part)
        if wanted is not None and wanted != known["metadata"][part]:
            raise Problem(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on secrets "{name}": the object has been modified',
            )
    if secret["type"] != known["type"]:
        raise invalid("Secret", name, "type: field is immutable")
    if known.get("immutable") and secret.get("data") != known.get("data"):
        raise invalid("Secret", name, "data: field is immutable when `immutable` is set")
    kept = {part: known["metadata"][part] for part in ("uid", "creationTimestamp", "generation")}
    metadata = {**secret["metadata"], **kept}
    known.clear()
    known |= {**secret, "metadata": metadata}
    store.touch(known)
    return known


def content(secret: Object) -> dict[str, bytes]:
    """Return what a Secret holds."""
    return {name: base64.b64decode(text) for name, text in (secret.get("data") or {}).items()}


def _check(secret: Object) -> None:
    """Check a Secret and complete it, as the API server does. Raises Problem."""
    name = str(secret["metadata"].get("name") or "")
    try:
        schemas.validate(secret, VERSION, strict=True)
    except schemas.ValidationError as error:
        where = ".".join(str(part) for part in error.path) or "the object"
        # The sentence of a wrong value would have the value in it.
        raise invalid("Secret", name, f"{where}: is not as the schema wants it") from error
    if not NAME.fullmatch(name):
        raise invalid("Secret", name, "metadata.name: must be a lowercase DNS subdomain")
    secret.setdefault("type", "Opaque")
    for key, text in (secret.pop("stringData", None) or {}).items():
        secret.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()
    total = 0
    for key, text in (secret.get("data") or {}).items():
        if not KEY.fullmatch(key):
            raise invalid("Secret", name, f"data: {key!r}: write letters, digits, -, _ and dots")
        try:
            total += len(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError) as error:
            raise invalid("Secret", name, f"data.{key}: is no base64") from error
    if total > LARGEST:
        raise invalid("Secret", name, f"data: Too long: may not be more than {LARGEST} bytes")
