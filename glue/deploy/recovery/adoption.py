"""What a killed apply was making, or had made, as `terraform import` wants to have it called."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from glue.deploy.recovery.kinds import KINDS, NAMED_OTHERWISE
from glue.deploy.recovery.parts import PARTS, PARTS_OF_PARTS, REPEATABLE
from glue.deploy.recovery.search import Search, Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Traces(NamedTuple):
    """What AWS has that may be the one that was planned at an address."""

    address: str
    # What to import; empty when AWS has nothing of the kind.
    import_ids: tuple[str, ...] = ()
    # How an operator would name the same: ARNs where there are any.
    names: tuple[str, ...] = ()
    # There is one and no other, and it would do for no other address.
    is_certain: bool = False


def is_repeatable(address: str) -> bool:
    """Tell whether the same may be made again: AWS then has it once, as it should be."""
    return Wanted(address, {}).type in REPEATABLE


def is_named_otherwise(address: str) -> bool:
    """Tell whether import wants more than the id that the log of an apply has."""
    kind = Wanted(address, {}).type
    return kind in PARTS or kind in NAMED_OTHERWISE


def belongs_to_parts(address: str) -> bool:
    """Tell whether a thing is found by another that must be in the state, and is a part too."""
    return Wanted(address, {}).type in PARTS_OF_PARTS


def traces(search: Search, wanted: Sequence[Wanted]) -> list[Traces]:
    """Return, for each that was to be made, what AWS has of it.

    A thing that would do for several addresses is a trace of each, and certain for none.
    """
    found = [_traces(search, one) for one in wanted]
    # Not by import ids: a role and a function may have the same name.
    claims = Counter(name for one in found for name in one.names)
    return [
        one._replace(is_certain=len(one.import_ids) == 1 and claims[one.names[0]] == 1)
        for one in found
    ]


def one_of(search: Search, wanted: Wanted, given: str) -> str:
    """Return what to import for something whose id is known, but not all that import wants."""
    ids = _traces(search, wanted).import_ids
    chosen = tuple(one for one in ids if one.endswith(given)) or ids
    return chosen[0] if len(chosen) == 1 else given


def planned_of(address: str, planned: Mapping[str, Mapping[str, object]]) -> Wanted:
    """Return what was planned at an address."""
    return Wanted(address, planned.get(address, {}))


def _traces(search: Search, wanted: Wanted) -> Traces:
    """Return what AWS has of one thing that was to be made."""
    if not wanted.values:
        return Traces(wanted.address)
    kind = KINDS.get(wanted.type)
    try:
        if kind is not None:
            read = (kind.read(one) for one in search.strangers)
            found = [one for one in read if one and kind.is_it(search, wanted, one)]
            if found:
                ids = tuple(kind.import_id(search, one) for one in found)
                return Traces(wanted.address, ids, tuple(one.one.arn for one in found))
            ids = tuple(_untagged_bucket(search, wanted))
        elif part := PARTS.get(wanted.type):
            ids = tuple(dict.fromkeys(part(search, wanted)))
        else:
            return Traces(wanted.address, names=("of a kind that is not looked for",))
    except (BotoCoreError, ClientError) as error:
        # The plan is not held up by a question that this role may not ask.
        return Traces(wanted.address, names=(f"AWS could not be asked: {error}",))
    return Traces(wanted.address, ids, tuple(f"{wanted.type} {one}" for one in ids))


def _untagged_bucket(search: Search, wanted: Wanted) -> list[str]:
    """Return the planned bucket if it is the account's and bare: it gets its tags second."""
    name = wanted.values.get("bucket")
    if wanted.type != "aws_s3_bucket" or not name:
        return []
    storage = search.client("s3")
    owner = search.environment.facts.account_id
    try:
        storage.get_bucket_tagging(Bucket=name, ExpectedBucketOwner=owner)
    except ClientError as error:
        return [str(name)] if error.response["Error"]["Code"] == "NoSuchTagSet" else []
    return []
