"""The rigs and people of the demonstration: real devices of the platform on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.client.profile import read_profile
from glue.deploy.environments import LOCAL, Environment, read_outputs
from glue.devices import Directory

if TYPE_CHECKING:
    from glue.client.profile import Profile
    from glue.deploy.project import Project


def profile_of(project: Project, device: str, group: str) -> Profile:
    """Return a device's profile; the device is made when it is not there or its key is gone."""
    path = project.local_home / "profiles" / f"{device}.json"
    outputs = read_outputs(LOCAL, project)
    environment = Environment.load(LOCAL, project)
    directory = Directory(
        environment.client("cognito-idp"), environment.client("apigateway"), outputs
    )
    there = any(one.device == device and one.has_key for one in directory.list())
    if not there or not path.is_file():
        directory.add(device, group, rotate=True).save(path)
    return read_profile(path)
