"""The three programs, as a pod runs them."""

from __future__ import annotations

import json
import signal
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from glue.leaderboard.results.carla import parse
from glue.local.carla import agent, environment, evaluator, lines, simulator
from tests.unit.local.carla.conftest import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.local.carla.conftest import Stage


def test_a_run_from_beginning_to_end(stage: Stage) -> None:
    running = stage.start("evaluator", ROUTES_SUBSET="0-11")  # before the others listen
    others = [stage.start("simulator"), stage.start("agent")]
    code, said = stage.end(running)
    assert code == 0, said
    parsed = parse(stage.results.read_bytes(), routes=12, version="2.0")
    assert parsed.trusted, parsed.reason
    assert "finished: Finished" in said
    for program, name in zip(others, ("simulator", "agent"), strict=True):
        program.send_signal(signal.SIGTERM)
        code, said = stage.end(program)
        log = (stage.output / f"{name}.log").read_text().splitlines()
        assert code == 0
        assert said.splitlines() == [f"stand-in {name}: {line}" for line in log]
        assert sum("RouteScenario_11_rep0" in line for line in log) == 1


def test_an_agent_that_always_crashes_ends_the_run(stage: Stage) -> None:
    stage.start("simulator")
    running = stage.start("evaluator", ROUTES_SUBSET="2-5")
    for _ in range(3):  # the sidecar is started again
        crashing = stage.start("agent", "--crash", "3,16")
        code, said = stage.end(crashing)
        assert code == 1
        assert "RouteScenario_3_rep0: RuntimeError" in said
    code, said = stage.end(running)
    assert code == 1
    assert "the agent failed on RouteScenario_3_rep0 3 times" in said.splitlines()[-1]
    parsed = parse(stage.results.read_bytes(), version="2.0")
    assert (parsed.outcome, parsed.entry_status) == ("unusable", "Crashed")
    assert [record.route_id for record in parsed.records] == ["RouteScenario_2_rep0"]


def test_an_agent_that_comes_back_is_asked_again(stage: Stage) -> None:
    stage.start("simulator")
    running = stage.start("evaluator", ROUTES_SUBSET="3-4")
    stage.end(stage.start("agent", "--crash", "4"))
    stage.start("agent")
    code, said = stage.end(running)
    assert code == 0, said
    assert "agent on RouteScenario_4_rep0, attempt 1 of 3: it ended" in said


def test_an_agent_that_hangs_is_not_waited_for_for_ever(stage: Stage) -> None:
    stage.start("simulator")
    stage.start("agent", "--hang", "1")
    stage.until_listening("AGENT_PORT")
    running = stage.start("evaluator", AGENT_SECONDS="2")
    code, said = stage.end(running)
    assert code == 1
    assert "it did not answer 'route RouteScenario_1_rep0' for 2 seconds" in said


def test_a_simulator_that_crashes_ends_the_run(stage: Stage) -> None:
    stage.start("agent")
    crashing = stage.start("simulator", "--crash", "1")
    code, said = stage.end(stage.start("evaluator"))
    assert code == 1
    assert "the simulator failed on RouteScenario_1_rep0: it ended" in said
    assert stage.end(crashing)[0] == 139


def test_nobody_there(stage: Stage) -> None:
    code, said = stage.end(stage.start("evaluator", SIMULATOR_SECONDS="0.1"))
    assert code == 1
    assert "nothing listened on port" in said


def test_it_can_be_told_to_end(stage: Stage) -> None:
    running = stage.start("evaluator")
    stage.until(stage.results.exists)
    running.send_signal(signal.SIGTERM)
    code, said = stage.end(running)
    assert code == 1
    assert "told to end" in said
    assert parse(stage.results.read_bytes()).outcome == "not_yet"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"CARLA_VERSION": ""}, "CARLA_VERSION: it is not set"),
        ({"CARLA_VERSION": "0.9"}, "'0.9' is none of"),
        ({"ROUTES_SUBSET": "0-99"}, "ROUTES_SUBSET: '0-99'"),
        ({"REPETITIONS": "0"}, "REPETITIONS: '0' is no whole number from 1 to 100"),
        ({"CARLA_PORT": "70000"}, "CARLA_PORT: '70000'"),
        ({"RESULTS_FILE": ""}, "RESULTS_FILE: it is not set"),
    ],
)
def test_nonsense_is_refused(
    stage: Stage,
    variables: dict[str, str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {**stage.variables, **variables}.items():
        monkeypatch.setenv(name, value)
    try:
        code: object = evaluator.main([])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert message in capsys.readouterr().err
    assert not stage.results.exists()


def test_the_reason_stands_where_kubernetes_looks(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "termination-log"
    log.touch()
    monkeypatch.setattr(evaluator, "TERMINATION_LOG", log)
    kept = signal.getsignal(signal.SIGTERM)
    for name, value in {**stage.variables, "SIMULATOR_SECONDS": "0.1"}.items():
        monkeypatch.setenv(name, value)
    try:
        assert evaluator.main([]) == 1
    finally:
        signal.signal(signal.SIGTERM, kept)
    assert log.read_text().startswith("the simulator failed on RouteScenario_0_rep0: nothing")


def test_a_pod_can_have_an_address_of_its_own(stage: Stage) -> None:
    own = {"STAND_IN_HOST": "127.0.0.1"}
    stage.start("simulator", **own)
    stage.start("agent", **own)
    assert stage.end(stage.start("evaluator", ROUTES_SUBSET="0", **own))[0] == 0


class TestInProcess:
    """What the programs do, seen from within."""

    @pytest.fixture
    def ports(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in stage.variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        for program in (simulator, agent):
            threading.Thread(target=program.main, args=([],), daemon=True).start()

    def test_a_run(self, ports: None, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ROUTES_SUBSET", "0-2")
        assert evaluator.main([]) == 0
        assert json.loads(stage.results.read_bytes())["entry_status"] == "Finished"

    def test_they_do_not_answer_nonsense(self, ports: None, stage: Stage) -> None:
        for name in ("CARLA_PORT", "AGENT_PORT"):
            line = lines.call(int(stage.variables[name]), PATIENCE)
            with pytest.raises(lines.Lost, match=r"answered 'fly' with 'what\?'"):
                line.ask("fly", "flown", PATIENCE)
            line.close()

    @pytest.mark.parametrize("program", [simulator, agent])
    def test_a_crash(
        self, program: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ends: list[int] = []
        monkeypatch.setattr("os._exit", ends.append)
        routes = frozenset({3})
        simulator.Simulator(tmp_path, routes).reply("load RouteScenario_3_rep1")
        agent.Agent(tmp_path, routes).reply("route RouteScenario_3")
        assert ends == [139, 1]

    def test_hanging(self, tmp_path: Path) -> None:
        hanging = agent.Agent(tmp_path / "missing", hangs_on=frozenset({1}))
        thread = threading.Thread(
            target=hanging.reply, args=("route RouteScenario_1",), daemon=True
        )
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()


class TestLines:
    @pytest.fixture
    def pair(self) -> tuple[lines.Line, socket.socket]:
        one, other = socket.socketpair()
        return lines.Line(one), other

    def test_an_answer_in_pieces(self, pair: tuple[lines.Line, socket.socket]) -> None:
        line, other = pair
        other.sendall(b"dri")
        threading.Timer(0.05, other.sendall, (b"ven x\nmore\n",)).start()
        line.ask("route x", "driven x", PATIENCE)
        assert line.hear(PATIENCE) == "more"
        assert other.recv(99) == b"route x\n"

    def test_no_answer(self, pair: tuple[lines.Line, socket.socket]) -> None:
        line, other = pair
        with pytest.raises(lines.Lost, match="did not answer"):
            line.ask("route x", "driven x", 0.05)
        other.sendall(b"x" * 5000)
        with pytest.raises(lines.Lost, match="ended"):
            line.ask("route x", "driven x", PATIENCE)
        other.close()
        with pytest.raises(lines.Lost, match="ended"):
            line.ask("route x", "driven x", PATIENCE)

    def test_the_end_is_no_answer(self, pair: tuple[lines.Line, socket.socket]) -> None:
        line, other = pair
        other.shutdown(socket.SHUT_WR)
        with pytest.raises(lines.Lost, match="it ended on 'route x'"):
            line.ask("route x", "driven x", PATIENCE)

    def test_bytes_that_are_no_text(self, pair: tuple[lines.Line, socket.socket]) -> None:
        line, other = pair
        other.sendall(b"\xff\x00\n")
        with pytest.raises(lines.Lost, match="answered"):
            line.ask("ü", "driven x", PATIENCE)


def test_numbers_of_routes() -> None:
    assert environment.route_numbers("3, 16,x") == {3, 16}
    assert environment.route_numbers("RouteScenario_3_rep0") == {3}
    assert environment.route_numbers("") == frozenset()
