"""A question asked of every resource of a kind, and how an answer becomes a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from glue.aws import error_code
from glue.checks.report import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from glue.checks.context import Context
    from glue.checks.report import Severity, Status

# What an emulator answers to a call that it does not have.
UNKNOWN_CALL = {
    "501", "InvalidAction", "NotImplemented", "UnknownOperation", "UnknownOperationException",
    "UnsupportedOperation", "InternalFailure",
}  # fmt: skip

Thing = TypeVar("Thing")


class Finding(NamedTuple):
    """Whether it is as expected, and what was seen."""

    is_good: bool
    found: str


@dataclass(frozen=True)
class Check:
    """One question.

    `name` begins the id of each result and never changes, so that two reports can be compared.
    `evidence` is how the entry of the local cloud's coverage table begins on which an emulator's
    answer rests; without one, the emulator's answer is as good as AWS's.
    """

    subject: str
    name: str
    severity: Severity
    expected: str
    remedy: str
    evidence: str = ""

    def result(self, context: Context, thing: str, finding: Finding) -> Result:
        """Return the result for one resource.

        Against an emulator a good answer is `simulated` or `not_covered` where the coverage table
        says so; a bad one stays bad.
        """
        status: Status = "pass" if finding.is_good else "fail"
        found = finding.found
        if status == "pass" and context.is_emulated and self.evidence:
            entry = context.known(self.evidence)
            if entry is None:
                status = "not_covered"
                found += f" (the local cloud's table says nothing of {self.evidence!r})"
            elif entry.state != "proven":
                status = "simulated" if entry.state == "simulated" else "not_covered"
                found += f" (local cloud: {entry.note})"
        return self._result(context, thing, status, found)

    def uncovered(self, context: Context, thing: str, reason: str) -> Result:
        """Return a result that says why the question could not be asked here."""
        return self._result(context, thing, "not_covered", reason)

    def each(
        self,
        context: Context,
        things: Mapping[str, Thing] | Iterable[str],
        look: Callable[..., Finding | None],
    ) -> Iterator[Result]:
        """Ask about each resource by name; `look` gets its value, or its name when it has none.

        None means that the question does not arise. An error fails that one resource's check,
        unless an emulator lacks the call: then nothing can be said.
        """
        from collections.abc import Mapping as AnyMapping

        pairs = things.items() if isinstance(things, AnyMapping) else ((n, n) for n in things)
        for name, thing in pairs:
            try:
                finding = look(thing)
            except Exception as error:
                text = f"{type(error).__name__}: {error}"
                if context.is_emulated and error_code(error) in UNKNOWN_CALL:
                    yield self.uncovered(context, name, text)
                else:
                    yield self._result(context, name, "fail", f"no answer: {text}")
                continue
            if finding is not None:
                yield self.result(context, name, finding)

    def _result(self, context: Context, thing: str, status: Status, found: str) -> Result:
        return Result(
            f"{self.name}:{thing}" if thing else self.name,
            self.subject,
            self.severity,
            status,
            self.expected,
            found,
            self.remedy.replace("ENV", context.environment),
        )
