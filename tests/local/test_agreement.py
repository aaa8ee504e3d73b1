"""What Terraform sets, what the code reads, and what is deployed are the same."""

from __future__ import annotations

import json

from glue.settings import FUNCTION_SETTINGS
from tests.platform import ROOT, Platform

PREFIX = "PROVING_GROUND_"


def test_each_function_gets_exactly_the_settings_it_reads(platform: Platform) -> None:
    functions = platform.outputs["functions"]
    assert {one["settings"] for one in functions.values()} == set(FUNCTION_SETTINGS)
    client = platform.client("lambda")
    for name, one in functions.items():
        deployed = client.get_function_configuration(FunctionName=one["name"])
        variables = deployed["Environment"]["Variables"]
        given = {key.removeprefix(PREFIX) for key in variables if key.startswith(PREFIX)}
        fields = FUNCTION_SETTINGS[one["settings"]].model_fields
        assert given == {field.upper() for field in fields}, name


def test_no_secret_stands_in_an_environment_or_in_the_state(platform: Platform) -> None:
    secrets = [*json.loads((platform.build / "local" / "secrets.json").read_text()).values()]
    client = platform.client("secretsmanager")
    evalai = client.get_secret_value(SecretId=platform.outputs["evalai"]["secret_arn"])
    secrets.append(json.loads(evalai["SecretString"])["auth_token"])
    assert all(secrets)
    client = platform.client("lambda")
    said = [
        json.dumps(client.get_function_configuration(FunctionName=one["name"]), default=str)
        for one in platform.outputs["functions"].values()
    ]
    s3 = platform.client("s3")
    bucket = "local-terraform-state-000000000000"
    states = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert states
    said += [s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in states]
    plans = platform.build / "plans" / "local" / "plan.json"
    said.append(plans.read_text() if plans.is_file() else "")
    for text in said:
        assert not [secret for secret in secrets if secret in text]


def test_every_function_runs_the_same_package(platform: Platform) -> None:
    client = platform.client("lambda")
    hashes = {
        client.get_function_configuration(FunctionName=one["name"])["CodeSha256"]
        for one in platform.outputs["functions"].values()
    }
    packages = json.loads((platform.build / "packages" / "local.tfvars.json").read_text())
    assert hashes == {packages["packages"]["code_hash"]}


def test_the_api_serves_the_document_that_is_committed(platform: Platform) -> None:
    key = platform.credentials("rig-one", "shippers")["key"]
    served = platform.call("GET", "/openapi.json", key=key)
    assert served.status == 200
    assert served.body == json.loads((ROOT / "docs" / "openapi.json").read_text())
