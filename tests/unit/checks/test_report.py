"""The forms of a report: JSON as scripts rely on it, JUnit XML, the table, exit codes."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import pytest
from rich.console import Console

from glue.checks.report import Report, Result, Severity, Status
from glue.checks.table import print_report, summary_line


def result(
    name: str, status: Status, severity: Severity = "high", subject: str = "queues"
) -> Result:
    return Result(name, subject, severity, status, "a thing", f"found {name}", "mend it")


REPORT = Report(
    "staging",
    "aws",
    (
        result("a:1", "pass"),
        result("a:2", "fail", "low"),
        result("a:3", "fail", "critical"),
        result("b:1", "simulated", subject="storage"),
        result("b:2", "not_covered", subject="storage"),
        result("c:1", "pass", subject="api"),
    ),
    1.5,
)


def shown(report: Report, width: int = 100, *, verbose: bool = False) -> str:
    out = io.StringIO()
    print_report(report, Console(file=out, width=width), verbose=verbose)
    return out.getvalue()


def test_json_is_exactly_what_scripts_rely_on() -> None:
    said = REPORT.to_dict()
    assert list(said) == ["environment", "target", "checks"]
    assert said["checks"][1] == {
        "id": "a:2",
        "subject": "queues",
        "severity": "low",
        "status": "fail",
        "expected": "a thing",
        "found": "found a:2",
        "remedy": "mend it",
    }


def test_exit_code_is_two_when_something_failed_and_else_zero() -> None:
    assert REPORT.exit_code == 2
    good = Report("staging", "aws", tuple(c for c in REPORT.checks if c.status != "fail"))
    assert good.exit_code == 0
    assert Report("staging", "aws", ()).exit_code == 0


def test_failures_are_sorted_by_gravity_and_counted() -> None:
    assert [one.id for one in REPORT.failed] == ["a:3", "a:2"]
    assert REPORT.counts == {"fail": 2, "not_covered": 1, "simulated": 1, "pass": 2}


def test_a_result_has_one_of_the_agreed_words() -> None:
    with pytest.raises(ValueError, match="no such status"):
        result("x", "maybe")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no such status"):
        result("x", "pass", "urgent")  # type: ignore[arg-type]


def test_junit_has_a_suite_per_subject_and_a_case_per_check() -> None:
    root = ET.fromstring(REPORT.to_junit())
    suites = {suite.attrib["name"]: suite for suite in root}
    assert set(suites) == {"queues", "storage", "api"}
    queues = suites["queues"]
    assert (queues.attrib["tests"], queues.attrib["failures"]) == ("3", "2")
    assert suites["storage"].attrib["skipped"] == "2"
    failure = queues.find("testcase[@name='a:3']/failure")
    assert failure is not None
    assert failure.attrib["type"] == "critical"
    assert failure.text == "expected: a thing\nfound: found a:3\nremedy: mend it"
    skipped = suites["storage"].find("testcase[@name='b:1']/skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "simulated: found b:1"


def test_junit_holds_what_xml_cannot() -> None:
    odd = Result("a", "s", "low", "fail", "<b>", "bell \x07 & \x1b[31m", "x")
    root = ET.fromstring(Report("e", "aws", (odd,)).to_junit())
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.attrib["message"] == "bell  & [31m"


def test_the_table_begins_with_what_failed_and_says_what_to_do() -> None:
    text = shown(REPORT)
    assert text.index("queues") < text.index("api") < text.index("storage")
    assert text.index("a:3") < text.index("a:2")
    for words in ("FAIL critical", "expected    a thing", "found       found a:3", "mend it"):
        assert words in text
    assert "a:1" not in text
    assert "a:1" in shown(REPORT, verbose=True)


def test_what_an_emulator_cannot_show_is_told_once_for_each_kind() -> None:
    many = tuple(result(f"aging:{n}", "simulated") for n in range(3))
    text = shown(Report("local", "local cloud", (*many, result("other:1", "not_covered"))))
    assert "aging (3)  found aging:0" in text
    assert "aging:2" not in text
    assert "other:1  found other:1" in text
    assert "aging:2" in shown(Report("local", "local cloud", many), verbose=True)


def test_what_is_found_is_text_and_no_markup() -> None:
    odd = Result("a", "s", "low", "fail", "[bold]", "[red]one[/red]", "[link=x]")
    assert "[red]one[/red]" in shown(Report("e", "aws", (odd,)))


def test_the_last_line_counts() -> None:
    assert summary_line(REPORT) == (
        "staging (aws): 6 checks: 2 FAIL, 1 not covered, 1 simulated, 2 pass "
        "(1 critical, 1 low), 1.5 s"
    )
    assert shown(Report("staging", "aws", ())) == "staging (aws): 0 checks: 0, 0.0 s\n"
