"""Asking the catalogue: recordings, one recording, and what needs somebody's attention."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from glue.client.session import path_of
from glue.errors import InputError
from glue.recordings.names import check_recording_name
from glue.recordings.records import STATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from glue.client.session import Json, Parameters, Session

PAGE = 200  # the most that one call answers with


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for; `where` holds conditions such as `subject_fatigue >= 3`."""

    where: Sequence[str] = ()
    since: str | None = None
    until: str | None = None
    state: Sequence[str] = ()

    def __post_init__(self) -> None:
        for state in self.state:
            if state not in STATES:
                raise InputError("state", f"{state!r} is no state", f"use {', '.join(STATES)}")

    def parameters(self) -> Parameters:
        """Return the question as the API's query parameters, without the states."""
        found = [("where", condition) for condition in self.where]
        if self.since:
            found.append(("since", self.since))
        if self.until:
            found.append(("until", self.until))
        return found

    def to_dict(self) -> Json:
        """Return the question as it is kept in a dataset file."""
        return {"where": list(self.where), "since": self.since, "until": self.until}


def find_page(
    session: Session, question: Question, limit: int = 50, cursor: str | None = None
) -> Json:
    """Return one page of recordings: {"recordings", "next"}."""
    parameters = [
        *question.parameters(),
        *(("state", state) for state in question.state),
        ("limit", str(limit)),
    ]
    if cursor:
        parameters.append(("cursor", cursor))
    return session.get("/recordings", parameters)


def find_all(session: Session, question: Question) -> Iterator[Json]:
    """Yield every recording that answers the question."""
    parameters = [
        *question.parameters(),
        *(("state", state) for state in question.state),
        ("limit", str(PAGE)),
    ]
    return chain.from_iterable(
        page["recordings"] for page in session.pages("/recordings", parameters)
    )


def show(session: Session, recording: str) -> Json:
    """Return one recording; raise `NotFound` when there is none for this caller."""
    return session.get(path_of("recordings", check_recording_name(recording)))


def replay(session: Session, recording: str) -> Json:
    """Have a recording ingested again."""
    return session.post(path_of("recordings", check_recording_name(recording), "replay"))


def quarantined(session: Session) -> list[Json]:
    """Return the recordings that are quarantined or incomplete."""
    return list(find_all(session, Question(state=("quarantined", "incomplete"))))


def find_objects(
    session: Session,
    question: Question,
    *,
    recordings: Sequence[str] = (),
    kind: str = "processed",
    presign: bool = False,
) -> Iterator[Json]:
    """Yield the objects of the recordings that answer the question."""
    if kind not in ("processed", "raw"):
        raise InputError("kind", f"{kind!r} is no kind of object", "use processed or raw")
    parameters = [
        *question.parameters(),
        *(("recording", check_recording_name(name)) for name in recordings),
        ("kind", kind),
        ("presign", "true" if presign else "false"),
        ("limit", str(PAGE)),
    ]
    return chain.from_iterable(page["objects"] for page in session.pages("/objects", parameters))
