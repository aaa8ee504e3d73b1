"""Every module: its form, its README's example, its own tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.modules.workbench import MODULES, REPOSITORY, examples

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from tests.modules.workbench import Workbench

BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)


def blocks(module: str, kind: str) -> dict[str, str]:
    """Return the bodies of a module's variables or outputs by name."""
    text = (REPOSITORY / "modules" / module / f"{kind}s.tf").read_text(encoding="utf-8")
    return {name: body for found, name, body in BLOCK.findall(text) if found == kind}


def own_tests(module: str) -> str:
    """Return the text of a module's own tests."""
    files = sorted((REPOSITORY / "modules" / module / "tests").glob("*.tftest.hcl"))
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_everything_is_formatted(workbench: Workbench) -> None:
    assert workbench.run(workbench.folder, "fmt", "-recursive", "-check", "-list=true") == ""


def test_all_modules_are_in_the_table() -> None:
    table = (REPOSITORY / "modules" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(\w+)\]\(\1/README\.md\) \|", table, re.MULTILINE) == MODULES


@pytest.mark.parametrize("module", MODULES)
class TestForm:
    def test_the_house_rules_hold(self, module: str) -> None:
        variables, outputs = blocks(module, "variable"), blocks(module, "output")

        files = (REPOSITORY / "modules" / module).glob("*.tf")
        code = [path.read_text(encoding="utf-8") for path in files if path.name != "variables.tf"]

        assert sum(text.count("\n") for text in code) <= 300
        assert len(variables) <= 12
        assert len(outputs) <= 8
        assert list(variables) == sorted(variables)
        assert list(outputs) == sorted(outputs)
        assert not re.search(r"\bany\b", "".join(re.findall(r"type = .*", "".join(variables))))

    def test_everything_says_what_it_is(self, module: str) -> None:
        for kind in ("variable", "output"):
            for name, body in blocks(module, kind).items():
                assert "description = " in body, f"{kind} {name} has no description"

    def test_every_rule_is_broken_by_a_test(self, module: str) -> None:
        expected = set(re.findall(r"var\.(\w+)", " ".join(
            re.findall(r"expect_failures\s*=\s*\[(.*?)\]", own_tests(module))
        )))  # fmt: skip
        ruled = {
            name for name, body in blocks(module, "variable").items() if "validation {" in body
        }
        assert ruled - expected == set()

    def test_every_message_names_its_variable(self, module: str) -> None:
        for name, body in blocks(module, "variable").items():
            for message in re.findall(r'error_message = "([^"]+)', body):
                assert name in message.split(":")[0], message


@pytest.mark.parametrize("module", MODULES)
class TestExamples:
    def test_the_readme_has_one(self, module: str) -> None:
        assert any(f'source = "../../modules/{module}"' in example for example in examples(module))

    def test_it_is_valid(self, module: str, example_diagnostics: list[dict[str, Any]]) -> None:
        files = (f"{module}.tf", f"../../modules/{module}/")
        found = [
            f"{diagnostic['summary']}: {diagnostic['detail']}"
            for diagnostic in example_diagnostics
            if diagnostic.get("range", {}).get("filename", "").startswith(files)
        ]
        assert found == []


def test_all_examples_can_be_planned(
    workbench: Workbench, example_root: Path, example_diagnostics: list[dict[str, Any]]
) -> None:
    assert example_diagnostics == []
    assert "1 passed, 0 failed" in workbench.run(example_root, "test", "-no-color")


@pytest.mark.parametrize("module", MODULES)
def test_its_own_tests_pass(module: str, own_tests_printed: dict[str, Future[str]]) -> None:
    runs = len(re.findall(r'^run "', own_tests(module), re.MULTILINE))

    printed = own_tests_printed[module].result()

    assert runs > 0
    assert f"{runs} passed, 0 failed" in printed
