"""`glue check`: ask a deployed environment whether it is as it should be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from glue.cli.output import print_json, print_table
from glue.errors import InputError, NotFound

if TYPE_CHECKING:
    from glue.checks.context import Context
    from glue.checks.report import Report
    from glue.checks.run import Subject
    from glue.deploy.environments import Environment

app = typer.Typer(add_completion=False)
errors = Console(stderr=True)
# Reports in a log are never cut.
LOG_WIDTH = 160


@app.command()
def check(
    env: Annotated[str, typer.Argument(help="The environment: local, staging or prod.")] = "local",
    subject: Annotated[
        list[str] | None, typer.Option("--subject", "-s", help="Only this one; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    junit: Annotated[
        Path | None, typer.Option(help="Write the results to this file as JUnit XML, too.")
    ] = None,
    only_list: Annotated[
        bool, typer.Option("--list", help="Print what would be asked, and ask nothing.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print what is good, too, check by check.")
    ] = False,
) -> None:
    """Ask a deployed environment whether it is as it should be; nothing is changed.

    Exit code 0: nothing failed, 2: a check failed, 1: the checks could not be made.
    """
    chosen = chosen_subjects(subject or [])
    if only_list:
        _list(chosen, as_json=as_json)
        return
    report = run_checks(context_of(env), chosen)
    if junit is not None:
        junit.parent.mkdir(parents=True, exist_ok=True)
        junit.write_text(report.to_junit(), encoding="utf-8")
    if as_json:
        print_json(report.to_dict() | {"counts": report.counts, "seconds": report.seconds})
    else:
        _print(report, verbose=verbose)
    raise typer.Exit(report.exit_code)


def chosen_subjects(names: list[str]) -> tuple[Subject[Context], ...]:
    """Return the subjects of these names, or all. Raises NotFound for a name nobody knows."""
    from glue.checks.subjects import SUBJECTS

    known = {subject.name: subject for subject in SUBJECTS}
    for name in names:
        if name not in known:
            raise NotFound(
                "subject", f"there is no subject {name!r}", f"use one of {', '.join(known)}"
            )
    return tuple(subject for subject in SUBJECTS if not names or subject.name in names)


def context_of(env: str) -> Context:
    """Return an environment as checks see it.

    Raises InputError when there is no such environment, it was never applied from this folder,
    or nobody is logged in.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    from glue.checks.context import Context
    from glue.checks.resolver import parent_resolver
    from glue.deploy.environments import Environment, read_outputs
    from glue.deploy.project import Project
    from glue.local.coverage import COVERAGE

    project = Project.here()
    environment = Environment.load(env, project)
    environment.require_credentials()
    outputs = read_outputs(env, project)
    context = Context(
        environment=env,
        region=environment.facts.region,
        account_id=environment.facts.account_id,
        is_emulated=environment.is_emulated,
        client=lambda service, region=None: client(environment, service, region),
        outputs=outputs,
        state_bucket=environment.state_bucket,
        coverage=COVERAGE,
        parent_name_servers=parent_resolver(),
    )
    try:
        context.aws("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        remedy = "start it: `glue local up`" if context.is_emulated else "log in: `aws sso login`"
        raise InputError("credentials", f"AWS does not answer: {error}", remedy) from error
    return context


def client(environment: Environment, service: str, region: str | None = None) -> Any:
    """Return a boto3 client that is quick to give up: a check is no deployment.

    Its address and credentials are the environment's, in its home region unless another is named.
    """
    import boto3
    from botocore.config import Config

    local = environment.cloud is not None
    session = boto3.session.Session(
        aws_access_key_id="test" if local else None,
        aws_secret_access_key="test" if local else None,
        region_name=region or environment.facts.region,
    )
    config = Config(
        connect_timeout=5,
        read_timeout=30,
        max_pool_connections=32,
        retries={"mode": "standard", "total_max_attempts": 4},
        # No proxy stands between this machine and itself, whatever the shell says.
        proxies={} if environment.is_emulated else None,
    )
    make: Any = session.client
    return make(service, endpoint_url=environment.endpoint, config=config)


def run_checks(context: Context, subjects: tuple[Subject[Context], ...]) -> Report:
    """Run the checks, with a line of progress on a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from glue.checks.run import run

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(f"checking {context.environment}", total=len(subjects))

        def on_done(name: str, count: int) -> None:
            bar.update(task, advance=1, description=f"{name}: {count}")

        return run(subjects, context, on_done)


def _print(report: Report, *, verbose: bool) -> None:
    from glue.checks.table import print_report

    console = Console()
    if not console.is_terminal:
        console.width = LOG_WIDTH
    print_report(report, console, verbose=verbose)


def _list(subjects: tuple[Subject[Context], ...], *, as_json: bool) -> None:
    if as_json:
        print_json([
            {
                "subject": subject.name,
                "text": subject.text,
                "checks": [
                    {"id": one.name, "severity": one.severity, "expected": one.expected}
                    for one in subject.checks
                ],
            }
            for subject in subjects
        ])  # fmt: skip
        return
    rows = [(s.name, one.name, one.severity, one.expected) for s in subjects for one in s.checks]
    print_table(("subject", "check", "severity", "expected"), rows)
