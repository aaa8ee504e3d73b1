"""Where Terraform gets its providers from: a mirror on this machine, or the registry.

Terraform ignores its usual mirror folders as soon as a configuration file says anything
about installation, and ours is set for every call, so the folders are looked for here.
"""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from glue.deploy.project import write_file
from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MIRROR_VARIABLE = "TF_PLUGIN_MIRROR"
REGISTRY = "registry.terraform.io"

# Folders one level below this one may be mirrors that an image or an administrator brought.
OPTIONAL_SOFTWARE = Path("/opt")

LOCKED_PROVIDER = re.compile(
    r'^provider\s+"(?P<address>[^"]+)"\s*\{[^}]*?^\s*version\s*=\s*"(?P<version>[^"]+)"',
    re.MULTILINE,
)
PROCESSORS = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class Provider(NamedTuple):
    """A provider and the version a lock file asks for; None takes any version."""

    address: str
    version: str | None


def platform_name(system: str = "", machine: str = "") -> str:
    """Return this machine's platform in Terraform's words, such as linux_amd64."""
    name = (machine or platform.machine()).lower()
    return f"{(system or platform.system()).lower()}_{PROCESSORS.get(name, name)}"


def locked_providers(lock_file: Path) -> list[Provider]:
    """Return the providers a lock file names; none when there is no such file."""
    if not lock_file.is_file():
        return []
    text = lock_file.read_text(encoding="utf-8")
    return [Provider(m["address"], m["version"]) for m in LOCKED_PROVIDER.finditer(text)]


def mirrors(environment: Mapping[str, str], optional: Path = OPTIONAL_SOFTWARE) -> list[Path]:
    """Return the provider mirrors of this machine, the preferred one first.

    TF_PLUGIN_MIRROR names the only one to use; otherwise a mirror one level below /opt, then
    the folders Terraform itself would look in. Raises InputError when TF_PLUGIN_MIRROR names
    a folder that is no mirror.
    """
    named = environment.get(MIRROR_VARIABLE)
    if named:
        folder = Path(named).expanduser().absolute()
        if not (folder / REGISTRY).is_dir():
            raise InputError(
                MIRROR_VARIABLE,
                f"{folder} holds no folder {REGISTRY}",
                "name the folder that `terraform providers mirror` wrote, or unset the variable",
            )
        return [folder]
    installed = sorted(optional.glob(f"*/{REGISTRY}")) if optional.is_dir() else []
    folders = [path.parent for path in installed] + usual_mirrors(environment)
    return [folder for folder in dict.fromkeys(folders) if (folder / REGISTRY).is_dir()]


def usual_mirrors(environment: Mapping[str, str]) -> list[Path]:
    """Return the folders Terraform looks in when nothing is configured, present or not."""
    home = Path(environment.get("HOME") or Path.home())
    data = environment.get("XDG_DATA_HOME") or str(home / ".local" / "share")
    shared = environment.get("XDG_DATA_DIRS") or os.pathsep.join(["/usr/local/share", "/usr/share"])
    folders = [home / ".terraform.d" / "plugins", Path(data) / "terraform" / "plugins"]
    folders += [Path(part) / "terraform" / "plugins" for part in shared.split(os.pathsep) if part]
    if platform.system() == "Darwin":
        folders += [
            home / "Library" / "Application Support" / "io.terraform" / "plugins",
            Path("/Library/Application Support/io.terraform/plugins"),
        ]
    return folders


def holds(mirror: Path, provider: Provider, target: str) -> bool:
    """Tell whether a mirror has a provider for a platform, unpacked or as an archive."""
    folder = mirror / provider.address
    kind = provider.address.rsplit("/", 1)[-1]
    version = provider.version or "*"
    unpacked = folder.glob(f"{version}/{target}")
    archives = folder.glob(f"terraform-provider-{kind}_{version}_{target}.zip")
    return any(unpacked) or any(archives)


def everything_in(mirror: Path) -> list[Provider]:
    """Return all providers a mirror has, of whatever version."""
    found = (path for path in (mirror / REGISTRY).glob("*/*") if path.is_dir())
    return [Provider(path.relative_to(mirror).as_posix(), None) for path in sorted(found)]


def cli_config(
    build: Path,
    lock_files: Iterable[Path] = (),
    environment: Mapping[str, str] | None = None,
    optional: Path = OPTIONAL_SOFTWARE,
) -> Path:
    """Write Terraform's configuration file for this machine and return its path.

    Each provider that the lock files name comes from the first mirror that has the locked
    version for this platform; what no mirror has comes from the registry, into a cache that
    all environments share. Without a lock file the mirrors serve whatever they have.
    """
    environment = os.environ if environment is None else environment
    found = mirrors(environment, optional)
    wanted = [provider for file in lock_files for provider in locked_providers(file)]
    served: dict[Path, list[str]] = {}
    for provider in dict.fromkeys(wanted or [p for m in found for p in everything_in(m)]):
        mirror = next((m for m in found if holds(m, provider, platform_name())), None)
        if mirror is not None:
            served.setdefault(mirror, []).append(provider.address)
    here = {address for addresses in served.values() for address in addresses}
    all_here = bool(wanted) and here.issuperset(provider.address for provider in wanted)

    folder = build / "terraform"
    text = "disable_checkpoint = true\n"
    if not all_here:
        cache = folder / "providers"
        cache.mkdir(parents=True, exist_ok=True)
        text += f"plugin_cache_dir   = {_quoted(cache)}\n"
    text += "\nprovider_installation {\n"
    for mirror, addresses in served.items():
        text += (
            "  filesystem_mirror {\n"
            f"    path    = {_quoted(mirror)}\n"
            f"    include = [{', '.join(map(_quoted, addresses))}]\n"
            "  }\n"
        )
    if here:
        excluded = ", ".join(map(_quoted, sorted(here)))
        text += f"  direct {{\n    exclude = [{excluded}]\n  }}\n}}\n"
    else:
        text += "  direct {}\n}\n"
    path = folder / "cli.tfrc"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_file(path, text)
    return path


def _quoted(value: Path | str) -> str:
    """Return a value as a string of the configuration language."""
    text = value.as_posix() if isinstance(value, Path) else value
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${") + '"'
