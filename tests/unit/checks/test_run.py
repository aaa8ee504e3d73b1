"""Subjects side by side, errors that stop nobody else, and how far an emulator is believed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.context import Context
from glue.checks.report import Result
from glue.checks.run import Subject, run
from tests.unit.checks.fake import REGION, Cloud, Refusal, arn, context, tagged

CHECK = Check("made-up", "made-up-check", "high", "it holds", "see ENV", "Made-up")
BARE = Check("made-up", "bare-check", "high", "it holds", "mend it")


@dataclass(frozen=True)
class Entry:
    subject: str
    state: str
    note: str


def local(cloud: Cloud | None = None, *entries: Entry) -> Context:
    return context(cloud or Cloud(), is_emulated=True, coverage=entries)


def subject_of(name: str, *results: Result) -> Subject[Context]:
    return Subject(name, "text", lambda _: iter(results))


def one(name: str) -> Result:
    return Result(name, name, "low", "pass", "e", "f", "r")


def test_results_come_in_the_order_of_the_subjects() -> None:
    first = threading.Event()

    def slow(_: Context) -> Iterator[Result]:
        assert first.wait(60)
        yield one("slow")

    def quick(_: Context) -> Iterator[Result]:
        yield one("quick")
        first.set()

    done: list[tuple[str, int]] = []
    subjects = [Subject("slow", "t", slow), Subject("quick", "t", quick)]
    report = run(subjects, context(Cloud()), lambda name, count: done.append((name, count)))
    assert [result.id for result in report.checks] == ["slow", "quick"]
    assert sorted(done) == [("quick", 1), ("slow", 1)]
    assert (report.environment, report.target) == ("staging", "aws")
    assert report.seconds >= 0


def test_a_subject_that_raises_fails_and_the_others_go_on() -> None:
    def broken(_: Context) -> Iterator[Result]:
        yield one("before")
        raise RuntimeError("no route to host")

    report = run([Subject("broken", "t", broken), subject_of("good", one("good"))], local())
    assert [(c.id, c.status) for c in report.checks] == [
        ("before", "pass"),
        ("broken-asked", "fail"),
        ("good", "pass"),
    ]
    assert report.checks[1].found == "RuntimeError: no route to host"
    assert report.target == "local cloud"


def test_each_resource_has_an_id_and_an_answer_of_its_own() -> None:
    findings = {"a": Finding(True, "good"), "b": Finding(False, "bad"), "c": None}
    results = list(BARE.each(context(Cloud()), ["a", "b", "c"], findings.get))
    assert [(r.id, r.status, r.found) for r in results] == [
        ("bare-check:a", "pass", "good"),
        ("bare-check:b", "fail", "bad"),
    ]
    assert [r.id for r in BARE.each(context(Cloud()), {"": 1}, lambda n: Finding(n == 1, ""))] == [
        "bare-check"
    ]


def test_a_remedy_names_the_environment() -> None:
    assert CHECK.result(context(Cloud()), "x", Finding(False, "")).remedy == "see staging"


def test_an_error_fails_one_resource_only() -> None:
    def look(name: str) -> Finding:
        if name == "b":
            raise PermissionError("not allowed")
        return Finding(True, "good")

    results = {r.id: r for r in BARE.each(context(Cloud()), ["a", "b", "c"], look)}
    assert [r.status for r in results.values()] == ["pass", "fail", "pass"]
    assert results["bare-check:b"].found == "no answer: PermissionError: not allowed"


@pytest.mark.parametrize(("emulated", "status"), [(True, "not_covered"), (False, "fail")])
def test_a_call_that_an_emulator_lacks_says_nothing(emulated: bool, status: str) -> None:
    cloud = Cloud({("sns", "ListTopics"): Refusal("InvalidAction")})
    where = context(cloud, is_emulated=emulated)
    results = list(BARE.each(where, ["a"], lambda _: where.aws("sns").list_topics()))
    assert [r.status for r in results] == [status]


@pytest.mark.parametrize(
    ("state", "status"),
    [("proven", "pass"), ("simulated", "simulated"), ("not covered", "not_covered")],
)
def test_the_coverage_table_decides_what_a_good_answer_is_worth(state: str, status: str) -> None:
    where = local(
        None, Entry("Other", "proven", ""), Entry("Made-up things", state, "nothing ages")
    )
    good = CHECK.result(where, "x", Finding(True, "rules"))
    assert good.status == status
    assert ("nothing ages" in good.found) == (status != "pass")
    assert CHECK.result(where, "x", Finding(False, "no rules")).status == "fail"


def test_what_the_table_does_not_speak_of_is_not_covered() -> None:
    good = CHECK.result(local(), "x", Finding(True, "rules"))
    assert good.status == "not_covered"
    assert "says nothing" in good.found
    assert BARE.result(local(), "x", Finding(True, "rules")).status == "pass"


def test_on_aws_the_table_is_not_asked() -> None:
    where = context(Cloud(), coverage=[Entry("Made-up", "not covered", "")])
    assert CHECK.result(where, "x", Finding(True, "rules")).status == "pass"
    assert where.known("Made-up") is None


def test_a_client_is_made_once_per_service_and_region() -> None:
    made: list[tuple[str, ...]] = []

    def client(*where: str) -> object:
        made.append(where)
        return object()

    where = context(Cloud(), client=client)
    assert where.aws("s3") is where.aws("s3", REGION)
    assert where.aws("s3", "us-east-1") is not where.aws("s3")
    assert made == [("s3",), ("s3", "us-east-1")]


def test_what_many_subjects_need_is_asked_for_once() -> None:
    calls: list[int] = []
    where = context(Cloud())
    begun = threading.Barrier(8)

    def ask() -> int:
        calls.append(1)
        return len(calls)

    def work() -> None:
        begun.wait()
        assert where.once("thing", ask) == 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]


def test_an_answer_that_failed_is_asked_for_again() -> None:
    calls: list[int] = []
    where = context(Cloud())

    def ask() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("throttled")
        return 5

    with pytest.raises(RuntimeError):
        where.once("thing", ask)
    assert where.once("thing", ask) == 5


def test_an_arn_is_known_by_service_and_kind() -> None:
    arns = (arn("lambda", "function:f"), arn("lambda", "layer:l"), "arn:aws:s3:::bucket")
    cloud = Cloud({("resourcegroupstaggingapi", "GetResources"): tagged(*arns)})
    where = context(cloud)
    assert inventory.tagged(where, "lambda:function:") == [arns[0]]
    assert inventory.tagged(where, "s3:") == [arns[2]]
    assert len(cloud.asked) == 1, "the tags are asked for once"


def test_what_outputs_do_not_have_is_none() -> None:
    where = context(Cloud(), {"cluster": None, "dns": {"domain": "d"}})
    assert inventory.output(where, "cluster", "name") is None
    assert inventory.output(where, "gone", "name", "deep") is None
    assert inventory.output(where, "dns", "domain") == "d"
    assert inventory.output(where, "dns", "domain", "deeper") is None


def test_the_bucket_of_the_state_is_not_a_bucket_of_the_platform() -> None:
    arns = ("arn:aws:s3:::state", "arn:aws:s3:::data")
    cloud = Cloud({("resourcegroupstaggingapi", "GetResources"): tagged(*arns)})
    assert inventory.buckets(context(cloud, state_bucket="state")) == ["data"]
