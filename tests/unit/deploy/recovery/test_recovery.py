from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from glue.deploy.environments import Environment
from glue.deploy.process import TerraformError
from glue.deploy.recovery import recovery
from glue.deploy.recovery.adoption import Traces
from glue.deploy.recovery.recovery import Interruption, Made
from glue.deploy.recovery.search import Wanted

LOG = """
aws_vpc.ground: Creating...
aws_vpc.ground: Creation complete after 1s [id=vpc-1]
module.x.aws_subnet.a["eu-central-1a"]: Creating...
module.x.aws_subnet.a["eu-central-1a"]: Creation complete after 11s [id=subnet-[1]]
aws_eip.a[0]: Creating...
aws_eip.a[0]: Creation complete after 0s [id=eip-2]
aws_iam_role.r: Creating...
aws_iam_role.r: Still creating... [10s elapsed]
aws_iam_role.old: Modifying... [id=x]
terraform_data.quiet: Creating...
terraform_data.quiet: Creation complete after 0s
"""


def resource(kind: str, name: str, given: str, **more: Any) -> dict[str, Any]:
    instance = {"attributes": {"id": given}}
    if "index_key" in more:
        instance["index_key"] = more.pop("index_key")
    return {"mode": "managed", "type": kind, "name": name, "instances": [instance], **more}


class Importing:
    """A Terraform that can import some addresses and fails for others."""

    def __init__(self, folder: Path, failures: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.failures = failures or {}
        self.imported: list[tuple[str, str]] = []
        self.pushed: list[dict[str, Any]] = []
        self.told: tuple[dict[str, Any], ...] = ()
        self.is_left = False
        self.state: dict[str, Any] = {"lineage": "l", "serial": 3, "resources": []}

    def pull_state(self) -> dict[str, Any]:
        return self.state

    def push_state(self, state: dict[str, Any]) -> None:
        self.pushed.append(state)


class Reading:
    """Imports that need no AWS: what a Terraform of a test can import, and when it is saved."""

    def __init__(
        self, _: Environment, terraform: Any, addresses: list[str], *told: dict[str, Any]
    ) -> None:
        self.terraform: Importing = terraform
        self.addresses = addresses
        self.terraform.told = told
        self.read: list[tuple[str, str]] = []

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self.terraform.is_left = True

    def take(self, address: str, given: str) -> None:
        assert address in self.addresses
        if address in self.terraform.failures:
            raise TerraformError("import", self.terraform.failures[address], "see")
        self.read.append((address, given))

    def save(self) -> None:
        if "save" in self.terraform.failures:
            raise TerraformError("state push", self.terraform.failures["save"], "see")
        self.terraform.imported += self.read
        self.read = []


@pytest.fixture(autouse=True)
def _no_scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "Imports", Reading)


@pytest.fixture
def staging(ground: Any) -> Environment:
    made: Environment = ground.environment()
    return made


@pytest.fixture
def terraform(staging: Environment) -> Importing:
    folder = staging.project.terraform_folder("staging")
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "apply.log").write_text(LOG)
    return Importing(folder)


def recover(staging: Environment, terraform: Importing, **options: Any) -> tuple[str, ...]:
    given: Any = terraform
    return recovery.recover(staging, given, **options)


def test_what_the_log_has_and_the_state_lacks() -> None:
    state = {
        "resources": [
            resource("aws_vpc", "ground", "vpc-1"),
            resource("aws_eip", "a", "eip-1", index_key=0),
            {**resource("aws_iam_role", "r", "r"), "mode": "data"},
        ]
    }
    assert recovery.interruption(LOG, state) == Interruption(
        made=(
            Made('module.x.aws_subnet.a["eu-central-1a"]', "subnet-[1]"),
            Made("aws_eip.a[0]", "eip-2"),
        ),
        unsure=("aws_iam_role.r",),
    )
    assert recovery.interruption("", {}) == Interruption((), ())


def test_addresses_are_those_of_terraform() -> None:
    keyed = resource("a", "b", "1", module='module.x["k"]', index_key="ä b")
    left_over: dict[str, Any] = {"deposed": "1a", "attributes": {"id": "2"}}
    keyed["instances"].append(left_over)
    keyed["instances"].append({"index_key": 1, "attributes": None})
    assert list(recovery.instances({"resources": [keyed]})) == [
        ('module.x["k"].a.b["ä b"]', "1"),
        ('module.x["k"].a.b[1]', None),
    ]


def test_an_apply_that_ended_leaves_nothing_to_do(
    staging: Environment, terraform: Importing
) -> None:
    assert recover(staging, terraform) == ()
    recovery.begin(staging)
    recovery.end(staging, TerraformError("apply", "AccessDenied", "see"))
    assert recover(staging, terraform) == ()
    assert terraform.imported == []


def test_what_a_killed_apply_made_is_taken_up(staging: Environment, terraform: Importing) -> None:
    recovery.begin(staging)
    recovery.end(staging, TerraformError("apply", "killed", "see", -9))
    terraform.failures = {"aws_eip.a[0]": "no such import"}
    lines: list[str] = []
    taken, left, absent = recover(staging, terraform, on_line=lines.append)
    assert terraform.imported == [
        ("aws_vpc.ground", "vpc-1"),
        ('module.x.aws_subnet.a["eu-central-1a"]', "subnet-[1]"),
    ]
    assert "what it had made was taken up: aws_vpc.ground, module.x" in taken
    assert left.endswith("before you apply: aws_eip.a[0] (id eip-2)")
    assert absent.endswith("nothing of them was found, so they are made now: aws_iam_role.r")
    assert lines[0] == "aws_vpc.ground: taken up from the interrupted apply [id=vpc-1]"
    assert not recovery.journal(staging).exists()
    assert recover(staging, terraform) == ()


KILLED = """
aws_iam_role_policy.p: Creation complete after 0s [id=r:p]
aws_kms_alias.k: Creation complete after 0s [id=alias/k]
aws_lambda_permission.p: Creation complete after 0s [id=statement]
aws_sqs_queue_redrive_policy.q: Creating...
aws_sqs_queue.q: Creating...
aws_sqs_queue.gone: Creating...
aws_vpc.two: Creating...
aws_iam_role.theirs: Creating...
"""


def test_what_was_being_made_is_looked_for(
    staging: Environment, terraform: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    (terraform.folder / "logs" / "apply.log").write_text(KILLED)
    changes = {
        "aws_lambda_permission.p": {"function_name": "f", "statement_id": "statement"},
        "aws_sqs_queue.q": {"name": "q"},
        "aws_sqs_queue.gone": {"name": "gone"},
        "aws_vpc.two": {"tags_all": {"Name": "two"}},
        "aws_iam_role.theirs": {"name": "theirs"},
    }
    content = {
        "configuration": {"root_module": {"resources": [
            {"address": "aws_vpc.two", "provider_config_key": "aws.us_east_1"},
            {"address": "aws_sqs_queue.q", "provider_config_key": "aws"},
        ]}},
        "resource_changes": [
            {"mode": "managed", "address": address, "change": {"actions": ["create"], "after": a}}
            for address, a in changes.items()
        ],
    }  # fmt: skip
    folder = staging.project.plan_folder("staging")
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps(content))
    recovery.begin(staging)
    assert recovery.journal(staging).stat().st_mode & 0o777 == 0o600, "planned values are secret"
    (folder / "plan.json").unlink()

    def traces(_: Any, wanted: list[Wanted]) -> list[Traces]:
        assert [one.values for one in wanted] == [
            changes[name]
            for name in ("aws_sqs_queue.q", "aws_sqs_queue.gone", "aws_vpc.two",
                         "aws_iam_role.theirs")
        ]  # fmt: skip
        return [
            Traces("aws_sqs_queue.q", ("https://q",), ("arn:q",), is_certain=True),
            Traces("aws_sqs_queue.gone", ("https://gone",), ("arn:gone",), is_certain=True),
            Traces("aws_vpc.two", ("vpc-1", "vpc-2"), ("arn:1", "arn:2")),
            Traces("aws_iam_role.theirs", ("theirs",), ("arn:theirs",), is_certain=True),
        ]

    monkeypatch.setattr(recovery, "traces", traces)
    terraform.failures = {
        "aws_sqs_queue.gone": f"Error: {recovery.NON_EXISTENT}",
        "aws_iam_role.theirs": "no",
        "aws_kms_alias.k": "no",
    }
    taken, left, doubtful, absent = recover(staging, terraform)
    assert terraform.imported == [
        ("aws_lambda_permission.p", "f/statement"),
        ("aws_sqs_queue.q", "https://q"),
    ]
    assert terraform.told == ({"aws_vpc.two": "aws.us_east_1"}, changes)
    assert taken.endswith("aws_lambda_permission.p, aws_sqs_queue.q")
    assert left.endswith("apply: aws_kms_alias.k (id alias/k)")
    assert doubtful.endswith(": aws_vpc.two (arn:1, arn:2), aws_iam_role.theirs (arn:theirs)")
    assert absent.endswith(": aws_sqs_queue.gone")


def test_somebody_elses_lock_puts_it_off(staging: Environment, terraform: Importing) -> None:
    recovery.begin(staging)
    terraform.failures = {"save": "Error acquiring the state lock"}
    with pytest.raises(TerraformError):
        recover(staging, terraform)
    assert terraform.is_left, "nothing is left on disk"
    assert recovery.journal(staging).is_file(), "the next plan tries again"


def test_a_killed_apply_without_a_log(staging: Environment, terraform: Importing) -> None:
    recovery.begin(staging)
    (terraform.folder / "logs" / "apply.log").unlink()
    assert recover(staging, terraform) == ()


@pytest.mark.parametrize(
    ("lineage", "serial", "pushes", "stays"),
    [("l", 4, 1, False), ("l", 3, 0, False), ("another", 9, 0, True)],
)
def test_a_state_that_could_not_be_saved(
    staging: Environment,
    terraform: Importing,
    lineage: str,
    serial: int,
    pushes: int,
    stays: bool,
) -> None:
    path = staging.project.root / recovery.UNSAVED
    path.write_text(json.dumps({"lineage": lineage, "serial": serial}))
    notes = recover(staging, terraform)
    assert len(terraform.pushed) == pushes
    assert path.exists() is stays
    assert bool(notes) is not stays
