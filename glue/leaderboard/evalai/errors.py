"""What can go wrong between EvalAI and us, one class for each thing to do about it.

The class names are what a state machine's Retry and Catch see.
"""

from __future__ import annotations


class EvalAIError(Exception):
    """A call to EvalAI that did not do what it was made for."""


class EvalAIUnavailable(EvalAIError):  # noqa: N818 - reads as a finding
    """EvalAI did not answer, or not sensibly: wait and try again.

    The change that was asked for may have been made all the same.
    """


class EvalAIBusy(EvalAIError):  # noqa: N818 - reads as a finding
    """EvalAI's rate limit is used up, here or there: try again after `seconds`."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(f"{reason}; try again in {seconds:.0f} s")
        self.seconds = seconds


class EvalAIRejected(EvalAIError):  # noqa: N818 - reads as a finding
    """EvalAI does not accept the content: the same call never succeeds.

    `words` is EvalAI's own explanation, `status` the HTTP status.
    """

    def __init__(self, words: str, status: int) -> None:
        super().__init__(f"EvalAI rejected the call (status {status}): {words}")
        self.words = words
        self.status = status


class EvalAIRefused(EvalAIError):  # noqa: N818 - reads as a finding
    """EvalAI does not accept the caller: the token or the address has to be mended."""

    def __init__(self, words: str) -> None:
        super().__init__(
            f"EvalAI refused the caller: {words}; "
            "correct `auth_token` and `api_server` in the secret `evalai`"
        )
        self.words = words
