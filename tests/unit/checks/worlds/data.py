"""Buckets and keys: how what is kept is kept. And what several worlds are made of."""

from __future__ import annotations

import json
from typing import Any

from glue.checks.subjects import encryption, state, storage
from tests.unit.checks.fake import ACCOUNT, Fault, Refusal, World, arn, tagged

RAW, DONE = "staging-recordings-raw", "staging-recordings-processed"
QUEUE, DEAD = "staging-ingest-recording", "staging-ingest-recording-dead-letters"
TOPIC = arn("sns", "staging-alarms")
KEY = arn("kms", "key/11111111-2222-3333-4444-555555555555")
URL = f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/"
FUNCTION = "staging-serve-api"
REPOSITORY = "staging-submissions"

OUTPUTS = {
    "recordings": {
        "raw_bucket": RAW,
        "processed_bucket": DONE,
        "ingest_queue_url": URL + QUEUE,
        "ingest_dead_letter_queue_url": URL + DEAD,
        "catalogue_secret_arn": None,
    },
    "alarms": {"topic_arn": TOPIC, "names": []},
    "functions": {"serve_api": {"name": FUNCTION, "settings": None}},
    "registry": {"home": {"submissions": {"name": REPOSITORY}}, "us_east_1": None},
    "cluster": {"name": "staging"},
}


def statement(action: str, effect: str = "Deny", **more: Any) -> dict[str, Any]:
    tls = {"Bool": {"aws:SecureTransport": "false"}}
    shown = {"Sid": "One", "Principal": {"AWS": "*"}, "Resource": "*", "Condition": tls}
    return shown | {"Effect": effect, "Action": action} | more


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str, condition: dict[str, Any] | None = None, principal: Any = "*") -> str:
    one = statement(action, "Allow", Principal=principal)
    del one["Condition"]
    return policy(one | ({"Condition": condition} if condition else {}))


WRITE_ONCE = (
    statement("s3:PutObject", Condition={"Null": {"s3:if-none-match": "true"}}),
    statement("s3:DeleteObjectVersion", Action=["s3:DeleteObject", "s3:DeleteObjectVersion"]),
)
SAFE_BUCKET = {"Policy": policy(statement("s3:*"), *WRITE_ONCE)}
BLOCKS = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)


def queue(name: str, **more: str) -> dict[str, Any]:
    return {
        "Attributes": {
            "QueueArn": arn("sqs", name),
            "Policy": policy(statement("sqs:*")),
            "SqsManagedSseEnabled": "true",
            **more,
        }
    }


def topic(**more: str) -> dict[str, Any]:
    said = {"TopicArn": TOPIC, "KmsMasterKeyId": KEY, "Policy": policy(statement("sns:Publish"))}
    return {"Attributes": said | more}


def lock(**rule: Any) -> dict[str, Any]:
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **rule}}


def lifecycle(*rules: dict[str, Any]) -> dict[str, Any]:
    every = {"Status": "Enabled", "Filter": {"Prefix": ""}}
    return {"Rules": [{**every, "ID": f"rule-{n}", **rule} for n, rule in enumerate(rules)]}


ABORT = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
AGE = {"Transitions": [{"StorageClass": "GLACIER_IR", "Days": 30}]}
FORGET = {"NoncurrentVersionExpiration": {"NoncurrentDays": 90}}


def rules_of(raw: dict[str, Any] | Refusal, done: dict[str, Any] | Refusal) -> Any:
    return lambda params: raw if params["Bucket"] == RAW else done


def cluster(**network: Any) -> dict[str, Any]:
    return {
        "cluster": {
            "name": "staging",
            "resourcesVpcConfig": {
                "endpointPublicAccess": True,
                "endpointPrivateAccess": True,
                "publicAccessCidrs": ["192.0.2.0/24"],
                **network,
            },
            "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": KEY}}],
        }
    }


def template(**data: Any) -> dict[str, Any]:
    disks = [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeSize": 100}}]
    data = {"BlockDeviceMappings": disks} | data
    return {"LaunchTemplateVersions": [{"VersionNumber": 3, "LaunchTemplateData": data}]}


def key(state: str = "Enabled", **more: Any) -> dict[str, Any]:
    return {"KeyMetadata": {"KeyId": "1", "KeyState": state, **more}}


COMMON: dict[tuple[str, str], Any] = {
    ("resourcegroupstaggingapi", "GetResources"): tagged(
        f"arn:aws:s3:::{RAW}", arn("sqs", QUEUE), TOPIC, KEY, arn("dynamodb", "table/staging-jobs"),
        arn("dynamodb", "table/staging-jobs/index/by-user"),
    ),
    ("s3", "GetBucketPolicy"): SAFE_BUCKET,
    ("sqs", "GetQueueUrl"): lambda params: {"QueueUrl": URL + params["QueueName"]},
    ("sqs", "GetQueueAttributes"): lambda params: queue(params["QueueUrl"].rpartition("/")[2]),
    ("sns", "GetTopicAttributes"): topic(),
    ("eks", "DescribeCluster"): cluster(),
}  # fmt: skip

STORAGE = World(
    storage.SUBJECT,
    OUTPUTS,
    COMMON
    | {
        ("s3", "GetBucketVersioning"): {"Status": "Enabled"},
        ("s3", "GetBucketLifecycleConfiguration"): rules_of(
            lifecycle(ABORT, AGE, {"Expiration": {"ExpiredObjectDeleteMarker": True}}),
            lifecycle(ABORT, FORGET),
        ),
        ("s3", "GetObjectLockConfiguration"): lock(
            Rule={"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}
        ),
        ("s3", "GetBucketNotificationConfiguration"): {
            "QueueConfigurations": [
                {"QueueArn": arn("sqs", QUEUE), "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    },
    {
        "bucket-versioning": {
            "never": Fault({("s3", "GetBucketVersioning"): {}}),
            "suspended": Fault({("s3", "GetBucketVersioning"): {"Status": "Suspended"}}),
        },
        "bucket-aborts-uploads": {
            "no rules": Fault(
                {("s3", "GetBucketLifecycleConfiguration"): Refusal("NoSuchLifecycleConfiguration")}
            ),
            "switched off": Fault(
                {
                    ("s3", "GetBucketLifecycleConfiguration"): lifecycle(
                        ABORT | {"Status": "Disabled"}, AGE, FORGET
                    )
                }
            ),
        },
        "raw-ages-into-glacier": {
            "nothing moves": Fault(
                {("s3", "GetBucketLifecycleConfiguration"): lifecycle(ABORT, FORGET)}
            ),
            "a rule deletes": Fault(
                {
                    ("s3", "GetBucketLifecycleConfiguration"): lifecycle(
                        ABORT, AGE | {"Expiration": {"Days": 400}}
                    )
                }
            ),
        },
        "processed-forgets-old-versions": {
            "kept for ever": Fault(
                {("s3", "GetBucketLifecycleConfiguration"): lifecycle(ABORT, AGE)}
            ),
            "current ones go": Fault(
                {
                    ("s3", "GetBucketLifecycleConfiguration"): lifecycle(
                        ABORT, AGE, FORGET | {"Expiration": {"Days": 10}}
                    )
                }
            ),
        },
        "raw-object-lock": {
            "none": Fault(
                {
                    ("s3", "GetObjectLockConfiguration"): Refusal(
                        "ObjectLockConfigurationNotFoundError"
                    )
                }
            ),
            "without retention": Fault({("s3", "GetObjectLockConfiguration"): lock()}),
        },
        "raw-written-once": {
            "no policy": Fault({("s3", "GetBucketPolicy"): Refusal("NoSuchBucketPolicy")}),
            "may be deleted": Fault(
                {("s3", "GetBucketPolicy"): {"Policy": policy(statement("s3:*"), WRITE_ONCE[0])}}
            ),
            "may be overwritten": Fault(
                {("s3", "GetBucketPolicy"): {"Policy": policy(statement("s3:*"), WRITE_ONCE[1])}}
            ),
        },
        "raw-tells-ingest": {
            "nobody": Fault({("s3", "GetBucketNotificationConfiguration"): {}}),
            "another queue": Fault(
                {
                    ("s3", "GetBucketNotificationConfiguration"): {
                        "QueueConfigurations": [
                            {"QueueArn": arn("sqs", "another"), "Events": ["s3:ObjectCreated:*"]}
                        ]
                    }
                }
            ),
            "not of large files": Fault(
                {
                    ("s3", "GetBucketNotificationConfiguration"): {
                        "QueueConfigurations": [
                            {"QueueArn": arn("sqs", QUEUE), "Events": ["s3:ObjectCreated:Put"]}
                        ]
                    }
                }
            ),
        },
    },
)

AES = {
    "ServerSideEncryptionConfiguration": {
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    }
}
STATE = World(
    state.SUBJECT,
    {},
    {
        ("s3", "GetBucketVersioning"): {"Status": "Enabled"},
        ("s3", "GetPublicAccessBlock"): {"PublicAccessBlockConfiguration": BLOCKS},
        ("s3", "GetBucketPolicy"): SAFE_BUCKET,
        ("s3", "GetBucketEncryption"): AES,
        ("s3", "GetBucketLifecycleConfiguration"): lifecycle(
            FORGET, {"Filter": {"Prefix": "backups/"}, "Expiration": {"Days": 90}}
        ),
    },
    {
        "state-bucket-versioning": {"never": Fault({("s3", "GetBucketVersioning"): {}})},
        "state-bucket-public-access": {
            "none": Fault(
                {("s3", "GetPublicAccessBlock"): Refusal("NoSuchPublicAccessBlockConfiguration")}
            )
        },
        "state-bucket-tls-only": {
            "no policy": Fault({("s3", "GetBucketPolicy"): Refusal("NoSuchBucketPolicy")})
        },
        "state-bucket-encryption": {
            "none": Fault(
                {
                    ("s3", "GetBucketEncryption"): Refusal(
                        "ServerSideEncryptionConfigurationNotFoundError"
                    )
                }
            )
        },
        "state-bucket-lifecycle": {
            "deletes the state": Fault(
                {
                    ("s3", "GetBucketLifecycleConfiguration"): lifecycle(
                        FORGET | {"Expiration": {"Days": 365}}
                    )
                }
            ),
            "no rule": Fault({("s3", "GetBucketLifecycleConfiguration"): lifecycle(ABORT)}),
        },
    },
    {"state_bucket": "staging-terraform-state"},
)

TABLE = {"TableName": "staging-jobs", "TableStatus": "ACTIVE"}
ENCRYPTION = World(
    encryption.SUBJECT,
    OUTPUTS,
    COMMON
    | {
        ("s3", "GetBucketEncryption"): AES,
        ("dynamodb", "DescribeTable"): {"Table": TABLE},
        ("kms", "DescribeKey"): key(),
        ("kms", "GetKeyRotationStatus"): {"KeyRotationEnabled": True},
        ("logs", "DescribeLogGroups"): {
            "logGroups": [
                {
                    "logGroupName": "/aws/lambda/one",
                    "kmsKeyId": KEY,
                    "arn": arn("logs", "log-group:/aws/lambda/one:*"),
                }
            ]
        },
        ("logs", "ListTagsForResource"): {
            "tags": {"project": "proving-ground", "environment": "staging"}
        },
        ("eks", "ListNodegroups"): {"nodegroups": ["gpu"]},
        ("eks", "DescribeNodegroup"): {
            "nodegroup": {"nodegroupName": "gpu", "launchTemplate": {"id": "lt-1", "version": "3"}}
        },
        ("ec2", "DescribeLaunchTemplateVersions"): template(),
    },
    {
        "bucket-encryption": {
            "none": Fault(
                {
                    ("s3", "GetBucketEncryption"): Refusal(
                        "ServerSideEncryptionConfigurationNotFoundError"
                    )
                }
            )
        },
        "queue-encryption": {
            "none": Fault(
                {("sqs", "GetQueueAttributes"): queue(QUEUE, SqsManagedSseEnabled="false")}
            )
        },
        "topic-encryption": {
            "none": Fault({("sns", "GetTopicAttributes"): {"Attributes": {"TopicArn": TOPIC}}}),
            "AWS's own key": Fault(
                {("sns", "GetTopicAttributes"): topic(KmsMasterKeyId="alias/aws/sns")}
            ),
        },
        "table-encryption": {
            "the key is gone": Fault(
                {
                    ("dynamodb", "DescribeTable"): {
                        "Table": TABLE
                        | {
                            "SSEDescription": {
                                "Status": "ENABLED",
                                "KMSMasterKeyArn": KEY,
                                "InaccessibleEncryptionDateTime": "2026-11-01T00:00:00Z",
                            }
                        }
                    }
                }
            )
        },
        "key-usable": {"deleted soon": Fault({("kms", "DescribeKey"): key("PendingDeletion")})},
        "key-rotation": {
            "never": Fault({("kms", "GetKeyRotationStatus"): {"KeyRotationEnabled": False}})
        },
        "log-group-key": {"disabled": Fault({("kms", "DescribeKey"): key("Disabled")})},
        "launch-template-disks": {
            "in the clear": Fault(
                {
                    ("ec2", "DescribeLaunchTemplateVersions"): template(
                        BlockDeviceMappings=[
                            {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": False}}
                        ]
                    )
                }
            ),
            "as the image has it": Fault(
                {("ec2", "DescribeLaunchTemplateVersions"): template(BlockDeviceMappings=[])}
            ),
        },
        "cluster-secrets-encryption": {
            "none": Fault(
                {
                    ("eks", "DescribeCluster"): {
                        "cluster": {"name": "staging", "encryptionConfig": []}
                    }
                }
            )
        },
    },
)

WORLDS = (STORAGE, STATE, ENCRYPTION)
