"""AWS clients, one per service and process, made when first needed.

boto3 takes a third of a second to import, so it is imported inside: a function that answers
from memory never pays for it. `AWS_ENDPOINT_URL` sends every client to the local cloud.
"""

from __future__ import annotations

import json
import os
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_redshift_data import RedshiftDataAPIServiceClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

MOST_CONNECTIONS = 32
_making = threading.Lock()  # boto3's default session is not safe to share while it makes clients


def _config(service: str) -> Config:
    from botocore.config import Config

    config = Config(
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=MOST_CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": 4},
    )
    if service == "lambda":  # a synchronous processing step may run as long as functions may
        return config.merge(Config(read_timeout=900, retries={"total_max_attempts": 1}))
    if service != "s3":
        return config
    elsewhere = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return config.merge(
        Config(
            # Without these two, URLs are signed with the old scheme in some regions, and CRC32
            # headers are signed in that a plain HTTP client does not send.
            signature_version="s3v4",
            request_checksum_calculation="when_required",
            s3={"addressing_style": "path" if elsewhere else "virtual"},
        )
    )


@cache
def _client(service: str) -> Any:
    import boto3

    with _making:
        make: Any = boto3.client
        return make(service, config=_config(service))


def forget_clients() -> None:
    """Make new clients from now on; for tests that change the environment."""
    _client.cache_clear()
    secret.cache_clear()


def s3() -> S3Client:
    """Return the S3 client."""
    client: S3Client = _client("s3")
    return client


def sqs() -> SQSClient:
    """Return the SQS client."""
    client: SQSClient = _client("sqs")
    return client


def identity() -> CognitoIdentityProviderClient:
    """Return the Cognito client."""
    client: CognitoIdentityProviderClient = _client("cognito-idp")
    return client


def secrets() -> SecretsManagerClient:
    """Return the Secrets Manager client."""
    client: SecretsManagerClient = _client("secretsmanager")
    return client


def functions() -> LambdaClient:
    """Return the Lambda client; it waits up to 15 minutes for an answer and asks once."""
    client: LambdaClient = _client("lambda")
    return client


def batch() -> BatchClient:
    """Return the Batch client."""
    client: BatchClient = _client("batch")
    return client


def redshift() -> RedshiftDataAPIServiceClient:
    """Return the client of Redshift's Data API."""
    client: RedshiftDataAPIServiceClient = _client("redshift-data")
    return client


def dynamodb() -> DynamoDBClient:
    """Return the DynamoDB client."""
    client: DynamoDBClient = _client("dynamodb")
    return client


def state_machines() -> SFNClient:
    """Return the Step Functions client."""
    client: SFNClient = _client("stepfunctions")
    return client


def new_sts() -> STSClient:
    """Return a client for STS that nobody else has: a cluster's tokens change what it signs."""
    import boto3

    with _making:
        client: STSClient = boto3.client("sts", config=_config("sts"))
    return client


@cache
def secret(arn: str) -> dict[str, str]:
    """Return the JSON object that a secret holds, read once per process."""
    content: dict[str, str] = json.loads(secrets().get_secret_value(SecretId=arn)["SecretString"])
    return content


def error_code(error: Exception) -> str:
    """Return the code of a botocore ClientError (such as `NoSuchKey` or `404`), or ''."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
