"""`glue leaderboard list | submissions | show | rerun`."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from glue.cli.main import run
from glue.leaderboard.states import State
from tests.unit.leaderboard.start.samples import IMAGE, executions
from tests.unit.leaderboard.store.ground import BUCKET, LEADERBOARD, OTHER, item_of

if TYPE_CHECKING:
    from tests.unit.leaderboard.cli.conftest import Deployed

Captured = pytest.CaptureFixture[str]


def fill(deployed: Deployed) -> None:
    """One finished, one failed, one stuck, each a minute after the other."""
    ground, table = deployed.ground, deployed.ground.table
    for number in (97, 98, 99):
        table.open(item_of(number, team_name="Racers", track="SENSORS", image=IMAGE))
    table.move(
        item_of(97),
        State.FINISHED,
        metrics={"driving_score": 41.25, "agent_blocked": 0},
        routes_done=36,
        routes_expected=36,
        results=f"s3://{BUCKET}/97/results.json",
        evalai_status="finished",
        pod="leaderboard-10-submission-97-attempt-1-abcde",
    )
    ground.clock.now += 60
    table.move(item_of(98), State.FAILED, reason="the agent\ncrashed", reason_code="agent_crashed")
    ground.clock.now += 60
    table.move(item_of(99), State.WAITING, reason="no node with a GPU")
    table.note(item_of(99), finding="waits beyond its deadline", remedy="look at the quota")


def test_list(deployed: Deployed, capsys: Captured) -> None:
    fill(deployed)
    deployed.ground.sqs.send_message(QueueUrl=deployed.ground.queues[LEADERBOARD], MessageBody="m")
    assert run(["leaderboard", "list", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["leaderboards"]
    assert first == {
        "name": LEADERBOARD,
        "tracks": {"12": "leaderboard-10-SENSORS"},
        "submissions": {"failed": 1, "finished": 1, "waiting": 1},
        "stuck": 1,
        "messages": 1,
        "dead_letters": 0,
        "table": LEADERBOARD,
        "bucket": BUCKET,
        "log_group": "/test/leaderboard-10",
        "state_machine_arn": deployed.ground.machine,
    }
    assert (second["name"], second["submissions"]) == (OTHER, {})
    assert run(["leaderboard", "list"]) == 0
    out = capsys.readouterr().out
    assert "leaderboard-10-SENSORS  1 failed, 1 finished, 1 waiting  1" in out
    deployed.ground.secrets.put_secret_value(SecretId=deployed.ground.tracks_arn, SecretString="{}")
    assert run(["leaderboard", "list"]) == 0
    assert "none: glue leaderboard connect" in capsys.readouterr().out


def test_submissions(deployed: Deployed, capsys: Captured) -> None:
    fill(deployed)
    assert run(["leaderboard", "submissions", LEADERBOARD, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["submission"] for one in listed["submissions"]] == [99, 98, 97]
    assert (listed["leaderboard"], listed["all"]) == (LEADERBOARD, 3)
    assert run(["leaderboard", "submissions", LEADERBOARD]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith("STUCK: waits beyond its deadline")
    assert lines[2].endswith("the agent crashed")
    assert "36/36" in lines[3]
    assert "41.25" in lines[3]


def test_some_submissions(deployed: Deployed, capsys: Captured) -> None:
    fill(deployed)
    chosen = ["--state", "failed", "--state", "finished", "--limit", "1"]
    assert run(["leaderboard", "submissions", LEADERBOARD, *chosen]) == 0
    said = capsys.readouterr()
    assert "98" in said.out
    assert "97" not in said.out
    assert "there are 1 more: --limit 2" in said.err
    assert run(["leaderboard", "submissions", LEADERBOARD, "--stuck"]) == 2
    assert "waits beyond" in capsys.readouterr().out
    assert run(["leaderboard", "submissions", OTHER, "--stuck"]) == 0
    assert "no submissions" in capsys.readouterr().out
    assert run(["leaderboard", "submissions", LEADERBOARD, "--state", "lost"]) == 1
    assert "'lost' is no state" in capsys.readouterr().err


def test_show(deployed: Deployed, capsys: Captured) -> None:
    fill(deployed)
    ground = deployed.ground
    ground.storage.write_results(97, "{}", "[]", "", "{}")
    assert run(["leaderboard", "show", LEADERBOARD, "97", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    item = ground.table.find(97)
    assert item is not None
    assert [found["key"] for found in shown.pop("objects")] == [
        "97/evalai/metadata.json",
        "97/evalai/results.json",
        "97/evalai/stdout.txt",
        "97/results.json",
    ]
    assert shown == {"leaderboard": LEADERBOARD, **item.model_dump(mode="json")}
    assert run(["leaderboard", "show", LEADERBOARD, "97"]) == 0
    out = capsys.readouterr().out
    for line in (
        "team: Racers (5)",
        "state: finished",
        "at EvalAI: finished",
        "routes: 36/36",
        "driving_score  41.25",
        "agent_blocked  0",
        f"results: s3://{BUCKET}/97/results.json",
        "logs: /test/leaderboard-10, streams with leaderboard-10-submission-97-attempt-1-abcde",
        "97/evalai/stdout.txt",
    ):
        assert line in out
    assert "None" not in out


def test_show_says_why_and_what_to_do(deployed: Deployed, capsys: Captured) -> None:
    fill(deployed)
    assert run(["leaderboard", "show", LEADERBOARD, "99"]) == 0
    out = capsys.readouterr().out
    assert "stuck: waits beyond its deadline\nwhat to do: look at the quota\n" in out
    assert f"nothing is stored in {BUCKET}" in out
    assert run(["leaderboard", "show", LEADERBOARD, "98"]) == 0
    assert "reason: the agent\ncrashed [agent_crashed]" in capsys.readouterr().out


def test_strangers_text_moves_no_cursor(deployed: Deployed, capsys: Captured) -> None:
    evil = "\x1b[2Jinnocent\x07\u202e"
    deployed.ground.table.open(item_of(99, team_name=evil, reason=evil))
    deployed.ground.s3.put_object(Bucket=BUCKET, Key=f"99/{evil}", Body=b"")
    for arguments in (["show", LEADERBOARD, "99"], ["submissions", LEADERBOARD]):
        assert run(["leaderboard", *arguments]) == 0
        out = capsys.readouterr().out
        assert "?[2Jinnocent??" in out
        assert not {"\x1b", "\x07", "\u202e"} & set(out)


def test_rerun(deployed: Deployed, capsys: Captured) -> None:
    fill(deployed)
    assert run(["leaderboard", "rerun", LEADERBOARD, "98"]) == 0
    assert "attempt 2 at 98 has begun" in capsys.readouterr().out
    assert executions(deployed.ground, 98)["submission-98-attempt-2"]["reopen"] is True
    assert run(["leaderboard", "rerun", LEADERBOARD, "98"]) == 1
    assert "attempt 2 at 98 is at work" in capsys.readouterr().err
    assert run(["leaderboard", "rerun", LEADERBOARD, "97", "--keep-closed", "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert answer.pop("execution").endswith(":submission-97-attempt-2")
    assert answer == {
        "leaderboard": LEADERBOARD,
        "submission": 97,
        "attempt": 2,
        "reopen": False,
        "results_of": None,
    }


def test_judging_what_is_stored(deployed: Deployed, capsys: Captured) -> None:
    fill(deployed)
    arguments = ["leaderboard", "rerun", LEADERBOARD, "98", "--judge-only"]
    assert run(arguments) == 1
    assert "no run of 98 has come to its end" in capsys.readouterr().err
    item = deployed.ground.table.find(98)
    assert item is not None
    deployed.ground.table.amend(item, results_of=1)
    assert run(arguments) == 0
    out = capsys.readouterr().out
    assert "attempt 2 at 98 has begun, and judges the results of attempt 1" in out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["show", LEADERBOARD, "5"], "leaderboard-10 has no 5"),
        (["show", "leaderboard-30", "5"], "local has no 'leaderboard-30'"),
        (["rerun", LEADERBOARD, "5"], "nothing is known of 5"),
    ],
)
def test_what_is_not_there(
    deployed: Deployed, capsys: Captured, arguments: list[str], problem: str
) -> None:
    assert run(["leaderboard", *arguments]) == 1
    assert problem in capsys.readouterr().err


def test_the_wrong_account(deployed: Deployed, capsys: Captured) -> None:
    deployed.environment.facts.account_id = "999999999999"
    assert run(["leaderboard", "list"]) == 1
    assert "999999999999" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["leaderboards", "evalai"])
def test_an_environment_without_leaderboards(
    deployed: Deployed, capsys: Captured, key: str
) -> None:
    deployed.outputs[key] = None
    assert run(["leaderboard", "list"]) == 1
    assert "local has none" in capsys.readouterr().err


def test_help_loads_nothing_heavy() -> None:
    program = "import sys, glue.cli.leaderboard; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"boto3", "httpx", "pydantic", "python_terraform"} & set(loaded)
