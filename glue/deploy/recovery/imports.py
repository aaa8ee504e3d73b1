"""Taking things into the state without the platform's configuration.

`terraform import` evaluates the whole configuration with what the state has. Half a platform is
not to be evaluated: of three subnets one is there, and a rule asks for two. So each thing is
imported into a configuration that has nothing but its type, with a state of its own, and what
the provider read of it is carried over to the environment's state, all in one go.
"""

from __future__ import annotations

import json
import secrets
import shutil
from typing import TYPE_CHECKING, Any

from glue.deploy.project import write_json
from glue.deploy.recovery.search import Wanted, parts
from glue.deploy.terraform import Terraform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from glue.deploy.environments import Environment

LOCK_FILE = ".terraform.lock.hcl"
SOURCE = "registry.terraform.io/hashicorp/aws"
# As terraform/platform/versions.tf has them: the second one is for what cannot be elsewhere.
HOME = "aws"
REGIONS = {"aws.us_east_1": "us-east-1"}


class Imports:
    """A scratch configuration for some addresses; leaving it deletes it, and the state in it.

    `providers` says by address which of the root's providers manages it, `planned` what was to
    be made there.
    """

    def __init__(
        self,
        environment: Environment,
        terraform: Terraform,
        addresses: Sequence[str],
        providers: Mapping[str, str],
        planned: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.environment = environment
        self.terraform = terraform
        self.providers = providers
        self.planned = planned
        self.names = {address: f"r{number}" for number, address in enumerate(addresses)}
        self.read: dict[str, dict[str, Any]] = {}
        self.root = environment.project.terraform_folder(environment.name) / "recovery"
        self._scratch: Terraform | None = None

    def __enter__(self) -> Self:
        """Return itself; the folder is made when the first thing is imported."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Delete the configuration, its state and what Terraform keeps for it."""
        shutil.rmtree(self.root, ignore_errors=True)
        if self._scratch is not None:
            shutil.rmtree(self._scratch.folder, ignore_errors=True)

    def take(self, address: str, given: str) -> None:
        """Read one thing from AWS. Raises TerraformError when there is none, or no import."""
        name = f"{Wanted(address, {}).type}.{self.names[address]}"
        scratch = self._prepared()
        scratch.import_resource(name, given)
        for resource in scratch.pull_state()["resources"]:
            if f"{resource['type']}.{resource['name']}" == name:
                self.read[address] = resource["instances"][0]

    def save(self) -> None:
        """Write what was read into the environment's state.

        Raises TerraformError when somebody else holds it.
        """
        if not self.read:
            return
        state = self.terraform.pull_state() or self._prepared().pull_state() | {"resources": []}
        for address, instance in self.read.items():
            instance["attributes"] = completed(
                instance["attributes"], self.planned.get(address, {})
            )
            insert(state, address, instance, self.providers.get(address, HOME))
        self.terraform.push_state(state | {"serial": state["serial"] + 1})
        self.read = {}

    def configuration(self) -> dict[str, Any]:
        """Return a configuration that has the provider, and a resource for each address."""
        facts = self.environment.facts
        settings: dict[str, Any] = {"max_retries": 25}
        if self.environment.is_local:
            settings = {
                "max_retries": 2,
                "s3_use_path_style": True,
                "skip_credentials_validation": True,
                "skip_metadata_api_check": True,
            }
        providers = [{"region": facts.region, **settings}]
        for alias, region in REGIONS.items():
            name = alias.partition(".")[2]
            providers.append({"alias": name, "region": region, **settings})
        resources: dict[str, dict[str, Any]] = {}
        for address, name in self.names.items():
            provider = self.providers.get(address, HOME)
            resources.setdefault(Wanted(address, {}).type, {})[name] = {"provider": provider}
        return {
            "terraform": {"required_providers": {"aws": {"source": SOURCE}}},
            "provider": {"aws": providers},
            "resource": resources,
        }

    def _prepared(self) -> Terraform:
        """Return the scratch Terraform, initialised on first use."""
        if self._scratch is None:
            shutil.rmtree(self.root, ignore_errors=True)
            self.root.mkdir(parents=True, mode=0o700)  # its state may hold secrets
            write_json(self.root / "main.tf.json", self.configuration())
            lock = self.environment.project.lock_file
            if lock.is_file():
                shutil.copyfile(lock, self.root / LOCK_FILE)
            self._scratch = Terraform(
                self.root,
                f"{self.environment.name}-recovery",
                self.environment.project.build,
                self.environment.process_environment,
            )
            self._scratch.init()
        return self._scratch


def completed(read: Mapping[str, Any], planned: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes with what the killed apply would have written of what it was given.

    AWS does not tell all of it, such as where a function's code lies on this disk, and for lack
    of it Terraform would make the thing anew. What AWS does tell is read again by the next plan,
    so this hides no difference. Of several blocks of a kind nobody knows which is which: they
    stay as they were read. Own tags may be none: the others come from the provider.
    """
    return {
        name: _completed(value, planned[name])
        if name in planned and (name == "tags" or planned[name] is not None)
        else value
        for name, value in read.items()
    }


def _completed(read: Any, planned: Any) -> Any:
    """Return one attribute or block as planned, as far as that is known."""
    match read, planned:
        case [dict(mine)], [dict(meant)]:
            return [completed(mine, meant)]
        case _:
            return planned if planned is None or _is_plain(planned) else read


def _is_plain(value: Any) -> bool:
    """Tell whether a value is one, or a list or map of such: a whole attribute, not a block."""
    if isinstance(value, dict):
        return bool(value) and all(isinstance(one, str) for one in value.values())
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, str | int | float) for one in value)
    return isinstance(value, str | int | float)


def insert(state: dict[str, Any], address: str, instance: dict[str, Any], provider: str) -> None:
    """Put an instance into a state.

    One that is at this address already is what the killed apply was replacing. It is deposed, as
    Terraform itself would have done: the next plan destroys it, or sees that it is gone.
    """
    wanted = Wanted(address, {})
    bare = address.removesuffix(wanted.key).removeprefix(f"{wanted.module}.")
    named = {"mode": "managed", "type": wanted.type, "name": bare.partition(".")[2]}
    if wanted.module:
        named["module"] = wanted.module
    if wanted.key:
        instance = {"index_key": json.loads(wanted.key[1:-1]), **instance}
    for resource in state["resources"]:
        if {k: resource[k] for k in ("mode", "type", "name", "module") if k in resource} == named:
            for old in resource["instances"]:
                if old.get("index_key") == instance.get("index_key") and "deposed" not in old:
                    old["deposed"] = secrets.token_hex(4)
            resource["instances"].append(instance)
            return
    alias = provider.partition(".")[2]
    full = f'provider["{SOURCE}"]' + (f".{alias}" if alias else "")
    state["resources"].append({**named, "provider": full, "instances": [instance]})


def providers_of(plan: Mapping[str, Any]) -> dict[str, str]:
    """Return which of the root's providers manages what, by address, as a plan's JSON says."""
    root = plan.get("configuration", {}).get("root_module", {})
    by_name = dict(_configured(root, ""))
    changes = (change["address"] for change in plan.get("resource_changes", []))
    found = {address: by_name.get(_without_keys(address), HOME) for address in changes}
    return {address: provider for address, provider in found.items() if provider != HOME}


def _configured(module: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield each configured resource without keys, and the provider it is given."""
    for resource in module.get("resources", []):
        yield f"{prefix}{resource['address']}", resource["provider_config_key"]
    for name, call in module.get("module_calls", {}).items():
        yield from _configured(call["module"], f"{prefix}module.{name}.")


def _without_keys(address: str) -> str:
    """Return an address as the configuration has it."""
    return ".".join(part.partition("[")[0] for part in parts(address))
