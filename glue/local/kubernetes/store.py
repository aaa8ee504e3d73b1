"""Jobs, pods, Secrets and events, as the API shows them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Object = dict[str, Any]
Key = tuple[str, str]

ENDED = ("Succeeded", "Failed")
MOST_EVENTS = 5000
RECOUNTED_SECONDS = 2.0  # an event that happens again and again is counted that often


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
    """Everything the stand-in knows. `clock` tells the seconds since 1970.

    Whoever changes an object calls `touch`; `changed` holds what is to be written down, by uid,
    with None for what was removed.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.jobs: dict[Key, Object] = {}
        self.pods: dict[Key, Object] = {}
        self.secrets: dict[Key, Object] = {}
        self.events: dict[Key, Object] = {}
        self.changed: dict[str, Object | None] = {}
        self.version = 0
        self._noted: dict[tuple[str, str, str], Object] = {}
        self._owned: dict[str, dict[str, Object]] = {}  # pods, by the uid of their Job

    def now(self) -> str:
        """Return the time as Kubernetes writes it."""
        return moment(self.clock())

    def touch(self, found: Object) -> None:
        """Note that an object has changed."""
        self.version += 1
        found["metadata"]["resourceVersion"] = str(self.version)
        self.changed[found["metadata"]["uid"]] = found

    def add(self, held: dict[Key, Object], found: Object) -> None:
        """Keep a new object, with the metadata that Kubernetes gives."""
        found["metadata"] |= {
            "uid": str(uuid.uuid4()),
            "creationTimestamp": self.now(),
            "generation": 1,
        }
        self.touch(found)
        self._keep(held, found)

    def remove(self, held: dict[Key, Object], found: Object) -> None:
        """Forget an object."""
        self.version += 1
        held.pop(key(found), None)
        uid = found["metadata"]["uid"]
        self.changed[uid] = None
        for owner in owners(found):
            if own := self._owned.get(owner):
                own.pop(uid, None)
                if not own:
                    del self._owned[owner]

    def set_condition(self, found: Object, kind: str, reason: str = "", message: str = "") -> None:
        """Fulfil a condition of an object's status."""
        conditions = found["status"].setdefault("conditions", [])
        conditions[:] = [entry for entry in conditions if entry["type"] != kind]
        made = {"type": kind, "status": "True", "lastTransitionTime": self.now()}
        conditions.append(made | {"reason": reason, "message": message})
        self.touch(found)

    def pods_of(self, uid: str) -> list[Object]:
        """Return the pods that a Job made, the oldest first."""
        return list(self._owned.get(uid, {}).values())

    def disown(self, found: Object) -> None:
        """Make an object belong to nobody."""
        for owner in owners(found):
            self._owned.get(owner, {}).pop(found["metadata"]["uid"], None)
        del found["metadata"]["ownerReferences"]
        self.touch(found)

    def note(self, about: Object, reason: str, message: str) -> None:
        """Write an event about an object; the same one again only counts up, now and then."""
        identity, now = about["metadata"]["uid"], self.clock()
        known = self._noted.get((identity, reason, message))
        if known is not None:
            last = datetime.fromisoformat(known["lastTimestamp"]).timestamp()
            if now - last >= RECOUNTED_SECONDS:
                known["count"] += 1
                known["lastTimestamp"] = self.now()
                self.touch(known)
            return
        namespace, name = key(about)
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name}.{uuid.uuid4().hex[:16]}", "namespace": namespace},
            "involvedObject": {
                "kind": about["kind"], "namespace": namespace, "name": name, "uid": identity,
            },
            "reason": reason,
            "message": message,
            "type": "Normal" if reason in ("Scheduled", "TriggeredScaleUp") else "Warning",
            "firstTimestamp": self.now(),
            "lastTimestamp": self.now(),
            "count": 1,
        }  # fmt: skip
        self.add(self.events, event)
        if len(self.events) > MOST_EVENTS:
            oldest = next(iter(self.events.values()))
            self.remove(self.events, oldest)
            self._noted.pop(_content(oldest), None)

    def take_up(self, found: Iterable[Object], version: int) -> None:
        """Hold what an earlier stand-in wrote down."""
        held = {"Job": self.jobs, "Pod": self.pods, "Secret": self.secrets, "Event": self.events}
        self.version = version
        for entry in found:
            self._keep(held[entry["kind"]], entry)

    def _keep(self, held: dict[Key, Object], found: Object) -> None:
        held[key(found)] = found
        if found["kind"] == "Event":
            self._noted[_content(found)] = found
        if found["kind"] == "Pod":
            for owner in owners(found):
                self._owned.setdefault(owner, {})[found["metadata"]["uid"]] = found


def owners(found: Object) -> list[str]:
    """Return the uids of those an object belongs to."""
    return [owner["uid"] for owner in found["metadata"].get("ownerReferences") or ()]


def _content(event: Object) -> tuple[str, str, str]:
    return event["involvedObject"]["uid"], event["reason"], event["message"]
