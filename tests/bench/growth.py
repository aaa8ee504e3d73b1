"""(h) What one more leaderboard costs: time of a plan with 1, 10 and 50 of them.

The peer is a straight line: 1.00 x means that the fiftieth costs what the second did.
"""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

from glue.deploy.terraform import Terraform
from tests.bench.measure import Figure
from tests.platform import REGION, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.platform import Platform

COUNTS = (1, 10, 50)
ROUNDS = 3
# As large as a leaderboard: its queue with dead letters and alarms, table, results bucket, and
# the five functions of its pipeline, each with role, logs and alarms.
CONFIGURATION = """
terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region                      = "%(region)s"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  max_retries                 = 2
}

variable "leaderboards" {
  type = number
}

locals {
  names     = [for number in range(var.leaderboards) : format("leaderboard-%%03d", number)]
  steps     = ["start", "prepare", "watch", "finish", "fail"]
  functions = { for pair in setproduct(local.names, local.steps) : join("-", pair) => pair }
  alarms    = { topic_arn = "arn:aws:sns:%(region)s:000000000000:alarms" }
}

module "queue" {
  source   = "%(modules)s/queue"
  for_each = toset(local.names)

  name     = each.key
  delivery = { consumer_timeout = 60 }
  alarms   = local.alarms
}

module "table" {
  source   = "%(modules)s/table"
  for_each = toset(local.names)

  name = each.key
  keys = { partition = "team-id", sort = "submission-id" }
}

module "bucket" {
  source   = "%(modules)s/bucket"
  for_each = toset(local.names)

  name = each.key
}

module "function" {
  source   = "%(modules)s/function"
  for_each = local.functions

  name   = each.key
  alarms = local.alarms

  package = {
    path         = "code.zip"
    hash         = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    layers       = []
    runtime      = "python3.13"
    architecture = "arm64"
  }

  function = { handler = "lambdas.example.handler.handler", description = "One step." }
}
"""


def _prepare(platform: Platform) -> Terraform:
    """Write the configuration and return its Terraform, initialised without a backend."""
    root = platform.build / "bench" / "growth"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    facts = {"region": REGION, "modules": ROOT / "modules"}
    (root / "main.tf").write_text(CONFIGURATION % facts)
    lock = ROOT / "terraform" / "platform" / ".terraform.lock.hcl"
    shutil.copy(lock, root)
    variables = platform.variables | {
        "AWS_ENDPOINT_URL": platform.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    terraform = Terraform(root, "growth", platform.build / "bench", variables)
    terraform.init()
    return terraform


def _plan(terraform: Terraform, folder: Path, count: int) -> tuple[float, int]:
    """Return the best time of a plan for so many leaderboards, and how many resources it has."""
    variables = folder / f"{count}.tfvars.json"
    variables.write_text(json.dumps({"leaderboards": count}))
    file = folder / f"{count}.tfplan"
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        terraform.plan(file, [variables])
        best = min(best, time.perf_counter() - began)
    changes = terraform.show(file)["resource_changes"]
    return best, sum(change["change"]["actions"] == ["create"] for change in changes)


def measure(platform: Platform) -> list[Figure]:
    """Plan the same root for more and more leaderboards; the peer is a straight line."""
    terraform = _prepare(platform)
    seconds: dict[int, float] = {}
    figures = []
    for count in COUNTS:
        seconds[count], resources = _plan(terraform, terraform.root, count)
        figures.append(
            Figure(f"plan, {count} leaderboards", f"{seconds[count]:.1f} s, {resources} resources")
        )
    few, some, many = COUNTS
    early = (seconds[some] - seconds[few]) / (some - few)
    late = (seconds[many] - seconds[some]) / (many - some)
    figures.append(Figure("each further one", f"{late * 1000:.0f} ms"))
    figures.append(Figure("each of the last 40 over each of the first 10", f"{late / early:.2f} x"))
    return figures
