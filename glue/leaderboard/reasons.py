"""Why an attempt fails, in sentences that its participant understands.

They say whose fault it is and what comes next, and nothing of our machinery that is nobody's
business. What an operator does about it is `remedy_of`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from glue.leaderboard.results.parsed import show
from glue.leaderboard.run import Failure

if TYPE_CHECKING:
    from glue.leaderboard.kubernetes.status import Phase
    from glue.leaderboard.results.parsed import Parsed
    from glue.leaderboard.run import StepError

OURS = "This is no fault of the submission; the hosts can run it again."
LONGEST_WORDS = 500  # characters that are quoted of somebody else's words
HOUR, MINUTE = 3600, 60

_WAITED = {
    "no_gpu_node": f"no machine with a free GPU could be had. {OURS}",
    "unschedulable": f"no machine fits it. {OURS}",
    "quota": f"the leaderboard's share of the cluster was used up. {OURS}",
    "rejected": f"the cluster does not take it. {OURS}",
    "configuration": f"something that it needs is missing in the cluster. {OURS}",
    "crashing": "a container that it needs ended again and again.",
    "restarting": f"its machine was taken away and no other came. {OURS}",
    "suspended": f"an operator has suspended it. {OURS}",
}
_ENDED = {
    "out_of_memory": f"a container took more memory than it may. {OURS}",
    "cannot_start": f"a container could not be started. {OURS}",
    "disk_full": (
        "it wrote more to its disk than it may. Make the agent write less to its output folder."
    ),
    "evicted": f"its machine was needed otherwise. {OURS}",
    "preempted": f"its machine was needed for something more urgent. {OURS}",
    "node_lost": f"its machine was lost. {OURS}",
    "rejected": f"the machine did not take it. {OURS}",
}
_ERRORS = {
    "EvalAIBusy": ("evalai_busy", f"EvalAI took no more calls for hours. {OURS}"),
    "EvalAIUnavailable": ("evalai_unavailable", f"EvalAI did not answer for hours. {OURS}"),
    "EvalAIRefused": ("evalai_refused", f"EvalAI does not accept the leaderboard's token. {OURS}"),
    "KubernetesUnavailable": ("kubernetes_unavailable", f"The cluster did not answer. {OURS}"),
    "KubernetesRefused": ("kubernetes_refused", f"The cluster did not take it. {OURS}"),
    "Conflict": ("kubernetes_refused", f"The cluster did not take it. {OURS}"),
    "InputError": ("configuration", f"The leaderboard is not set up as it should be. {OURS}"),
    "States.Timeout": ("step_timeout", f"A step of ours took too long. {OURS}"),
    "Sandbox.Timedout": ("step_timeout", f"A step of ours took too long. {OURS}"),
}
_INTERNAL = ("internal", f"A step of ours failed. {OURS}")
_REMEDIES = {
    "no_gpu_node": "see that the GPU node groups may grow and AWS has capacity",
    "unschedulable": "compare the leaderboard's `containers` and `node_labels` with the nodes",
    "quota": "let other Jobs end, or raise the quota of the namespace jobs",
    "image_pull": "see that the image is there and that the nodes' role may pull it",
    "evalai_refused": "renew the token by `glue leaderboard connect`",
    "rejected_by_evalai": (
        "compare the labels, the split and the phases at EvalAI with the leaderboard's "
        "`evaluation`; the results are kept in the bucket"
    ),
    "configuration": "read the function's log for what to correct",
    "kubernetes_refused": "read the function's log, and check its access to the cluster",
    "internal": "read the function's log",
    "step_timeout": "read the function's log",
    "results_unusable": (
        "compare the results files in the bucket with the leaderboard's `evaluation`"
    ),
    "results_not_sent": (
        "read what the uploader printed, and see that S3 can be reached from the pods and that "
        "the leaderboard's limits leave it enough memory and time"
    ),
    "no_image": "have it submitted again with an image",
}
# A run has come to its end, and what it left is stored.
_OF_RESULTS = frozenset({"results_unusable", "results_incomplete"})
# What running again does not mend: the next submission has to be another one.
_PARTICIPANTS = frozenset(
    {"static_dataset", "no_image", "wrong_phase", "cancelled", "closed_at_evalai"}
)


def waited(phase: Phase, seconds: float) -> Failure:
    """Return why an attempt fails whose pod has not run for so long."""
    code, words = phase.reason or "not_begun", phase.message[:LONGEST_WORDS]
    what = _WAITED.get(code, f"its machine did not get ready. {OURS}")
    if code == "image_pull":
        # The words name the image, and only the agent's is the participant's own.
        is_own = phase.message.startswith("agent-")
        what = (
            "its image could not be fetched. See that it still exists, and submit it again."
            if is_own
            else f"an image of the leaderboard could not be fetched. {OURS}"
        )
        words = words if is_own else ""
    said = f" (The cluster says: {words})" if words else ""
    return Failure(code=code, message=f"After {duration(seconds)} of waiting {what}{said}")


def ended(phase: Phase, parsed: Parsed, run_seconds: float) -> Failure:
    """Return why an attempt fails whose Job has failed; `parsed` is what its results say so far."""
    code = phase.reason or "unknown"
    done = f"{parsed.routes_done} of {parsed.routes_expected} routes were done."
    if code == "deadline":
        what = f"it was not over after {duration(run_seconds)}, the time that a run may take."
    elif code == "program":
        # Only evaluators end a run, and what they say of it is their own.
        what = f"{phase.message.rstrip('.')}."
        what += f" Its results: {parsed.reason}." if parsed.outcome == "unusable" else ""
    else:
        what = _ENDED.get(code, f"the cluster ended it. {OURS}")
    return Failure(code=code, message=f"The run ended early: {what} {done}")


def untrusted(parsed: Parsed, unsent: str = "") -> Failure:
    """Return why an attempt fails that has run to its end without results to believe.

    `unsent` is why not all that it wrote may have been sent, if there is a reason to think so.
    """
    if unsent and parsed.outcome != "unusable":
        return Failure(
            code="results_not_sent",
            message=(
                f"The run is over and its results cannot be counted: {parsed.reason}. "
                f"Some of its files may not have been sent: {unsent}. {OURS}"
            ),
        )
    code = "results_unusable" if parsed.outcome == "unusable" else "results_incomplete"
    return Failure(
        code=code,
        message=(
            f"The run is over and its results cannot be counted: {parsed.reason}. "
            "The hosts have the files and can run it again."
        ),
    )


def lost() -> Failure:
    """Return why an attempt fails whose Job is gone."""
    return Failure(
        code="job_lost", message=f"Its Job in the cluster is gone; somebody deleted it. {OURS}"
    )


def closed_there(status: str, *, is_withdrawn: bool) -> Failure:
    """Return why an attempt ends whose submission is closed at EvalAI, by others than us."""
    if is_withdrawn:
        return Failure(code="cancelled", message=f"It was {status} at EvalAI.")
    return Failure(
        code="closed_at_evalai",
        message=f"EvalAI holds it as {status}, which somebody has written there.",
    )


def overdue(seconds: float) -> Failure:
    """Return why an attempt fails that is not over when even its last deadline has passed."""
    return Failure(
        code="deadline",
        message=f"It was not over after {duration(seconds)}, waiting included. {OURS}",
    )


def failed_step(error: StepError) -> Failure:
    """Return why an attempt fails one of whose steps has failed for good."""
    if error.Error == "EvalAIRejected":
        return rejected(said(error))
    code, message = _ERRORS.get(error.Error, _INTERNAL)
    return Failure(code=code, message=message)


def rejected(words: str) -> Failure:
    """Return why an attempt fails whose result EvalAI does not take."""
    return Failure(
        code="rejected_by_evalai",
        message=(
            "EvalAI does not take the result, which is complete and kept. "
            f"EvalAI says: {show(words, LONGEST_WORDS)[1:-1]} {OURS}"
        ),
    )


def said(error: StepError) -> str:
    """Return the message of a step's error, which a function puts into JSON; without its trace."""
    try:
        content = json.loads(error.Cause)
    except ValueError:
        return error.Cause[:LONGEST_WORDS]
    message = content.get("errorMessage") if isinstance(content, dict) else None
    return str(message or "")[:LONGEST_WORDS]


def remedy_of(code: str, leaderboard: str, submission: int) -> str:
    """Return what an operator does about a failure; nothing for what is the participant's."""
    if code in _PARTICIPANTS:
        return ""
    command = f"glue leaderboard rerun {leaderboard} {submission}"
    again = f"run it again by `{command}`"
    if code == "rejected_by_evalai":
        again = f"have them judged again, without a run, by `{command} --judge-only`"
    elif code in _OF_RESULTS:
        again += ", or, if only `evaluation` was wrong, "
        again += f"judge what is stored by `{command} --judge-only`"
    return f"{_REMEDIES[code]}; then {again}" if code in _REMEDIES else again


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    whole = round(seconds)
    if whole < 2 * MINUTE:
        return f"{whole} s"
    hours, rest = divmod(whole, HOUR)
    minutes = rest // MINUTE
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
