"""The play: in order, told as it happens, and its cloud is ended whatever happens."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from glue.deploy.project import Project
from glue.errors import Conflict, InputError
from glue.rehearsal import play as subject
from glue.rehearsal import stage as staging
from glue.rehearsal.play import Play, undisturbed
from glue.rehearsal.report import Report, Told
from glue.rehearsal.stage import Stage, alone
from glue.rehearsal.steps import Step
from glue.rehearsal.verbs import RehearsalError
from tests.unit.rehearsal.conftest import FakeCloud

TFVARS = 'environment = "{0}"\naccount_id = "{1}"\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with both environments, and clouds that only say that they run."""
    clouds: list[FakeCloud] = []

    def cloud(*_: Any) -> FakeCloud:
        clouds.append(FakeCloud())
        return clouds[-1]

    monkeypatch.setattr(staging, "Cloud", cloud)
    environments = tmp_path / "own"
    environments.mkdir()
    for name, account in (("staging", "1" * 12), ("prod", "2" * 12)):
        (environments / f"{name}.tfvars").write_text(TFVARS.format(name, account))
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "a.tf").write_text("x")
    return Project(repository, tmp_path / "build", tmp_path / "build" / "local", environments)


class Heard:
    """Notes down what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begins(self, told: Told) -> None:
        self.told.append(f"begins {told.name}")

    def runs(self, outcome: Any) -> None:
        self.told.append(f"runs {outcome.command}")

    def sees(self, sentence: str) -> None:
        self.told.append(f"sees {sentence}")

    def ends(self, told: Told) -> None:
        self.told.append(f"ends {told.name} {told.is_ok}")


def good(stage: Stage) -> Iterator[str]:
    stage.cloud.up()
    yield "it is good"


def bad(stage: Stage) -> Iterator[str]:
    yield "so far so good"
    raise RehearsalError("prod: plan", "it is bad", "mend it", "/log")


def wrong(stage: Stage) -> Iterator[str]:
    yield from ()
    raise InputError("prod.tfvars", "it is wrong", "mend it")


def interrupted(stage: Stage) -> Iterator[str]:
    yield from ()
    stage.cloud.up()
    raise KeyboardInterrupt


def play_of(
    project: Project, monkeypatch: pytest.MonkeyPatch, *acts: Any, is_kept: bool = False
) -> tuple[Play, Heard]:
    heard = Heard()
    found = tuple(Step(act.__name__, "a title", act) for act in acts)
    monkeypatch.setattr(subject, "WHOLE", found)
    monkeypatch.setattr(subject, "UP_TO_PEACE", found[:1])
    return Play(project, heard, is_kept=is_kept), heard


def is_up(play: Play) -> bool:
    assert play.stage is not None
    running: bool = play.stage.cloud.is_up  # type: ignore[attr-defined]
    return running


def test_every_step_is_played_and_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    play, heard = play_of(project, monkeypatch, good, good)
    report = play.run()
    assert report.is_ok
    assert heard.told == ["begins good", "sees it is good", "ends good True"] * 2
    assert not is_up(play)
    assert (play.sources / "a.tf").read_text() == "x"
    stage = play.stage
    assert stage is not None
    assert stage.prod.variables_file.read_text() == TFVARS.format("prod", "2" * 12)
    assert (stage.staging.account_id, stage.prod.account_id) == ("1" * 12, "2" * 12)
    json.dumps(report.to_dict())


def test_an_earlier_run_is_swept_away(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    play, _ = play_of(project, monkeypatch, good)
    for name in ("local/state", "plans/prod", "packages/aws"):
        (play.folder / name).mkdir(parents=True)
    play.run()
    assert not (play.folder / "plans").exists()
    assert not (play.folder / "local").exists()
    assert (play.folder / "packages" / "aws").exists()


@pytest.mark.parametrize(
    ("act", "failure"),
    [
        (bad, {"field": "prod: plan", "message": "it is bad", "step": "bad", "log": "/log"}),
        (wrong, {"field": "prod.tfvars", "message": "it is wrong", "step": "wrong"}),
    ],
)
def test_the_first_step_that_fails_ends_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, act: Any, failure: dict[str, str]
) -> None:
    play, heard = play_of(project, monkeypatch, good, act, good)
    report = play.run()
    assert not report.is_ok
    assert report.failure is not None
    assert failure.items() <= report.failure.items()
    assert [step.name for step in report.steps] == ["good", act.__name__]
    assert heard.told[-1] == f"ends {act.__name__} False"
    assert not is_up(play)


def test_an_interruption_ends_the_cloud(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    play, _ = play_of(project, monkeypatch, interrupted)
    with pytest.raises(KeyboardInterrupt):
        play.run()
    assert not is_up(play)


def test_a_kept_cloud_goes_on_and_nothing_is_destroyed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    play, heard = play_of(project, monkeypatch, good, bad, is_kept=True)
    assert play.run().is_ok
    assert is_up(play)
    assert "begins bad" not in heard.told


def test_two_do_not_play_in_one_folder(tmp_path: Path) -> None:
    with alone(tmp_path / "x"), pytest.raises(Conflict, match="another one plays"):
        alone(tmp_path / "x").__enter__()
    with alone(tmp_path / "x"):
        pass


def test_clearing_up_is_not_disturbed() -> None:
    before = signal.getsignal(signal.SIGINT)
    with undisturbed():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    reached: list[bool] = []

    def elsewhere() -> None:
        with undisturbed():
            reached.append(True)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert reached == [True]


# --- the command --------------------------------------------------------------------------------


@pytest.fixture
def run(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from glue.cli import rehearse

    monkeypatch.setattr(Project, "here", classmethod(lambda cls: project))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def call(acts: tuple[Any, ...], *arguments: str) -> Any:
        play_of(project, monkeypatch, *acts)
        return CliRunner().invoke(rehearse.app, list(arguments))

    yield call
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_command_tells_the_story_and_a_table(run: Any) -> None:
    result = run((good, good))
    assert result.exit_code == 0, result.output
    assert "it is good" in result.output
    assert "all of it" in result.output
    assert "all as expected, in" in result.output


def test_the_command_fails_with_what_to_do(run: Any) -> None:
    result = run((bad, good))
    assert result.exit_code == 1
    assert "error: prod: plan: it is bad" in result.output
    assert "what to do: mend it" in result.output
    assert "failed so far so good" in result.output


def test_the_command_prints_json(run: Any) -> None:
    result = run((good,), "--json")
    document = json.loads(result.stdout)
    assert document["ok"] is True
    assert [step["name"] for step in document["steps"]] == ["good"]
    assert document["failure"] is None


def test_the_command_says_how_to_look_around(run: Any) -> None:
    result = run((good, bad), "--keep")
    assert result.exit_code == 0, result.output
    assert "staging: export AWS_ENDPOINT_URL=http://127.0.0.1:1" in result.output
    assert "glue local down" in result.output


def test_nothing_to_look_at_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    from glue.cli.rehearse import look_around

    project = Project(Path("/nowhere"), Path("/nowhere"), Path("/nowhere"))
    look_around(Console(), Play(project, Heard()))
    assert capsys.readouterr().out == ""


def test_a_terminal_gets_a_clock() -> None:
    from io import StringIO

    from rich.console import Console

    from glue.cli.rehearse import Teller
    from glue.rehearsal.verbs import Outcome

    console = Console(file=StringIO(), force_terminal=True)
    teller = Teller(console)
    told = Told("plan", "the plans")
    teller.begins(told)
    teller.runs(Outcome("prod", "glue deploy plan", 2, "", "", 3.0, Path("x")))
    teller.ends(told)
    assert "glue deploy plan" in console.file.getvalue()  # type: ignore[attr-defined]
    assert teller._status is None


def test_a_report_without_a_word_is_still_a_table() -> None:
    report = Report([Told("plan", "the plans")])
    assert not report.is_ok
    assert report.to_table().row_count == 2
