"""Reading Terraform's language: the values of a tfvars file, the variables of a root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glue.deploy.project import Project


class Variable(NamedTuple):
    """A variable of a root, and whether it has to be given a value."""

    name: str
    is_required: bool


def read(path: Path) -> Mapping[str, Any]:
    """Return what a file of Terraform's language holds, attributes and blocks alike.

    Expressions come as text, such as `${var.name}`. Raises InputError for a file that is no
    Terraform, with the place where it stops being any.
    """
    import hcl2
    from lark.exceptions import LarkError

    options = hcl2.SerializationOptions(with_comments=False, strip_string_quotes=True)
    try:
        content: dict[str, Any] = hcl2.loads(
            path.read_text(encoding="utf-8"), serialization_options=options
        )
    except LarkError as error:
        place = str(error).splitlines()[0]
        raise InputError(
            path.name, f"it is no Terraform: {place}", "run `terraform fmt`"
        ) from error
    return content


def declared(project: Project) -> list[Variable]:
    """Return the variables of the platform's root, sorted by name."""
    found: dict[str, bool] = {}
    for path in sorted(project.root.glob("*.tf")):
        for block in read(path).get("variable", []):
            for name, body in block.items():
                if isinstance(body, dict):
                    found[name] = "default" not in body
    return [Variable(name, found[name]) for name in sorted(found)]


def environments(project: Project) -> dict[str, Mapping[str, Any]]:
    """Return what the tfvars file of every environment says, by its name."""
    folder = project.variables_file("any").parent
    return {path.stem: read(path) for path in sorted(folder.glob("*.tfvars"))}
