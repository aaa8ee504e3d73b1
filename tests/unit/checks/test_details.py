"""What a check says where the worlds do not look: the special cases of single subjects."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from glue.checks.report import Result
from glue.checks.run import Subject, run
from glue.checks.subjects import api, names, nodes, registry, state
from tests.unit.checks.fake import REGION, Cloud, Fault, Refusal, World, context
from tests.unit.checks.worlds import access, compute, data, ground, service, work


def found(world: World, fault: Fault | None = None) -> dict[str, Result]:
    cloud, where = world.context(fault)
    report = run([world.subject], where)
    assert not cloud.unknown
    return {result.id: result for result in report.checks}


EMULATED = {"is_emulated": True}


def test_no_parent_delegates_to_an_emulator() -> None:
    result = found(ground.NAMES, Fault(changes=EMULATED))[f"zone-delegation:{ground.DOMAIN}"]
    assert result.status == "not_covered"


def test_without_a_resolver_the_delegation_is_not_covered() -> None:
    fault = Fault(changes={"parent_name_servers": None})
    result = found(ground.NAMES, fault)[f"zone-delegation:{ground.DOMAIN}"]
    assert result.status == "not_covered"
    assert "resolver" in result.found


def test_a_network_that_lets_no_question_out_says_nothing() -> None:
    fault = Fault(changes={"parent_name_servers": ground.silent})
    result = found(ground.NAMES, fault)[f"zone-delegation:{ground.DOMAIN}"]
    assert result.status == "not_covered"
    assert "nobody answers" in result.found


def test_a_certificate_without_a_zone_of_ours_is_validated_elsewhere() -> None:
    results = found(ground.NAMES, Fault(outputs={"dns": None}))
    assert {r.id.partition(":")[0] for r in results.values()} == {
        "certificate-issued",
        "certificate-expiry",
        "certificate-validation",
    }
    assert all(result.status == "pass" for result in results.values())


def test_plain_http_is_no_finding_against_an_emulator() -> None:
    fault = Fault(outputs=service.address(403, "http"), changes=EMULATED)
    results = found(service.API, fault)
    assert results["api-tls"].status == "not_covered"


def test_nobody_needs_to_subscribe_in_the_local_cloud() -> None:
    nobody = {("sns", "ListSubscriptionsByTopic"): service.subscriptions()}
    results = found(service.ALARMS, Fault(nobody, changes=EMULATED))
    assert results["topic-subscribed:staging-alarms"].status == "not_covered"
    assert "fail" not in {result.status for result in results.values()}


def test_a_new_alarm_may_wait_for_its_first_data() -> None:
    slow = service.blind(timedelta(minutes=90)) | {"Period": 3600, "EvaluationPeriods": 1}
    for young in (service.blind(timedelta(minutes=14)), slow):
        answers = {("cloudwatch", "DescribeAlarms"): work.alarms_of(young)}
        assert found(service.ALARMS, Fault(answers))["alarm-quiet:dead"].status == "pass"


def test_what_the_local_cloud_does_not_measure_says_nothing() -> None:
    old = service.blind(timedelta(days=9))
    answers = {("cloudwatch", "DescribeAlarms"): work.alarms_of(old)}
    results = found(service.ALARMS, Fault(answers, changes=EMULATED))
    assert results["alarm-quiet:dead"].status == "not_covered"


@pytest.mark.parametrize("world", [service.IDENTITY, service.TABLES])
def test_what_is_temporary_is_not_protected(world: World) -> None:
    results = found(world, Fault(changes={"environment": "local"}))
    assert not [name for name in results if "deletion-protection" in name]


def test_the_state_of_the_local_cloud_is_thrown_away_with_it() -> None:
    assert found(data.STATE, Fault(changes={"environment": "local"})) == {}
    assert state.SUBJECT.name == "state"


def test_a_repository_in_another_region_is_asked_for_there() -> None:
    cloud, where = ground.REGISTRY.context()
    results = run([registry.SUBJECT], where).checks
    assert {r.id for r in results if r.id.startswith("repository-exists")} == {
        "repository-exists:staging-submissions",
        "repository-exists:us-east-1/staging-submissions",
    }
    assert {region for service_name, region, _ in cloud.asked if service_name == "ecr"} == {
        REGION,
        "us-east-1",
    }


def test_the_registrys_own_scanning_counts() -> None:
    every = {"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": []}
    answers = {
        ("ecr", "DescribeRepositories"): ground.repository(imageScanningConfiguration={}),
        ("ecr", "GetRegistryScanningConfiguration"): {
            "scanningConfiguration": {"scanType": "ENHANCED", "rules": [every]}
        },
    }
    result = found(ground.REGISTRY, Fault(answers))
    assert result["repository-scan-on-push:staging-submissions"].found == "CONTINUOUS_SCAN"


def test_taints_are_written_as_the_autoscaler_reads_them() -> None:
    group = {
        "labels": {"workload": "evaluation"},
        "taints": [
            {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"},
            {"key": "old", "effect": "NO_EXECUTE"},
        ],
    }
    assert nodes.wanted_tags(group, 4) == {
        "k8s.io/cluster-autoscaler/node-template/label/workload": "evaluation",
        "k8s.io/cluster-autoscaler/node-template/taint/nvidia.com/gpu": "present:NoSchedule",
        "k8s.io/cluster-autoscaler/node-template/taint/old": ":NoExecute",
        "k8s.io/cluster-autoscaler/node-template/resources/nvidia.com/gpu": "4",
    }


def test_a_group_without_gpus_needs_no_tags_and_may_have_a_minimum() -> None:
    size = {"minSize": 2, "maxSize": 4}
    plain = compute.node_group(amiType="AL2023_x86_64_STANDARD", scalingConfig=size)
    outputs = {"cluster": {"name": "staging"}}
    results = found(compute.NODES, Fault({("eks", "DescribeNodegroup"): plain}, outputs))
    assert {name.partition(":")[0] for name in results} == {
        "node-group-health",
        "launch-template-hop-limit",
    }


def test_instances_without_metadata_are_safe() -> None:
    off = {("ec2", "DescribeLaunchTemplateVersions"): compute.metadata(HttpEndpoint="disabled")}
    results = found(compute.NODES, Fault(off))
    assert results["launch-template-hop-limit:node-group/staging-gpu"].status == "pass"


def test_the_launch_templates_of_compute_environments_are_asked_too() -> None:
    resources = {
        "type": "EC2", "minvCpus": 0, "maxvCpus": 8, "subnets": [],
        "launchTemplate": {"launchTemplateName": "batch", "version": "$Latest"},
    }  # fmt: skip
    answers = dict(compute.BATCH.answers) | {
        ("batch", "DescribeComputeEnvironments"): compute.computes(computeResources=resources)
    }
    two = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}
    answers = {**answers, ("ec2", "DescribeLaunchTemplateVersions"): compute.metadata(**two)}
    results = found(World(nodes.SUBJECT, compute.BATCH.outputs, answers, {}))
    assert results["launch-template-hop-limit:compute/staging-gpu"].status == "fail"


def test_outputs_from_before_settings_were_put_out_are_read() -> None:
    older = {key: {"name": one["name"]} for key, one in work.NAMED.items()}
    outputs = {"functions": None, "recordings": {"functions": older}}
    results = found(work.SETTINGS, Fault(outputs=outputs))
    assert {result.status for result in results.values()} == {"pass"}
    assert results["function-settings-output:serve_api"].found == "the same: ENVIRONMENT"


def test_a_function_that_is_gone_is_told_once() -> None:
    gone = work.GONE["lambda", "GetFunctionConfiguration"]
    fault = Fault({("lambda", "GetFunctionConfiguration"): gone})
    results = found(work.SETTINGS, fault)
    assert set(results) == {"function-known"}
    missing = found(work.OUTPUTS_WORLD, fault)
    assert missing[f"outputs-exists:function/{work.SERVE}"].status == "fail"


def test_without_a_sample_no_message_has_waited() -> None:
    nothing: dict[str, Any] = {"MetricDataResults": []}
    results = found(work.QUEUES, Fault({("cloudwatch", "GetMetricData"): nothing}))
    assert results[f"queue-oldest-message:{data.QUEUE}"].found == "no message has waited"


def test_an_image_brings_its_own_runtime() -> None:
    image = {("lambda", "GetFunctionConfiguration"): {"FunctionName": "f", "PackageType": "Image"}}
    results = found(work.FUNCTIONS, Fault(image))
    assert not [
        name for name in results if name.startswith(("function-runtime", "function-package"))
    ]


def test_a_private_cluster_needs_no_ranges() -> None:
    private = {("eks", "DescribeCluster"): data.cluster(endpointPublicAccess=False)}
    result = found(access.PUBLIC_ACCESS, Fault(private))["cluster-endpoint-ranges:staging"]
    assert (result.status, result.found) == ("pass", "private only")


def test_a_network_is_found_by_its_tags_where_the_outputs_name_none() -> None:
    asked: list[Any] = []

    def vpcs(params: dict[str, Any]) -> Any:
        asked.append(params.get("Filters"))
        return {"Vpcs": [{"VpcId": ground.VPC}]}

    answers = {("ec2", "DescribeVpcs"): vpcs}
    results = found(ground.NETWORK, Fault(answers, {"network": None}))
    assert f"flow-logs-active:{ground.VPC}" in results
    assert {"Name": "tag:environment", "Values": ["staging"]} in asked[0]


def test_an_attempt_at_the_api_is_told_with_its_status() -> None:
    results = found(service.API)
    assert results["api-refuses:nothing"].found == "GET /recordings: 403"
    assert {name for name in results if name.startswith("api-refuses")} == {
        f"api-refuses:{name}" for name in api.ATTEMPTS
    }


def test_a_subject_is_a_function_of_its_context_alone() -> None:
    subject: Subject[Any] = names.SUBJECT
    assert list(subject.ask(context(Cloud(dict(ground.NAMES.answers)), {"dns": None})))


@pytest.mark.parametrize(
    ("world", "gone"),
    [
        (service.IDENTITY, ("cognito-idp", "DescribeUserPool")),
        (access.TRANSPORT, ("sns", "GetTopicAttributes")),
        (access.TRANSPORT, ("sqs", "GetQueueUrl")),
        (compute.VERSIONS, ("eks", "DescribeCluster")),
        (work.FUNCTIONS, ("lambda", "GetFunctionConfiguration")),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else None,
)
def test_what_is_gone_is_for_the_subject_outputs_to_tell(
    world: World, gone: tuple[str, str]
) -> None:
    results = found(world, Fault({gone: work.GONE[gone]}))
    assert "fail" not in {result.status for result in results.values()}
    told = found(work.OUTPUTS_WORLD, Fault({gone: work.GONE[gone]}))
    assert "fail" in {result.status for result in told.values()}


def test_no_policy_lets_nobody_in() -> None:
    none = {("s3", "GetBucketPolicy"): Refusal("NoSuchBucketPolicy")}
    result = found(access.PUBLIC_ACCESS, Fault(none))[f"bucket-policy-closed:{data.RAW}"]
    assert (result.status, result.found) == ("pass", "closed")


@pytest.mark.parametrize(
    ("world", "call"),
    [
        (access.TRANSPORT, ("s3", "GetBucketPolicy")),
        (access.PUBLIC_ACCESS, ("lambda", "GetPolicy")),
        (data.STORAGE, ("s3", "GetBucketLifecycleConfiguration")),
        (data.STORAGE, ("s3", "GetObjectLockConfiguration")),
        (data.STORAGE, ("s3", "GetBucketPolicy")),
        (data.ENCRYPTION, ("s3", "GetBucketEncryption")),
        (work.FUNCTIONS, ("lambda", "GetFunctionEventInvokeConfig")),
        (work.OUTPUTS_WORLD, ("s3", "HeadBucket")),
        (ground.REGISTRY, ("ecr", "GetLifecyclePolicy")),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else None,
)
def test_what_one_may_not_read_is_no_good_news(world: World, call: tuple[str, str]) -> None:
    results = found(world, Fault({call: Refusal("AccessDenied")}))
    told = [result.found for result in results.values() if result.status == "fail"]
    assert told
    assert all("AccessDenied" in text for text in told)
