"""Where recovery looks: the state by type and module, and what carries our tags unknown to it."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from glue.deploy.drift.explained import entries, resources_of
from glue.deploy.drift.unmanaged import Known, other_states, recognised
from glue.deploy.tagged import client, going, tagged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glue.deploy.environments import Environment
    from glue.deploy.tagged import Tagged


class Wanted(NamedTuple):
    """What a killed apply was to make: where it is configured, and what was planned of it."""

    address: str
    values: Mapping[str, Any]

    @property
    def module(self) -> str:
        """The module that it stands in, such as `module.network[0]`; empty for the root."""
        return _module_and_name(self.address)[0]

    @property
    def type(self) -> str:
        """Terraform's type, such as aws_vpc."""
        return _module_and_name(self.address)[1].partition(".")[0]

    @property
    def key(self) -> str:
        """What stands in brackets at the end, brackets included; empty without `for_each`."""
        name = _module_and_name(self.address)[1]
        return name[name.index("[") :] if "[" in name else ""


class Search:
    """What one recovery knows of an environment and asks of its account."""

    def __init__(self, environment: Environment, state: Mapping[str, Any]) -> None:
        self.environment = environment
        self.resources = {
            entry.address: (Wanted(entry.address, entry.values), entry.values)
            for entry in entries(state)
        }
        self.state = state

    def client(self, service: str, region: str = "") -> Any:
        """Return a client of the account, in the home region unless told otherwise."""
        return client(self.environment, service, region)

    @cached_property
    def strangers(self) -> tuple[Tagged, ...]:
        """What carries our tags, stays, is in no state, and not for a reason that is known."""
        known = Known(resources_of(one) for one in (self.state, *other_states(self.environment)))
        return tuple(
            one
            for one in tagged(self.environment)
            if not known.has(one)
            and recognised(one, known) is None
            and going(self.environment, one) is None
        )

    def known(self, kind: str, attribute: str = "id") -> set[Any]:
        """Return one attribute of all that the state has of a type."""
        return {v.get(attribute) for one, v in self.resources.values() if one.type == kind}

    def parent(self, wanted: Wanted, kind: str, attribute: str) -> Any:
        """Return an attribute of the resource of a type that another belongs to, or None.

        What a resource belongs to was made before it, so the state has it: in its own module or
        in one around that, under the same key if there is one for each key.
        """
        module = wanted.module
        while True:
            mine = [
                (one.key, values)
                for one, values in self.resources.values()
                if one.type == kind and one.module == module
            ]
            same = [values for key, values in mine if key == wanted.key]
            for found in (same, [values for _, values in mine]):
                if len(found) == 1:
                    return found[0].get(attribute)
            if not module:
                return None
            module = _around(module)


def _module_and_name(address: str) -> tuple[str, str]:
    """Split an address into its module and what stands in it; keys may hold dots."""
    split = parts(address)
    at = 0
    while at < len(split) - 2 and split[at] == "module":
        at += 2
    return ".".join(split[:at]), ".".join(split[at:])


def _around(module: str) -> str:
    """Return the module that a module stands in."""
    return ".".join(parts(module)[:-2])


def parts(address: str) -> list[str]:
    """Split an address at its dots, but not at those within a key."""
    found, start, at = [], 0, 0
    while at < len(address):
        if address[at] == '"':
            _, at = json.JSONDecoder().raw_decode(address, at)
            continue
        if address[at] == ".":
            found.append(address[start:at])
            start = at + 1
        at += 1
    return [*found, address[start:]]
