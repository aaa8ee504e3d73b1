"""What checks find, and the forms in which it is told: JSON, JUnit XML, an exit code."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args
from xml.etree import ElementTree as ET

Severity = Literal["critical", "high", "medium", "low"]
Status = Literal["pass", "fail", "simulated", "not_covered"]
Target = Literal["aws", "local cloud"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
STATUSES: tuple[Status, ...] = ("fail", "not_covered", "simulated", "pass")
FOUND = 2  # the exit code when a check failed; 1 is for an error of the program's own


@dataclass(frozen=True)
class Result:
    """One check's answer.

    `simulated` passed against an emulator that only pretends; `not_covered` could not be asked
    where it was run. `expected`, `found` and `remedy` are sentences for whoever has to mend it.
    """

    id: str
    subject: str
    severity: Severity
    status: Status
    expected: str
    found: str
    remedy: str

    def __post_init__(self) -> None:
        if self.status not in STATUSES or self.severity not in SEVERITIES:
            raise ValueError(f"{self.id}: no such status or severity: {self}")

    def to_dict(self) -> dict[str, str]:
        """Return the fields as JSON takes them."""
        return asdict(self)

    @property
    def rank(self) -> tuple[int, int, str]:
        """Where it stands in a list: failures first, the gravest of them before all."""
        return STATUSES.index(self.status), SEVERITIES.index(self.severity), self.id


@dataclass(frozen=True)
class Report:
    """All answers for one environment, in the order in which the subjects were asked."""

    environment: str
    target: Target
    checks: tuple[Result, ...]
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "environment": self.environment,
            "target": self.target,
            "checks": [one.to_dict() for one in self.checks],
        }

    @property
    def exit_code(self) -> int:
        """0 when no check failed, 2 when one did."""
        return FOUND if self.failed else 0

    @property
    def failed(self) -> tuple[Result, ...]:
        """The checks that failed, the gravest first."""
        return tuple(sorted((c for c in self.checks if c.status == "fail"), key=lambda c: c.rank))

    @property
    def counts(self) -> dict[Status, int]:
        """How many checks ended in each status."""
        return {status: sum(c.status == status for c in self.checks) for status in STATUSES}

    def to_junit(self) -> str:
        """Return JUnit XML: a test suite per subject, a test case per check.

        What an emulator could not show is skipped with the reason; it neither passed nor failed.
        """
        root = ET.Element("testsuites", name=f"checks of {self.environment}")
        for subject in dict.fromkeys(one.subject for one in self.checks):
            mine = [one for one in self.checks if one.subject == subject]
            suite = ET.SubElement(
                root,
                "testsuite",
                name=subject,
                tests=str(len(mine)),
                failures=str(sum(one.status == "fail" for one in mine)),
                errors="0",
                skipped=str(sum(one.status in {"simulated", "not_covered"} for one in mine)),
            )
            for one in mine:
                _add_case(suite, one)
        ET.indent(root)
        return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_case(suite: ET.Element, one: Result) -> None:
    case = ET.SubElement(suite, "testcase", classname=one.subject, name=one.id)
    if one.status == "fail":
        failure = ET.SubElement(case, "failure", type=one.severity, message=_clean(one.found))
        failure.text = _clean(f"expected: {one.expected}\nfound: {one.found}\nremedy: {one.remedy}")
    elif one.status != "pass":
        ET.SubElement(case, "skipped", message=_clean(f"{one.status}: {one.found}"))


def _clean(text: str) -> str:
    """Return the text without the control characters that XML cannot hold."""
    return "".join(c for c in text if c in "\t\n" or c >= " ")
