"""What can be made to go wrong, as a test or somebody curious asks for it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

# down: 503. busy: 429. broken: something that is no JSON. refused: 403. unauthorised: 401.
# stranger: a proxy's page with 404. slow: late by `seconds`. lost: done, but the answer is cut.
ApiFaultKind = Literal[
    "down", "busy", "broken", "refused", "unauthorised", "stranger", "slow", "lost"
]


class Wish(BaseModel):
    """A part of what is to go wrong; stray fields are refused."""

    model_config = ConfigDict(extra="forbid")


class ApiFault(Wish):
    """What the API itself does wrong, to the next `times` requests of these verbs."""

    kind: ApiFaultKind
    times: int = Field(default=1, ge=1)
    verbs: tuple[str, ...] = ()  # create, get, list, delete; none: all
    seconds: float = Field(default=1.0, ge=0)


class ContainerFault(Wish):
    """What happens to containers whose name fits, in Jobs whose name fits.

    crash: it ends with `exit_code` after some seconds. memory: the same as if it had taken more
    than its limit. hang: it does nothing and heeds no signal but the last.
    """

    kind: Literal["crash", "memory", "hang"]
    container: str = "*"
    job: str = "*"
    after_seconds: float = Field(default=0.0, ge=0)
    exit_code: int = Field(default=139, ge=1, le=255)
    times: int = Field(default=1, ge=1)


class Faults(Wish):
    """All of it. An empty object is a cluster in which nothing goes wrong."""

    gpu_nodes: int | None = Field(default=None, ge=0)  # how many there may be; null: by the group
    pulls: list[str] = []  # patterns of images that cannot be pulled
    containers: list[ContainerFault] = []
    api: list[ApiFault] = []
    no_controller: bool = False  # Jobs are taken, and nothing comes of them

    def cannot_pull(self, image: str) -> bool:
        """Tell whether an image is to be out of reach."""
        return any(fnmatchcase(image, pattern) for pattern in self.pulls)

    def take_container(self, job: str, container: str) -> ContainerFault | None:
        """Return what is to happen to a container that starts now, and count it."""
        for fault in self.containers:
            if fnmatchcase(job, fault.job) and fnmatchcase(container, fault.container):
                fault.times -= 1
                if not fault.times:
                    self.containers.remove(fault)
                return fault
        return None

    def take_api(self, verb: str) -> ApiFault | None:
        """Return what is to happen to a request, and count it."""
        for fault in self.api:
            if not fault.verbs or verb in fault.verbs:
                fault.times -= 1
                if not fault.times:
                    self.api.remove(fault)
                return fault
        return None
