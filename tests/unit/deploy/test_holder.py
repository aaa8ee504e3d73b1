from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from glue.deploy.holder import Lock, duration, liveness

HERE = f"somebody@{socket.gethostname()}"
NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)


def lock(who: str = HERE, **fields: Any) -> Lock:
    given = {"id": "7", "who": who, "created": NOW, "environment": "staging", "bucket": "states"}
    return Lock.model_validate(given | fields)


class Process:
    """A process that looks as a test says, or does not let itself be looked at."""

    def __init__(self, data: Path, **looks: Any) -> None:
        self.looks: dict[str, Any] = {
            "name": "terraform",
            "status": psutil.STATUS_SLEEPING,
            "create_time": NOW.timestamp() - 10,
            "cwd": "/",
            "environ": {"TF_DATA_DIR": str(data)},
        } | looks

    def __getattr__(self, name: str) -> Callable[[], Any]:
        found = self.looks[name]
        if isinstance(found, Exception):
            raise found
        return lambda: found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of a Terraform that works on staging's state."""
    folder = tmp_path / "data"
    folder.mkdir()
    backend = {"backend": {"config": {"bucket": "states"}}}
    (folder / "terraform.tfstate").write_text(json.dumps(backend))
    (folder / "environment").write_text("staging")
    return folder


def judged(monkeypatch: pytest.MonkeyPatch, held: Lock, *processes: Process) -> str:
    monkeypatch.setattr(psutil, "process_iter", lambda: processes)
    return liveness(held)


def test_a_holder_elsewhere_cannot_be_known(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    assert judged(monkeypatch, lock("a@elsewhere"), Process(data)) == "unknown"
    assert judged(monkeypatch, lock("")) == "unknown"


def test_a_holder_here_is_its_process(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    assert judged(monkeypatch, lock()) == "gone"
    assert judged(monkeypatch, lock(), Process(data)) == "alive"
    assert judged(monkeypatch, lock(), Process(data, name="python"), Process(data)) == "alive"


@pytest.mark.parametrize(
    "looks",
    [
        {"name": "terraform-provider-aws"},
        {"status": psutil.STATUS_ZOMBIE},
        {"create_time": NOW.timestamp() + 60},
        {"name": psutil.NoSuchProcess(1)},
        {"environ": psutil.NoSuchProcess(1)},
        {"environ": {"TF_DATA_DIR": "/nowhere"}},
        {"environ": {}},
    ],
)
def test_a_process_that_is_not_the_holder(
    monkeypatch: pytest.MonkeyPatch, data: Path, looks: dict[str, Any]
) -> None:
    assert judged(monkeypatch, lock(), Process(data, **looks)) == "gone"


@pytest.mark.parametrize("part", ["status", "environ", "cwd"])
def test_a_process_that_may_not_be_looked_at_may_be_the_holder(
    monkeypatch: pytest.MonkeyPatch, data: Path, part: str
) -> None:
    denied = Process(data, **{part: psutil.AccessDenied(1)})
    assert judged(monkeypatch, lock(), denied) == "alive"


def test_a_damaged_data_folder_may_be_the_holders(
    monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    (data / "terraform.tfstate").write_text("{")
    assert judged(monkeypatch, lock(), Process(data)) == "alive"


@pytest.mark.parametrize(
    "fields",
    [{"environment": "prod"}, {"bucket": "others"}, {"endpoint": "http://127.0.0.1:1"}],
)
def test_the_terraform_of_another_state_is_not_the_holder(
    monkeypatch: pytest.MonkeyPatch, data: Path, fields: dict[str, Any]
) -> None:
    assert judged(monkeypatch, lock(**fields), Process(data)) == "gone"


def test_the_usual_data_folder_lies_where_terraform_was_started(
    monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    data.rename(data.parent / ".terraform")
    started = Process(data, cwd=str(data.parent), environ={})
    assert judged(monkeypatch, lock(), started) == "alive"


def test_ages_and_operations_in_words() -> None:
    assert lock(created=datetime.now(UTC) + timedelta(hours=1)).age_seconds == 0
    assert [duration(n) for n in (0, 119, 120, 7199, 7200, 86400 * 3)] == [
        "0 seconds",
        "119 seconds",
        "2 minutes",
        "120 minutes",
        "2 hours",
        "3 days",
    ]
    assert lock(operation="OperationTypePlan").verb == "plan"
    assert lock(operation="state-push").verb == "state-push"
    assert lock().verb == "an operation without a name"
