"""What changed between two values of a resource: path by path, with secrets masked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SENSITIVE = "(sensitive)"


class Difference(NamedTuple):
    """One attribute whose value is not what the state holds; `path` is written as in Terraform."""

    path: str
    before: Any
    after: Any


def differences(
    before: Any, after: Any, before_sensitive: Any = False, after_sensitive: Any = False
) -> list[Difference]:
    """Return every difference of two values as `terraform show -json` gives them.

    What either side marks as sensitive is shown as `(sensitive)`. Texts that are both JSON
    documents, such as policies, are compared inside. A change of `tags_all` that only repeats
    one of `tags` is told once.
    """
    found = list(_walk("", before, after, (before_sensitive, after_sensitive)))
    told = {one.path for one in found}
    return [one for one in found if not _repeats(one.path, told)]


def masked(value: Any, mask: Any) -> Any:
    """Return a value with everything that its mask marks replaced by `(sensitive)`."""
    if mask is True:
        return None if value is None else SENSITIVE
    if isinstance(value, dict) and isinstance(mask, dict):
        return {key: masked(inner, mask.get(key, False)) for key, inner in value.items()}
    if isinstance(value, list) and isinstance(mask, list):
        return [masked(inner, _element(mask, index)) for index, inner in enumerate(value)]
    return value


def _repeats(path: str, told: set[str]) -> bool:
    """Tell whether a path of tags_all is told as one of tags already."""
    head, dot, rest = path.partition(".")
    return head == "tags_all" and bool(dot) and f"tags.{rest}" in told


def _walk(path: str, before: Any, after: Any, masks: tuple[Any, Any]) -> Iterator[Difference]:
    """Yield the differences below a path."""
    if before == after:
        return
    if True in masks:
        yield Difference(path, masked(before, True), masked(after, True))
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from _walk_objects(path, before, after, masks)
    elif _is_map(path, before, after):
        yield from _walk_objects(path, before or {}, after or {}, masks)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _walk_lists(path, before, after, masks)
    elif (documents := _documents(before, after)) is not None:
        inside = list(_walk(path, *documents, (False, False)))
        # Equal as documents: the text differs in its form, and that is told too.
        yield from inside or [Difference(path, before, after)]
    else:
        yield Difference(path, masked(before, masks[0]), masked(after, masks[1]))


def _is_map(path: str, before: Any, after: Any) -> bool:
    """Tell whether an attribute such as `tags` got its first entries, or lost its last."""
    pair = {type(before), type(after)}
    return bool(path) and "[" not in path and pair == {dict, type(None)} and bool(before or after)


def _walk_objects(
    path: str, before: Mapping[str, Any], after: Mapping[str, Any], masks: tuple[Any, Any]
) -> Iterator[Difference]:
    for key in sorted({*before, *after}):
        inner = [mask.get(key, False) if isinstance(mask, dict) else False for mask in masks]
        step = f"{path}.{key}" if path else key
        yield from _walk(step, before.get(key), after.get(key), (inner[0], inner[1]))


def _walk_lists(
    path: str, before: list[Any], after: list[Any], masks: tuple[Any, Any]
) -> Iterator[Difference]:
    """Compare two lists element by element.

    Blocks may be sets: one that both sides hold, at whatever place, is no difference. Lists of
    plain values are told whole.
    """
    if not all(isinstance(one, dict) for one in [*before, *after]):
        yield Difference(path, masked(before, masks[0]), masked(after, masks[1]))
        return
    gone = [index for index, one in enumerate(before) if one not in after]
    new = [index for index, one in enumerate(after) if one not in before]
    if len(gone) == len(new):
        for old, fresh in zip(gone, new, strict=True):
            inner = _element(masks[0], old), _element(masks[1], fresh)
            yield from _walk(f"{path}[{old}]", before[old], after[fresh], inner)
        return
    for old in gone:
        yield Difference(f"{path}[{old}]", masked(before[old], _element(masks[0], old)), None)
    for fresh in new:
        yield Difference(f"{path}[{fresh}]", None, masked(after[fresh], _element(masks[1], fresh)))


def _element(mask: Any, index: int) -> Any:
    """Return the mask of one element of a list."""
    return mask[index] if isinstance(mask, list) and index < len(mask) else False


def _documents(before: Any, after: Any) -> tuple[Any, Any] | None:
    """Return two texts as the JSON documents they are, or None when one is no document."""
    if not isinstance(before, str) or not isinstance(after, str):
        return None
    try:
        pair = json.loads(before), json.loads(after)
    except ValueError:
        return None
    return pair if all(isinstance(one, dict | list) for one in pair) else None
