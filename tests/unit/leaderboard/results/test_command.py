"""`glue leaderboard parse` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from glue.cli.leaderboard import app
from glue.errors import InputError
from tests.unit.leaderboard.results.files import DATA, LB20
from tests.unit.leaderboard.results.test_generic import GOOD

LB10 = DATA / "lb10_finished_with_agent_errors_36routes.json"
WHOLE = DATA / "lb20_finished_25routes.json"
PARTIAL = DATA / "lb20_partial_12of25_mixed.json"


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["parse", *map(str, arguments)])
    if isinstance(result.exception, InputError):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_trusted_files_as_json() -> None:
    code, out, _ = run(LB10, WHOLE, "--json")
    first, second = json.loads(out)
    assert code == 0
    assert (first["file"], first["version"], first["trusted"]) == (str(LB10), "1.0", True)
    assert (second["version"], second["metrics"]["Driving score"]) == ("2.0", 95.533774)
    assert json.loads(second["result"])[0]["accuracies"] == second["metrics"]
    assert [len(file["failures"]) for file in (first, second)] == [13, 0]


def test_files_that_may_not_be_trusted_as_json(tmp_path: Path) -> None:
    half = tmp_path / "half.json"
    half.write_bytes(LB20[:1000])
    code, out, _ = run(WHOLE, PARTIAL, half, "--json")
    whole, partial, cut = json.loads(out)
    assert code == 2
    assert [file["trusted"] for file in (whole, partial, cut)] == [True, False, False]
    assert (partial["metrics"], partial["result"]) == ({}, None)
    assert (cut["version"], cut["outcome"], cut["result"]) == (None, "not_yet", None)


def test_the_expected_number_of_routes() -> None:
    assert run(WHOLE, "--routes", 25)[0] == 0
    code, out, _ = run(WHOLE, "--routes", 26)
    assert (code, "26 are expected" in out) == (2, True)
    assert run(WHOLE, "--routes", 0)[0] == 2  # a wrong option, as every command ends


def test_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run(LB10, PARTIAL)
    assert code == 2
    assert "36/36" in out
    assert "12/25" in out
    assert "Driving score" in out
    assert "note: the evaluator was resumed" in err


def test_the_generic_format(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text(json.dumps(GOOD))
    code, out, _ = run(file, "--json", "--routes", 3)
    (row,) = json.loads(out)
    assert (code, row["version"], row["trusted"]) == (0, None, True)
    assert json.loads(row["result"])[0]["accuracies"] == {"F1": 0.5, "Recall": 1}
    assert run(file, "--routes", 4)[0] == 2
    empty = tmp_path / "empty.json"
    empty.touch()
    assert "-  " in run(empty)[1]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for file in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(InputError, match="cannot be read") as caught:
            run(file)
        assert caught.value.field == str(file)
