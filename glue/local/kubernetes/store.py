"""Jobs, pods and events, as the API shows them, and the file that outlives a restart."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Object = dict[str, Any]
Key = tuple[str, str]

ENDED = ("Succeeded", "Failed")
MOST_EVENTS = 5000


def moment(at: float) -> str:
    """Return a time in seconds since 1970 as Kubernetes writes it: UTC, whole seconds."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def key(found: Object) -> Key:
    """Return an object's namespace and name."""
    return found["metadata"]["namespace"], found["metadata"]["name"]


def condition(found: Object, kind: str) -> Object | None:
    """Return a condition of an object's status, None if it has it not or not fulfilled."""
    for entry in found["status"].get("conditions") or ():
        if entry["type"] == kind and entry["status"] == "True":
            held: Object = entry
            return held
    return None


def has_ended(pod: Object) -> bool:
    """Tell whether a pod's containers all ended for good."""
    return pod["status"].get("phase") in ENDED


class Store:
    """Everything the stand-in knows. `clock` tells the seconds since 1970."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.jobs: dict[Key, Object] = {}
        self.pods: dict[Key, Object] = {}
        self.events: list[Object] = []
        self.version = 0

    def now(self) -> str:
        """Return the time as Kubernetes writes it."""
        return moment(self.clock())

    def touch(self, found: Object) -> None:
        """Note that an object has changed."""
        self.version += 1
        found["metadata"]["resourceVersion"] = str(self.version)

    def add(self, held: dict[Key, Object], found: Object) -> None:
        """Keep a new object, with the metadata that Kubernetes gives."""
        found["metadata"] |= {
            "uid": str(uuid.uuid4()),
            "creationTimestamp": self.now(),
            "generation": 1,
        }
        self.touch(found)
        held[key(found)] = found

    def remove(self, held: dict[Key, Object], found: Object) -> None:
        """Forget an object."""
        self.version += 1
        held.pop(key(found), None)

    def set_condition(self, found: Object, kind: str, reason: str = "", message: str = "") -> None:
        """Fulfil a condition of an object's status."""
        conditions = found["status"].setdefault("conditions", [])
        conditions[:] = [entry for entry in conditions if entry["type"] != kind]
        made = {"type": kind, "status": "True", "lastTransitionTime": self.now()}
        conditions.append(made | {"reason": reason, "message": message})
        self.touch(found)

    def pods_of(self, uid: str) -> Iterator[Object]:
        """Yield the pods that an object made."""
        for pod in self.pods.values():
            if any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences", ())):
                yield pod

    def note(self, about: Object, kind: str, reason: str, message: str) -> None:
        """Write an event about an object; the same one again only counts up."""
        identity = about["metadata"]["uid"]
        for event in self.events:
            known = event["involvedObject"]["uid"], event["reason"], event["message"]
            if known == (identity, reason, message):
                event["count"] += 1
                event["lastTimestamp"] = self.now()
                return
        namespace, name = key(about)
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name}.{uuid.uuid4().hex[:16]}", "namespace": namespace},
            "involvedObject": {
                "kind": kind, "namespace": namespace, "name": name, "uid": identity,
            },
            "reason": reason,
            "message": message,
            "type": "Normal" if reason in ("Scheduled", "TriggeredScaleUp") else "Warning",
            "firstTimestamp": self.now(),
            "lastTimestamp": self.now(),
            "count": 1,
        }  # fmt: skip
        self.touch(event)
        self.events = [*self.events[-MOST_EVENTS:], event]

    def save(self, path: Path) -> None:
        """Write everything to a file, in one step."""
        held = {
            "version": self.version,
            "jobs": list(self.jobs.values()),
            "pods": list(self.pods.values()),
            "events": self.events,
        }
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(held), encoding="utf-8")
        fresh.replace(path)

    def load(self, path: Path) -> None:
        """Read what an earlier stand-in saved, if there was one."""
        if not path.exists():
            return
        held = json.loads(path.read_text(encoding="utf-8"))
        self.version = held["version"]
        self.jobs = {key(job): job for job in held["jobs"]}
        self.pods = {key(pod): pod for pod in held["pods"]}
        self.events = held["events"]
