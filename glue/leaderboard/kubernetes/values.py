"""What a Job is made of, checked before Kubernetes sees it.

Limits that the namespace `jobs` sets stand here as well (tests compare the two): a Job that
breaks one would be taken and never get a pod.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

NAMESPACE = "jobs"
MOST_CPU_MILLIS, MOST_MEMORY_MIB, MOST_DISK_GIB = 16_000, 64 * 1024, 150  # kubernetes/base/jobs
MOST_GPUS = 16
LONGEST_SECONDS = 14 * 24 * 3600  # EvalAI gives up a submission by itself after two weeks
MIB_PER_GIB = 1024

DNS_LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
LABEL_VALUE = r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"
LABEL_KEY = r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?" + LABEL_VALUE.removeprefix("^")
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
# Names under which programs look for credentials. None may stand beside a stranger's code: it
# can read the memory of what it runs with, and whatever its own container is given.
CREDENTIAL = re.compile(r"^AWS_|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|PRIVATE_KEY", re.IGNORECASE)
UPLOADER, FORM = "uploader", "form"  # names of a container and of volumes that job.py adds
FORM_KEY = "form.json"  # of the Secret with the uploader's form, and the file's name
FORM_FILE = "FORM_FILE"  # the variable that names that file
READY_FILE = "READY_FILE"  # the variable that names the file by which it says that it is ready
FORM_FOLDER, TEMPORARY_FOLDER = "/form", "/tmp"  # noqa: S108 - a folder of the container's own


def _without_credentials(environment: dict[str, str]) -> dict[str, str]:
    wrong = sorted(
        name
        for name in environment
        if re.fullmatch(VARIABLE, name) is None
        or CREDENTIAL.search(name)
        or name in (FORM_FILE, READY_FILE)
    )
    if wrong:
        raise ValueError(
            f"{', '.join(wrong)}: write names of letters, digits and underscores other than "
            f"{FORM_FILE} and {READY_FILE}, and give no container a credential"
        )
    return environment


def _plain(path: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9_.-]+)+", path) or {".", ".."} & set(path.split("/")):
        raise ValueError(f"{path}: write an absolute path such as /results")
    return path


Name = Annotated[str, Field(pattern=DNS_LABEL)]
LabelValue = Annotated[str, Field(pattern=LABEL_VALUE)]
LabelKey = Annotated[str, Field(pattern=LABEL_KEY)]
AbsolutePath = Annotated[str, AfterValidator(_plain)]
Variables = Annotated[dict[str, str], AfterValidator(_without_credentials)]
Image = Annotated[str, Field(pattern=r"^[^\s]{1,512}$")]


class Values(BaseModel):
    """Values that are what they are named, do not change, and have no stray fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Resources(Values):
    """What a container may use at most, and is promised: the two are the same here.

    A promise below the limit would let one submission slow down another on the same node.
    """

    cpu_millis: int = Field(default=1000, ge=10, le=MOST_CPU_MILLIS)
    memory_mib: int = Field(default=2048, ge=16, le=MOST_MEMORY_MIB)
    disk_gib: int = Field(default=5, ge=1, le=MOST_DISK_GIB)
    gpus: int = Field(default=0, ge=0, le=MOST_GPUS)


class Volume(Values):
    """A folder that containers of the pod share; it is empty at first and ends with the pod."""

    name: Name
    size_mib: int = Field(default=1024, ge=1, le=MOST_DISK_GIB * MIB_PER_GIB)


class Mount(Values):
    """Where a container sees a volume."""

    volume: Name
    path: AbsolutePath
    is_read_only: bool = False


class Container(Values):
    """One container. What it does not say, its image says: command, user, working folder."""

    name: Name
    image: Image
    command: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    variables: Variables = {}
    resources: Resources = Resources()
    mounts: tuple[Mount, ...] = ()
    # Number of the user it runs as. None leaves it to the image, which may say root.
    user: int | None = Field(default=None, ge=1, le=2**31 - 1)
    # Strangers' images write where they like; ours do not.
    has_read_only_root: bool = False


class Uploader(Values):
    """Our container beside the stranger's: it reads shared folders and sends them to S3.

    All it holds is one presigned POST form, good for one prefix and for a while. The form is in
    the Secret `form_secret`, key `form.json`, and is replaced there before it ends.
    """

    image: Image
    form_secret: Name
    mounts: tuple[Mount, ...] = Field(min_length=1)
    arguments: tuple[str, ...] = ()
    variables: Variables = {}
    resources: Resources = Resources(cpu_millis=200, memory_mib=256, disk_gib=1)
    user: int = Field(default=65532, ge=1, le=2**31 - 1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        wrong = [mount.volume for mount in self.mounts if not mount.is_read_only]
        if wrong:
            raise ValueError(f"mounts: {', '.join(wrong)}: write is_read_only=True; it only reads")
        taken = sorted({mount.path for mount in self.mounts} & {FORM_FOLDER, TEMPORARY_FOLDER})
        if taken:
            raise ValueError(f"mounts: {', '.join(taken)}: show it elsewhere; the path is taken")
        if self.resources.gpus:
            raise ValueError("resources.gpus: write 0; sending files needs no GPU")
        return self


class JobValues(Values):
    """A submission's Job.

    `main` are the containers whose end is the end of the run; `sidecars` (a simulator, say) run
    beside them, are started again when they end, and are ended after them; `preparation` runs
    before, one after the other.
    """

    name: Name
    leaderboard: LabelValue
    submission: int = Field(ge=1)
    attempt: int = Field(ge=1)
    uploader: Uploader
    preparation: tuple[Container, ...] = ()
    sidecars: tuple[Container, ...] = ()
    main: tuple[Container, ...] = Field(min_length=1)
    volumes: tuple[Volume, ...] = ()
    log_group: LabelValue
    # From the pod's start on its node to its end, images' pulling included.
    run_seconds: int = Field(ge=60, le=LONGEST_SECONDS)
    # For a node, before that; a GPU from nothing takes some ten minutes, or hours in a shortage.
    waiting_seconds: int = Field(ge=60, le=LONGEST_SECONDS)
    # For the uploader to send what is left once the run has ended.
    grace_seconds: int = Field(default=300, ge=5, le=3600)
    # Kept so long after its end, in case nobody deletes it.
    kept_seconds: int = Field(default=24 * 3600, ge=600, le=7 * 24 * 3600)
    # When a node is lost or taken back: begin again, or give up.
    on_disruption: Literal["restart", "fail"] = "restart"
    priority: Literal["job", "job-urgent"] = "job"
    node_labels: dict[LabelKey, LabelValue] = {}
    tolerated_taints: tuple[LabelKey, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [container.name for container in self.containers]
        if len(set(names)) != len(names) or UPLOADER in names:
            raise ValueError("containers: give each a name of its own; `uploader` is taken")
        volumes = {volume.name for volume in self.volumes}
        if len(volumes) != len(self.volumes) or volumes & {UPLOADER, FORM}:
            raise ValueError("volumes: give each a name of its own; `uploader`, `form` are taken")
        every = [container.mounts for container in self.containers]
        for mounts in (*every, self.uploader.mounts):
            unknown = sorted({mount.volume for mount in mounts} - volumes)
            if unknown:
                raise ValueError(f"mounts: {', '.join(unknown)}: name it in volumes first")
            paths = [mount.path for mount in mounts]
            if len(set(paths)) != len(paths):
                raise ValueError("mounts: a path can show one volume only")
        return self

    @property
    def containers(self) -> tuple[Container, ...]:
        """All containers but the uploader."""
        return (*self.preparation, *self.sidecars, *self.main)

    @property
    def needs_gpu(self) -> bool:
        """Whether it can run on nodes with GPUs only."""
        return any(container.resources.gpus for container in self.containers)
