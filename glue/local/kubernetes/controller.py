"""What a cluster makes of a Job: pods, conditions, and the end of both."""

from __future__ import annotations

import copy
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from glue.local.kubernetes import admission
from glue.local.kubernetes.problems import Problem
from glue.local.kubernetes.store import condition, has_ended, owners
from glue.local.kubernetes.usage import Usage, add

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from glue.local.kubernetes.rules import Rules
    from glue.local.kubernetes.store import Store

Object = dict[str, Any]

TRACKING = "batch.kubernetes.io/job-tracking"
FOREGROUND = "foregroundDeletion"
BACKOFF_LIMIT = 6  # Kubernetes' own, for a Job that does not say


class Verdict(NamedTuple):
    """What a failed pod means for its Job."""

    action: str
    message: str = ""


class Controller:
    """Moves Jobs on. `end_pod` begins the end of a pod, which is removed once it has ended."""

    def __init__(
        self, store: Store, rules: Rules, scale: float, end_pod: Callable[[Object], None]
    ) -> None:
        self.store, self.rules, self.scale, self.end_pod = store, rules, scale, end_pod
        self.usage = Usage(store)
        self._used: dict[str, dict[str, Decimal]] = {}  # by namespace, in this round
        self._full: set[frozenset[tuple[str, Decimal]]] = set()  # what has no room in this round
        self._asked: dict[str, frozenset[tuple[str, Decimal]]] = {}  # by Jobs that had no room

    def tick(self) -> None:
        """Look at every Job, the oldest first, and at what belongs to Jobs that are gone."""
        self._used.clear()
        self._full.clear()
        for job in list(self.store.jobs.values()):
            self._sync(job)
        alive = {job["metadata"]["uid"] for job in self.store.jobs.values()}
        for pod in list(self.store.pods.values()):
            if (own := owners(pod)) and alive.isdisjoint(own):
                self.end_pod(pod)
        for secret in list(self.store.secrets.values()):
            if (own := owners(secret)) and alive.isdisjoint(own):
                self.store.remove(self.store.secrets, secret)

    def delete(self, job: Object, policy: str) -> None:
        """Delete a Job: Foreground after its pods, Background before, Orphan without them."""
        uid = job["metadata"]["uid"]
        if policy == "Foreground":
            if "deletionTimestamp" not in job["metadata"]:
                job["metadata"]["deletionTimestamp"] = self.store.now()
                job["metadata"].setdefault("finalizers", []).append(FOREGROUND)
                self.store.touch(job)
            return
        if policy == "Orphan":
            belonging = [s for s in self.store.secrets.values() if uid in owners(s)]
            for found in (*self.store.pods_of(uid), *belonging):
                self.store.disown(found)
        self.store.remove(self.store.jobs, job)

    def _sync(self, job: Object) -> None:
        own = self.store.pods_of(job["metadata"]["uid"])
        if "deletionTimestamp" in job["metadata"]:
            for pod in own:
                self.end_pod(pod)
            if not own:
                self.store.remove(self.store.jobs, job)
            return
        if condition(job, "Complete") or condition(job, "Failed"):
            self._expire(job)
            return
        if "startTime" not in job["status"]:
            job["status"]["startTime"] = self.store.now()
            self.store.touch(job)
        self._judge(job, own)
        self._enforce_deadline(job)
        self._proceed(job, [pod for pod in own if not has_ended(pod)])

    def _proceed(self, job: Object, active: list[Object]) -> None:
        if target := condition(job, "FailureTarget") or condition(job, "SuccessCriteriaMet"):
            for pod in active:
                self.end_pod(pod)
            if not active:
                self._finish(job, target)
        elif not active:
            self._make_pod(job)
        if job["status"].get("active") != len(active):
            job["status"]["active"] = len(active)
            self.store.touch(job)

    def _judge(self, job: Object, own: list[Object]) -> None:
        """Count the pods that have ended since the last time, and draw the conclusion."""
        for pod in own:
            finalizers = pod["metadata"].get("finalizers", [])
            if not has_ended(pod) or TRACKING not in finalizers:
                continue
            finalizers.remove(TRACKING)
            self.store.touch(pod)
            self.store.touch(job)
            if pod["status"]["phase"] == "Succeeded":
                job["status"]["succeeded"] = 1
                self.store.set_condition(job, "SuccessCriteriaMet", "CompletionsReached")
                continue
            verdict = self._verdict(job, pod)
            if verdict.action == "Ignore":
                continue
            job["status"]["failed"] = job["status"].get("failed", 0) + 1
            if verdict.action == "FailJob":
                self._fail(job, "PodFailurePolicy", verdict.message)
            elif job["status"]["failed"] > job["spec"].get("backoffLimit", BACKOFF_LIMIT):
                self._fail(
                    job, "BackoffLimitExceeded", "Job has reached the specified backoff limit"
                )

    def _verdict(self, job: Object, pod: Object) -> Verdict:
        """Return what the first rule that fits says of a failed pod."""
        rules = (job["spec"].get("podFailurePolicy") or {}).get("rules") or ()
        name = "/".join((pod["metadata"]["namespace"], pod["metadata"]["name"]))
        for index, rule in enumerate(rules):
            action, tail = rule["action"], f"matching {rule['action']} rule at index {index}"
            for wanted in rule.get("onPodConditions") or ():
                held = condition(pod, wanted["type"]) is not None
                if held == (wanted.get("status", "True") == "True"):
                    return Verdict(action, f"Pod {name} has condition {wanted['type']} {tail}")
            if codes := rule.get("onExitCodes"):
                for container, code in _bad_ends(pod, codes.get("containerName")):
                    if (code in codes["values"]) == (codes["operator"] == "In"):
                        said = f"Container {container} for pod {name} failed with exit code {code}"
                        return Verdict(action, f"{said} {tail}")
        return Verdict("Count")

    def _enforce_deadline(self, job: Object) -> None:
        seconds = job["spec"].get("activeDeadlineSeconds")
        if seconds is None or condition(job, "FailureTarget"):
            return
        # Kubernetes' times are whole seconds; half of one decides nothing here but a short test.
        began = datetime.fromisoformat(job["status"]["startTime"]).timestamp()
        if self.store.clock() - began >= max(seconds * self.scale, 1.0):
            self._fail(job, "DeadlineExceeded", "Job was active longer than specified deadline")

    def _fail(self, job: Object, reason: str, message: str) -> None:
        if not condition(job, "FailureTarget"):
            self.store.set_condition(job, "FailureTarget", reason, message)

    def _finish(self, job: Object, target: Object) -> None:
        """Give the Job its last condition, now that nothing of it runs any more."""
        if target["type"] == "SuccessCriteriaMet":
            job["status"]["completionTime"] = self.store.now()
            self.store.set_condition(job, "Complete", target["reason"], target["message"])
        else:
            self.store.set_condition(job, "Failed", target["reason"], target["message"])

    def _expire(self, job: Object) -> None:
        seconds = job["spec"].get("ttlSecondsAfterFinished")
        ended = condition(job, "Complete") or condition(job, "Failed")
        if seconds is None or ended is None:
            return
        since = datetime.fromisoformat(ended["lastTransitionTime"]).timestamp()
        if self.store.clock() - since >= max(seconds * self.scale, 1.0):
            self.delete(job, "Foreground")

    def _make_pod(self, job: Object) -> None:
        """Make a Job's pod, if there is room; of two Jobs that wait the older one comes first."""
        namespace, uid = job["metadata"]["namespace"], job["metadata"]["uid"]
        if self._asked.get(uid) in self._full:
            return
        if namespace not in self._used:
            self._used[namespace] = self.usage.of_namespace(namespace)
        pod, used = _pod(job), self._used[namespace]
        try:
            admission.admit_pod(pod, self.rules.namespaces[namespace], used)
        except Problem as problem:
            if problem.reason == admission.OVER_QUOTA:
                self._asked[uid] = frozenset(admission.usage(pod).items())
                self._full.add(self._asked[uid])
            said = problem.message.replace(pod["metadata"]["name"], job["metadata"]["name"])
            self.store.note(job, "FailedCreate", f"Error creating: {said}")
            return
        self._asked.pop(uid, None)
        self.store.add(self.store.pods, pod)
        add(used, self.usage.of(pod))


def _pod(job: Object) -> Object:
    namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
    uid, template = job["metadata"]["uid"], copy.deepcopy(job["spec"]["template"])
    told = template.get("metadata") or {}
    labels = {
        "batch.kubernetes.io/job-name": name,
        "batch.kubernetes.io/controller-uid": uid,
        "job-name": name,
        "controller-uid": uid,
    }
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name[:57]}-{secrets.token_hex(3)[:5]}",
            "namespace": namespace,
            "labels": {**(told.get("labels") or {}), **labels},
            "annotations": told.get("annotations") or {},
            "finalizers": [TRACKING],
            "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
        },
        "spec": template["spec"],
        "status": {"phase": "Pending"},
    }


def _bad_ends(pod: Object, only: str | None) -> list[tuple[str, int]]:
    """Return the containers of a pod that ended with another code than 0."""
    status = pod["status"]
    every = (*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ()))
    return [
        (entry["name"], entry["state"]["terminated"]["exitCode"])
        for entry in every
        if entry["state"].get("terminated", {}).get("exitCode")
        and (only is None or entry["name"] == only)
    ]
