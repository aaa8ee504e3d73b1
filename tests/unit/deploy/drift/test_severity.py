from __future__ import annotations

import json
from typing import Any

import pytest

from glue.deploy.drift.differences import Difference
from glue.deploy.drift.severity import RULES, UNKNOWN, of_difference, of_loss, worst

OPEN = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
CLOSED = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "s3:GetObject"}
BLOCK = "aws_s3_bucket_public_access_block"
INGRESS = "aws_vpc_security_group_ingress_rule cidr_ipv4"
ALL = "0.0.0.0/0"
MANAGED = ["arn:aws:iam::aws:policy/AdministratorAccess"]
ADMINISTRATOR = json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@pytest.mark.parametrize(
    ("what", "before", "after", "verdict"),
    [
        ("aws_dynamodb_table deletion_protection_enabled",
         True, False, "critical protection is off"),
        ("aws_cognito_user_pool deletion_protection", "ACTIVE", "INACTIVE", "critical off"),
        ("aws_dynamodb_table deletion_protection_enabled", False, True, "medium is on"),
        ("aws_s3_bucket_versioning versioning_configuration[0].status",
         "Enabled", "Suspended", "critical versions"),
        ("aws_dynamodb_table point_in_time_recovery[0].enabled", True, False, "critical backups"),
        ("aws_db_instance backup_retention_period", 7, 0, "critical backups"),
        ("aws_db_instance backup_retention_period", 7, 3, "medium how long"),
        ("aws_s3_bucket_public_access_block block_public_acls", True, False, "critical barrier"),
        ("aws_db_instance publicly_accessible", False, True, "critical public"),
        ("aws_eks_cluster vpc_config[0].endpoint_public_access", False, True, "critical public"),
        ("aws_eks_cluster vpc_config[0].public_access_cidrs",
         ["10.0.0.0/8"], [ALL], "critical internet"),
        (INGRESS, "10.0.0.0/8", ALL, "critical internet"),
        (INGRESS, "10.0.0.0/8", "10.0.0.0/9", "high connect"),
        ("aws_security_group ingress[1]", None, {"cidr_blocks": [ALL]}, "critical internet"),
        ("aws_api_gateway_method authorization",
         "COGNITO_USER_POOLS", "NONE", "critical authorisation"),
        ("aws_launch_template metadata_options[0].http_tokens",
         "required", "optional", "high metadata"),
        ("aws_sns_topic kms_master_key_id", "alias/x", "", "critical encryption is off"),
        ("aws_kms_key is_enabled", True, False, "critical disabled"),
        ("aws_kms_key enable_key_rotation", True, False, "high rotated"),
        ("aws_sqs_queue kms_data_key_reuse_period_seconds", 300, 600, "high encryption changed"),
        ("aws_s3_bucket_policy policy.Statement[0]", CLOSED, OPEN, "critical everybody"),
        ("aws_s3_bucket_policy policy.Statement[0].Principal",
         {"AWS": "1"}, "*", "critical everybody"),
        ("aws_iam_role_policy policy", "{}", ADMINISTRATOR, "critical everything"),
        ("aws_iam_role_policy policy.Statement[0].Action", "s3:*", "*", "critical everything"),
        ("aws_iam_role managed_policy_arns", [], MANAGED, "critical everything"),
        ("aws_iam_role assume_role_policy.Statement[0].Principal.AWS", "a", "b", "high policy"),
        ("aws_lambda_function source_code_hash", "a", "b", "high code"),
        ("aws_lambda_function environment[0].variables.X", "a", "b", "high settings"),
        ("aws_cloudwatch_metric_alarm actions_enabled", True, False, "high silent"),
        ("aws_cloudwatch_metric_alarm alarm_actions", ["a", "b"], ["a"], "high elsewhere"),
        ("aws_eks_cluster enabled_cluster_log_types", ["api", "audit"], ["api"], "high logs"),
        ("aws_cloudwatch_event_rule state", "ENABLED", "DISABLED", "high switched off"),
        ("aws_cloudwatch_log_group retention_in_days", 30, 1, "medium how long"),
        ("aws_s3_bucket_lifecycle_configuration rule[0].expiration[0].days",
         30, 1, "medium how long"),
        ("aws_lambda_function memory_size", 128, 1024, "medium capacity"),
        ("aws_eks_node_group scaling_config[0].max_size", 2, 20, "medium capacity"),
        ("aws_s3_bucket tags.owner", None, "me", "low tags"),
        ("aws_sns_topic display_name", "a", "b", "low words"),
        ("aws_lambda_function last_modified", "a", "b", "low date"),
    ],
)  # fmt: skip
def test_the_table(what: str, before: Any, after: Any, verdict: str) -> None:
    kind, _, path = what.partition(" ")
    severity, _, reason = verdict.partition(" ")
    found = of_difference(kind, Difference(path, before, after))
    assert found.severity == severity, found
    assert reason in found.reason


def test_what_no_rule_knows_is_medium() -> None:
    assert of_difference("aws_sqs_queue", Difference("colour", 1, 2)) == UNKNOWN


def test_a_rule_may_be_of_one_type() -> None:
    rule = RULES[0].__class__("low", "", "x", types="aws_a")
    assert rule.fits("aws_a", Difference("x", 1, 2))
    assert not rule.fits("aws_ab", Difference("x", 1, 2))


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        ("aws_s3_bucket", "critical"),
        ("aws_kms_key", "critical"),
        ("aws_s3_bucket_public_access_block", "critical"),
        ("aws_cloudwatch_metric_alarm", "high"),
    ],
)
def test_losses(kind: str, severity: str) -> None:
    assert of_loss(kind).severity == severity


def test_the_gravest() -> None:
    assert worst(["low", "high", "medium"]) == "high"
    assert worst([]) == "low"
