"""Batch for real: jobs run.

On AWS a job waits for room, runs, is tried again, and ends by what its program returns. In
MiniStack 1.5.33 it is finished as soon as it is submitted, and nothing can be deleted.
Here `glue.local.batch` takes the service's place. Its state is saved and restored with that of
the others; jobs that ran meanwhile have lost their host, as if their instance had ended, and
are tried again by their own strategy.

Requests are checked by IAM against the queues, definitions and jobs they name, where MiniStack
checks all against `*`. Jobs are given a session of their role, so IAM decides about what they
do. RUNTIME=container runs them in podman or Docker, BATCH_TIME_SCALE shortens timeouts.
"""

# ruff: noqa: PLR0913, PLR0917, SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import functools
import json
import os
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from glue.local.batch.engine import Engine

EXPECTED = {
    "get_state": "ec4d6034d079",
    "_restore_state": "916314673c86",
    "reset": "928f9f1938de",
    "handle_request": "db291b425020",
}
EXPECTED_ACTIONS = {"extract_resource_arn": "82f51700695c"}
EXPECTED_EVALUATOR = {"enforce": "cf64b1ee5b09"}
EXPECTED_TAGGING = {"resource_tags": "5d98719f044c"}
STATE_FORMAT = 4  # MiniStack's own format 3 is another one

_engines: list[Engine] = []


class Resources(str):
    """The first resource a request names; the others stand beside it."""

    others: tuple[str, ...] = ()


def apply(home: Path) -> None:
    """Put our Batch in the place of the emulator's. Raises MendError if it is another one."""
    from ministack.core import iam_actions, iam_evaluator, persistence
    from ministack.services import batch, tagging

    from glue.local.batch.emulator import Emulator
    from glue.local.batch.engine import Engine
    from glue.local.batch.runtimes import choose

    expect(batch, EXPECTED)
    expect(iam_actions, EXPECTED_ACTIONS)
    expect(iam_evaluator, EXPECTED_EVALUATOR)
    expect(tagging, EXPECTED_TAGGING)
    port = os.environ.get("GATEWAY_PORT", "4566")
    engine = Engine(
        Emulator(f"http://127.0.0.1:{port}"),
        choose(os.environ.get("RUNTIME"), home),
        home / "tmp" / "batch",
        processes=8 * (os.cpu_count() or 1),
        scale=float(os.environ.get("BATCH_TIME_SCALE") or 1),
    )
    _engines[:] = [engine]
    persistence.SERVICE_STATE_FORMAT_VERSIONS["batch"] = STATE_FORMAT
    _serve(batch, engine)
    _keep(batch, engine)
    _check(iam_actions, iam_evaluator, engine)
    _show_tags(tagging, engine)


async def background() -> None:
    """Run the jobs."""
    from ministack.core import persistence
    from ministack.services import batch

    await _engines[0].run(lambda: persistence.save_state("batch", batch.get_state()))


def _serve(batch: Any, engine: Engine) -> None:
    from ministack.core.responses import get_account_id, get_region

    from glue.local.batch.names import Scope
    from glue.local.batch.service import Service

    service = Service(engine)

    async def handle_request(
        method: str, path: str, headers: Any, body: bytes, query_params: Any  # noqa: ARG001
    ) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
        scope = Scope(get_account_id(), get_region())
        status, answer = service.answer(scope, method, path, query_params or {}, body)
        sent = {"Content-Type": "application/json"}
        if status != 200:  # noqa: PLR2004 - OK
            sent["x-amzn-errortype"] = answer["__type"]
        return status, sent, json.dumps(answer).encode()

    batch.handle_request = handle_request


def _keep(batch: Any, engine: Engine) -> None:
    def load(data: dict[str, Any]) -> None:
        if "regions" in (data or {}):
            engine.store.load(data)

    batch.get_state = engine.store.dump
    batch.load_persisted_state = load
    batch.reset = engine.reset


def _check(iam_actions: Any, iam_evaluator: Any, engine: Engine) -> None:
    """Let IAM see which resources a request names; each of them has to be allowed."""
    from glue.local.batch import permissions
    from glue.local.batch.names import Scope

    extract, enforce = iam_actions.extract_resource_arn, iam_evaluator.enforce

    @functools.wraps(extract)
    def extract_resource_arn(
        service: str, method: str, path: str, headers: Any, body: bytes,
        query_params: Any, region: str, account_id: str,
    ) -> str:  # fmt: skip
        if service != "batch":
            found: str = extract(
                service, method, path, headers, body, query_params, region, account_id
            )
            return found
        held = engine.store.region(Scope(account_id, region))
        first, *others = permissions.resources(held, path, body)
        named = Resources(first)
        named.others = tuple(others)
        return named

    @functools.wraps(enforce)
    def enforce_all(
        access_key_id: str, iam_action: str, service: str, region: str,
        resource_arn: str = "*", service_context: Any = None,
    ) -> Any:  # fmt: skip
        for resource in (resource_arn, *getattr(resource_arn, "others", ())):
            denied = enforce(
                access_key_id, iam_action, service, region,
                resource_arn=resource, service_context=service_context,
            )  # fmt: skip
            if denied:
                return denied
        return None

    iam_actions.extract_resource_arn = extract_resource_arn
    iam_evaluator.enforce = enforce_all


def _show_tags(tagging: Any, engine: Engine) -> None:
    """Let the tagging API find what carries tags."""
    from ministack.core.responses import get_account_id, get_region

    from glue.local.batch import tags
    from glue.local.batch.names import Scope

    def collect(found: Any) -> Iterator[tuple[str, list[dict[str, str]]]]:
        region = engine.store.region(Scope(get_account_id(), get_region()))
        for arn, held in found(region):
            yield arn, [{"Key": key, "Value": value} for key, value in held.items()]

    tagging._COLLECTORS["batch"] = functools.partial(collect, tags.in_use)
    # Conditions on aws:ResourceTag know jobs, too.
    tagging._RESOURCE_TAG_COLLECTORS["batch"] = functools.partial(collect, tags.tagged)
