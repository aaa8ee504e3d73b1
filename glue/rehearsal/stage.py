"""Where a rehearsal plays: one cloud of its own with two accounts, and the folders for it."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from glue.deploy.environments import read_facts
from glue.deploy.project import Project
from glue.errors import Conflict
from glue.local.cloud import Cloud
from glue.local.configuration import free_port
from glue.rehearsal.accounts import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from glue.rehearsal.evidence import Evidence
    from glue.rehearsal.verbs import Verbs

    Answer = TypeVar("Answer")

STAGING, PROD = "staging", "prod"
# What is made anew each time; packages are found again when nothing in them has changed.
MADE_ANEW = ("environments", "logs", "plans", "summaries", "terraform")


@dataclass
class Stage:
    """The two environments side by side, what runs verbs in them, and what was seen of them.

    `empty` and `settled` hold the evidence of an environment by its name: after the bootstrap,
    and when it was last left in peace.
    """

    cloud: Cloud
    folder: Path
    staging: Account
    prod: Account
    verbs: Verbs
    empty: dict[str, frozenset[str]] = field(default_factory=dict)
    settled: dict[str, Evidence] = field(default_factory=dict)

    @property
    def accounts(self) -> tuple[Account, Account]:
        """Both accounts."""
        return self.staging, self.prod

    def both(self, act: Callable[[Account], Answer]) -> tuple[Answer, Answer]:
        """Do something in both accounts at once and return both answers.

        When one fails the other is ended too, and the first error raised.
        """
        pool = ThreadPoolExecutor(2)
        try:
            first, second = (pool.submit(act, account) for account in self.accounts)
            done, _ = wait((first, second), return_when=FIRST_EXCEPTION)
            for finished in done:
                finished.result()
            return first.result(), second.result()
        except BaseException:
            self.verbs.stop()
            raise
        finally:
            pool.shutdown()


def prepare(folder: Path, project: Project, verbs: Verbs) -> Stage:
    """Return a stage in a folder, swept clean of an earlier run; nothing runs yet.

    The environments' tfvars are copied, so that the play may change them. Raises NotFound when
    the project has no staging or no prod.
    """
    Cloud(folder / "local").down()
    shutil.rmtree(folder / "local", ignore_errors=True)
    for name in MADE_ANEW:
        shutil.rmtree(folder / name, ignore_errors=True)
    cloud = Cloud(folder / "local", free_port(), free_port())
    environments = folder / "environments"
    shutil.copytree(project.variables_file(STAGING).parent, environments)
    copied = Project(project.repository, folder, folder / "local", environments)

    def account(name: str) -> Account:
        facts = read_facts(name, copied)
        return Account(name, facts.account_id, facts.region, cloud.endpoint, folder, environments)

    return Stage(cloud, folder, account(STAGING), account(PROD), verbs)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep a second rehearsal out of the same folder. Raises Conflict when one plays there."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "rehearsal",
                f"another one plays in {folder}",
                "wait for it, or set PROVING_GROUND_BUILD to another folder",
            ) from None
        yield
