"""A real apply of the platform that is killed half-way."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from glue.rehearsal.accounts import Account
from glue.rehearsal.copied import copy_sources
from glue.rehearsal.inventory import inventory
from tests.platform import GLUE, ROOT, Platform, new_platform

HALF_WAY = 30  # resources made when terraform is killed


def smaller_sources(folder: Path) -> Path:
    """Copy the repository, its local environment without what a recording does not need.

    What is asked here is asked of fewer resources as well, in half the time.
    """
    copy_sources(ROOT, folder)
    file = folder / "terraform" / "platform" / "environments" / "local.tfvars"
    text = file.read_text(encoding="utf-8")
    for name in ("batch", "cluster", "leaderboards"):
        text, count = re.subn(rf"(?ms)^{name} = \{{$.*?^\}}$", "", text)
        assert count == 1, name
    file.write_text(text, encoding="utf-8")
    return folder


def lines_of(file: Path, word: str) -> int:
    return file.read_text(encoding="utf-8").count(word) if file.is_file() else 0


def kill_half_way(platform: Platform) -> str:
    """Apply, kill Terraform once it has made enough, and return what the verb said of it."""
    log = platform.build / "killed.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [*GLUE, "deploy", "apply", "--env", "local"], cwd=platform.sources,
            env=platform.variables, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while lines_of(log, "Creation complete") < HALF_WAY:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        below = psutil.Process(process.pid).children(recursive=True)
        for one in sorted(below, key=lambda child: child.name() != "terraform"):
            one.send_signal(signal.SIGKILL)  # Terraform first, then the providers it leaves
        assert process.wait(120) == 1
    return log.read_text()


def local_account(platform: Platform) -> Account:
    return Account(
        "local", "0" * 12, "eu-central-1", platform.endpoint, platform.build, platform.build
    )


def lock_of(platform: Platform) -> dict[str, Any] | None:
    told = platform.glue("deploy", "lock", "--env", "local", "--json", check=False)
    found: dict[str, Any] | None = json.loads(told.stdout)["lock"]
    return found


def test_a_platform_whose_apply_was_killed_is_finished_and_nothing_is_doubled() -> None:
    build = ROOT / "build" / "test-killed"
    platform = new_platform(build, smaller_sources(build / "sources"))
    platform.glue("local", "reset")
    platform.glue("local", "up")
    try:
        empty = inventory(local_account(platform))
        assert platform.glue("deploy", "plan", "--env", "local", check=False).returncode == 2
        kill_half_way(platform)

        held = lock_of(platform)
        assert held is not None
        assert held["liveness"] == "gone"
        again = platform.glue("deploy", "plan", "--env", "local", check=False)
        assert again.returncode == 1
        assert "so it was interrupted" in again.stderr
        assert held["unlock"] in again.stderr
        assert "Traceback" not in again.stderr
        platform.glue(
            "deploy", "unlock", "--env", "local", "--id", held["id"], "--confirm", "local"
        )
        assert lock_of(platform) is None

        planned = platform.glue("deploy", "plan", "--env", "local", check=False)
        assert planned.returncode == 2, planned.stderr
        applied = platform.glue("deploy", "apply", "--env", "local", check=False)
        assert applied.returncode == 0, f"{planned.stdout}\n{applied.stderr}"
        # Whatever a first run had made and lost would be there twice, with our tags, unknown.
        drift = platform.glue("deploy", "drift", "--env", "local", "--json", check=False)
        assert json.loads(drift.stdout)["unmanaged"] == [], drift.stdout
        made = Counter(one.split(" ", 1)[0] for one in inventory(local_account(platform)) - empty)
        state = json.loads(
            local_account(platform).client("s3").get_object(
                Bucket=local_account(platform).state_bucket,
                Key=local_account(platform).state_key,
            )["Body"].read()
        )  # fmt: skip
        meant = Counter(
            one["type"]
            for one in state["resources"]
            for _ in one["instances"]
            if one["mode"] == "managed"
        )
        assert made["cognito-idp"] == meant["aws_cognito_user_pool"]
        assert made["kms"] == meant["aws_kms_key"] + meant["aws_kms_alias"]
        assert made["logs"] == meant["aws_cloudwatch_log_group"]
        assert made["sqs"] == meant["aws_sqs_queue"]
        assert made["apigateway"] == (
            meant["aws_api_gateway_rest_api"] + meant["aws_api_gateway_usage_plan"]
        )
        # What carries no tags is found within what it belongs to.
        (pool,) = (one for one in state["resources"] if one["type"] == "aws_cognito_user_pool")
        clients = local_account(platform).client("cognito-idp").list_user_pool_clients(
            UserPoolId=pool["instances"][0]["attributes"]["id"]
        )["UserPoolClients"]  # fmt: skip
        assert len(clients) == meant["aws_cognito_user_pool_client"]
        versions = local_account(platform).client("lambda").list_layer_versions(
            LayerName="local-glue-libraries"
        )["LayerVersions"]  # fmt: skip
        assert len(versions) == meant["aws_lambda_layer_version"]
        assert platform.glue("deploy", "plan", "--env", "local", check=False).returncode == 0
    finally:
        platform.down()
