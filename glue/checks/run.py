"""Runs subjects side by side and gathers their answers."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from glue.checks.report import Report, Result, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from glue.checks.check import Check

# Nearly all of a check is waiting for an answer.
THREADS = 12


class Surroundings(Protocol):
    """The least that a context has to say of itself."""

    @property
    def environment(self) -> str:
        """Name of the environment."""
        ...

    @property
    def target(self) -> Target:
        """Whose answers these are."""
        ...


AnyContext = TypeVar("AnyContext", bound=Surroundings)


@dataclass(frozen=True)
class Subject(Generic[AnyContext]):
    """Checks about one thing: its name, a line about it, and the function that asks."""

    name: str
    text: str
    ask: Callable[[AnyContext], Iterable[Result]]
    checks: tuple[Check, ...] = ()


def run(
    subjects: Sequence[Subject[AnyContext]],
    context: AnyContext,
    on_done: Callable[[str, int], None] | None = None,
) -> Report:
    """Ask every subject in threads and report in the order given.

    A subject that raises counts as a failed check of its own: an answer that could not be had is
    no good news. `on_done` is told a subject's name and its number of results when it has ended,
    in the thread that asked it.
    """
    began = time.monotonic()

    def ask(subject: Subject[AnyContext]) -> list[Result]:
        results: list[Result] = []
        try:
            results.extend(subject.ask(context))
        except Exception as error:
            results.append(
                Result(
                    f"{subject.name}-asked",
                    subject.name,
                    "high",
                    "fail",
                    "the subject can be asked to its end",
                    f"{type(error).__name__}: {error}",
                    "see to it that these credentials may read what the message names; "
                    "else run again, and report it",
                )
            )
        if on_done is not None:
            on_done(subject.name, len(results))
        return results

    with ThreadPoolExecutor(THREADS, thread_name_prefix="check") as pool:
        answers = list(pool.map(ask, subjects))
    checks = tuple(result for answer in answers for result in answer)
    return Report(context.environment, context.target, checks, round(time.monotonic() - began, 2))
