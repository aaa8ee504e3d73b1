"""Registries: without images, in whatever region they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.deploy.drain.context import present

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glue.deploy.drain.context import Drain

DELETED_AT_ONCE = 100


def drain(context: Drain, erase: Sequence[str] = ()) -> None:
    """Delete the images of every registry that is marked as destroyable, or named."""
    for values in context.of("aws_ecr_repository"):
        name = values["name"]
        if not values.get("force_delete") and name not in erase:
            continue
        images = context.client("ecr", values["arn"])
        found = present(_images, client=images, name=name) or []
        for start in range(0, len(found), DELETED_AT_ONCE):
            part = found[start : start + DELETED_AT_ONCE]
            images.batch_delete_image(repositoryName=name, imageIds=part)
        if found:
            context.count("erased_images", len(found))
            context.tell(f"registry {name}: {len(found)} images erased")


def _images(client: Any, name: str) -> list[dict[str, str]]:
    """Return the ids of every image of a registry, those without a tag too."""
    pages = client.get_paginator("list_images").paginate(repositoryName=name)
    return [one for page in pages for one in page["imageIds"]]
