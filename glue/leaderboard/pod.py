"""The Job of an attempt: for each worker a simulator, an agent and the evaluator between them.

The evaluator is ours, and it alone writes the results; its end is the end of the run. Simulator
and agent run beside it and are started again when they end. The agent is the participant's: the
only folder it shares with anybody is the one that holds its own output, and what it may send
through it decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from glue.errors import InputError
from glue.leaderboard.kubernetes.values import (
    Container,
    JobValues,
    Mount,
    Resources,
    Uploader,
    Volume,
)
from glue.leaderboard.names import RESULTS_FILE, job_name

if TYPE_CHECKING:
    from glue.leaderboard.run import Run
    from glue.leaderboard.services import Services
    from glue.leaderboard.table import SubmissionItem
    from glue.settings import ContainerResources

SIMULATOR_PORT, AGENT_PORT = 2000, 3000  # of the first worker
PORTS = 100  # from one worker's to the next's: a simulator uses several
RESULTS, OUTPUT, UPLOADS = "/results", "/output", "/uploads"
RESULTS_MIB, OUTPUT_MIB = 256, 2048
UPLOADER_SLACK = 10  # seconds, or a quarter of the grace if that is less
SHORTEST_SECONDS = 60  # that Kubernetes is told; shorter deadlines are the watch's own business


def job_values(services: Services, run: Run, item: SubmissionItem) -> JobValues:
    """Return what the Job of an attempt is made of.

    Raises InputError when that is not possible with the leaderboard's configuration.
    """
    pod, image = services.pod, run.image or item.image
    name = job_name(services.leaderboard, run.submission, run.attempt)
    if image is None:
        raise InputError("image", "the submission has none", "submit it again with an image")
    try:
        workers = [
            _worker(services, item, image, worker, routes)
            for worker, routes in enumerate(shares(services.evaluation.routes, pod.workers), 1)
        ]
        return JobValues(
            name=name,
            leaderboard=services.leaderboard,
            submission=run.submission,
            attempt=run.attempt,
            uploader=_uploader(services, name),
            sidecars=tuple(sidecar for worker in workers for sidecar in worker[:2]),
            main=tuple(worker[2] for worker in workers),
            volumes=tuple(
                volume for worker in range(1, pod.workers + 1) for volume in _volumes(worker)
            ),
            log_group=services.parameters.cloudwatch_log_group,
            run_seconds=max(pod.run_seconds, SHORTEST_SECONDS),
            waiting_seconds=max(pod.waiting_seconds, SHORTEST_SECONDS),
            grace_seconds=pod.grace_seconds,
            on_disruption=pod.on_disruption,
            node_labels=pod.node_labels,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InputError(
            ".".join(str(step) for step in first["loc"]) or "pod",
            f"the Job cannot be made like this: {first['msg']}",
            "correct the leaderboard's entry in the environment's variables",
        ) from None


def shares(routes: int, workers: int) -> list[range]:
    """Return which routes each worker drives, numbered from 0; the first may have one more.

    Raises InputError when a worker would have none.
    """
    if workers > routes:
        raise InputError(
            "workers", f"{workers} share {routes} routes", f"write {routes} workers or fewer"
        )
    each, more = divmod(routes, workers)
    ends = [worker * each + min(worker, more) for worker in range(workers + 1)]
    return [range(ends[worker], ends[worker + 1]) for worker in range(workers)]


def log_containers(workers: int) -> dict[str, list[str]]:
    """Return the names of the containers of each kind: agent, evaluator, simulator."""
    return {
        kind: [f"{kind}-{worker}" for worker in range(1, workers + 1)]
        for kind in ("agent", "evaluator", "simulator")
    }


def _worker(
    services: Services, item: SubmissionItem, image: str, worker: int, routes: range
) -> tuple[Container, Container, Container]:
    pod, evaluation, parameters = services.pod, services.evaluation, services.parameters
    simulator_port = str(SIMULATOR_PORT + (worker - 1) * PORTS)
    agent_port = str(AGENT_PORT + (worker - 1) * PORTS)
    track = codename(item.track)
    common = {"WORKER_ID": str(worker), "SUBMISSION_WORKERS": str(pod.workers)}
    simulator = Container(
        name=f"simulator-{worker}",
        image=parameters.simulator_image,
        variables=common
        | {"CARLA_PORT": simulator_port, "OUTPUT_FOLDER": OUTPUT}
        | _graphics(pod.simulator),
        resources=_resources(pod.simulator),
        mounts=(Mount(volume=f"simulator-output-{worker}", path=OUTPUT),),
    )
    agent = Container(
        name=f"agent-{worker}",
        image=image,
        variables=common
        | {"AGENT_PORT": agent_port, "OUTPUT_FOLDER": OUTPUT, "CHALLENGE_TRACK_CODENAME": track}
        | _graphics(pod.agent),
        resources=_resources(pod.agent),
        mounts=(Mount(volume=f"agent-output-{worker}", path=OUTPUT),),
    )
    evaluator = Container(
        name=f"evaluator-{worker}",
        image=parameters.leaderboard_image,
        variables=common
        | {
            "CARLA_PORT": simulator_port,
            "AGENT_PORT": agent_port,
            "LEADERBOARD": services.leaderboard,
            "CARLA_VERSION": evaluation.version or "",
            "CHALLENGE_TRACK_CODENAME": track,
            "ROUTES_SUBSET": _subset(routes),
            "REPETITIONS": str(evaluation.repetitions),
            "RESULTS_FILE": f"{RESULTS}/{RESULTS_FILE}",
        },
        resources=_resources(pod.evaluator),
        mounts=(Mount(volume=f"results-{worker}", path=RESULTS),),
    )
    return simulator, agent, evaluator


def _subset(routes: range) -> str:
    """Return routes as the evaluator reads them; 1.0's takes a single one as a number only."""
    return str(routes[0]) if len(routes) == 1 else f"{routes[0]}-{routes[-1]}"


def codename(track: str | None) -> str:
    """Return a track's codename, such as SENSORS, of whatever spelling the table has of it."""
    return (track or "").replace(":", "-").rpartition("-")[2]


def _uploader(services: Services, name: str) -> Uploader:
    grace = services.pod.grace_seconds
    folders = {
        f"worker-{worker}/{kind}": volume
        for worker in range(1, services.pod.workers + 1)
        for kind, volume in (
            ("results", f"results-{worker}"),
            ("agent", f"agent-output-{worker}"),
            ("simulator", f"simulator-output-{worker}"),
        )
    }
    return Uploader(
        image=services.parameters.logcopy_image,
        form_secret=name,
        mounts=tuple(
            Mount(volume=volume, path=f"{UPLOADS}/{folder}", is_read_only=True)
            for folder, volume in folders.items()
        ),
        arguments=tuple(f"{folder}={UPLOADS}/{folder}" for folder in folders),
        variables={
            "PERIOD_SECONDS": str(services.pod.upload_seconds),
            # Its last round has to be over before Kubernetes loses patience.
            "LAST_SECONDS": str(grace - min(UPLOADER_SLACK, grace // 4)),
        },
    )


def _volumes(worker: int) -> tuple[Volume, ...]:
    return (
        Volume(name=f"results-{worker}", size_mib=RESULTS_MIB),
        Volume(name=f"agent-output-{worker}", size_mib=OUTPUT_MIB),
        Volume(name=f"simulator-output-{worker}", size_mib=OUTPUT_MIB),
    )


def _resources(resources: ContainerResources) -> Resources:
    values: dict[str, Any] = resources.model_dump()
    return Resources(**values)


def _graphics(resources: ContainerResources) -> dict[str, str]:
    """Return what makes the driver's graphics libraries appear beside those for computing."""
    return {"NVIDIA_DRIVER_CAPABILITIES": "all"} if resources.gpus else {}
