"""Dataset files: an answer that pins every object's version, to be fetched again years later."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from glue.client.session import Json

MOST_BYTES = 512 * 1024 * 1024  # of a dataset file; it holds about 300 bytes per object


class PinnedObject(BaseModel):
    """One version of one object; `size` in bytes, `sha256` as hex or unknown."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    recording: str
    key: str
    bucket: str
    kind: Literal["raw", "processed"]
    size: int = Field(ge=0)
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None
    version_id: str | None


class Dataset(BaseModel):
    """A dataset file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(default=1, alias="schema")
    created_at: str
    query: dict[str, object]
    objects: tuple[PinnedObject, ...]


def save_dataset(path: Path, query: Json, objects: Iterable[Json]) -> Dataset:
    """Write what a question found to a file, and return it; the file appears whole or not."""
    dataset = Dataset(
        created_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        query=query,
        objects=tuple(PinnedObject.model_validate(item) for item in objects),
    )
    text = json.dumps(dataset.model_dump(by_alias=True), indent=1) + "\n"
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise InputError(
            "save-dataset", f"{path} cannot be written: {error.strerror}", "name another file"
        ) from error
    return dataset


def read_dataset(path: Path) -> Dataset:
    """Return the dataset in a file; raise `InputError` naming what is wrong with it."""
    remedy = "use a file that `glue recordings find --save-dataset FILE` wrote"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError("dataset", f"{path} is too long", remedy)
        return Dataset.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError("dataset", f"{path} cannot be read: {error.strerror}", remedy) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "document"
        raise InputError(f"dataset {path.name}: {place}", first["msg"], remedy) from error
