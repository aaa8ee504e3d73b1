"""Policies of response headers have no parts they were not given; what is deleted has no tags.

MiniStack 1.5.33 describes each policy with an empty list of headers to add and one of headers to
remove, which AWS leaves out, so that every second plan takes them away. It keeps the tags of a
distribution that is deleted, so that the tagging service goes on naming it.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

EXPECTED = {
    "_build_rhp_config_xml": "923919cb7f7e",
    "_delete_distribution": "ce37056006cd",
    "_build_rhp_xml": "fcb3c32efa5a",
}
DELETED = 204
LISTS = ("CustomHeadersConfig", "RemoveHeadersConfig")


def without_empty_lists(config: Element) -> None:
    """Take the lists that hold nothing out of a policy's configuration."""
    for name in LISTS:
        found = config.find(name)
        if found is not None and found.findtext("Quantity") == "0":
            config.remove(found)


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend policies and distributions. Raises MendError if it is another emulator."""
    from ministack.services import cloudfront

    expect(cloudfront, EXPECTED)
    original = cloudfront._build_rhp_config_xml

    def build(parent: Any, config: dict[str, Any]) -> None:
        original(parent, config)
        without_empty_lists(parent)

    # By this name where a whole policy is described, and from the table where its configuration is.
    cloudfront._build_rhp_config_xml = build
    cloudfront._RHP_SPEC["build_config"] = build
    cloudfront._delete_distribution = _deleting(cloudfront, cloudfront._delete_distribution)


def _deleting(cloudfront: Any, original: Any) -> Any:
    def delete(identifier: str, headers: dict[str, str]) -> Any:
        found = cloudfront._distributions.get(identifier)
        answer = original(identifier, headers)
        if answer[0] == DELETED and found:
            cloudfront._tags.pop(found["ARN"], None)
        return answer

    return delete
