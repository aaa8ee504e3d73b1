"""Which entries of a list are asked for, and which page of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.kubernetes.problems import Problem, bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

Object = dict[str, Any]

FIELDS = ("metadata.name", "metadata.namespace", "involvedObject.name", "involvedObject.uid",
          "involvedObject.kind", "reason", "status.phase", "spec.nodeName")  # fmt: skip


def chooser(query: dict[str, str]) -> Callable[[Object], bool]:
    """Return what tells whether an object is among those asked for. Raises Problem."""
    by_label = _terms(query.get("labelSelector", ""))
    by_field = _terms(query.get("fieldSelector", ""))
    for name, _, _ in by_field:
        if name not in FIELDS:
            raise bad_request(f'"{name}" is not a known field selector: only {", ".join(FIELDS)}')

    def fits(found: Object) -> bool:
        labels = found["metadata"].get("labels") or {}
        for name, wanted, is_equal in by_label:
            held = name in labels if wanted is None else labels.get(name) == wanted
            if held != is_equal:
                return False
        return all((_field(found, name) == wanted) == is_it for name, wanted, is_it in by_field)

    return fits


def page(entries: list[Object], query: dict[str, str]) -> tuple[list[Object], str]:
    """Return one page and the token of the next one, empty at the end. Raises Problem."""
    limit, token = query.get("limit") or "0", query.get("continue") or "0"
    if not (limit.isdigit() and token.isdigit()):
        raise bad_request("limit or continue cannot be understood")
    start = int(token)
    if start > len(entries):
        raise Problem(410, "Expired", "the provided continue parameter is too old")
    end = start + int(limit) if int(limit) else len(entries)
    return entries[start:end], str(end) if end < len(entries) else ""


def _terms(selector: str) -> list[tuple[str, str | None, bool]]:
    """Return the name, the value (None: any) and whether it has to be so, for each term."""
    terms: list[tuple[str, str | None, bool]] = []
    for term in filter(None, selector.split(",")):
        if "(" in term or " " in term:
            raise bad_request(f"{selector!r}: write name=value, name!=value, name or !name")
        name, mark, value = term.partition("!=")
        if mark:
            terms.append((name, value, False))
            continue
        name, mark, value = term.replace("==", "=").partition("=")
        if mark:
            terms.append((name, value, True))
        else:
            terms.append((name.removeprefix("!"), None, not name.startswith("!")))
    return terms


def _field(found: Object, name: str) -> str:
    value: Any = found
    for part in name.split("."):
        value = value.get(part, {}) if isinstance(value, dict) else {}
    return str(value) if value else ""
