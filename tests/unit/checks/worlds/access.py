"""Who is let in, and only by TLS."""

from __future__ import annotations

from glue.checks.subjects import public_access, transport
from tests.unit.checks.fake import ACCOUNT, Fault, Refusal, World, arn
from tests.unit.checks.worlds.data import (
    BLOCKS,
    COMMON,
    FUNCTION,
    OUTPUTS,
    QUEUE,
    REPOSITORY,
    allow,
    cluster,
    policy,
    queue,
    statement,
    topic,
)

PUBLIC_ACCESS = World(
    public_access.SUBJECT,
    OUTPUTS,
    COMMON
    | {
        ("s3", "GetPublicAccessBlock"): {"PublicAccessBlockConfiguration": BLOCKS},
        ("s3", "GetBucketOwnershipControls"): {
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        },
        ("lambda", "GetFunctionConfiguration"): {"FunctionName": FUNCTION},
        ("lambda", "GetPolicy"): Refusal("ResourceNotFoundException"),
        ("ecr", "DescribeRepositories"): {"repositories": [{"repositoryName": REPOSITORY}]},
        ("ecr", "GetRepositoryPolicy"): Refusal("RepositoryPolicyNotFoundException"),
        ("kms", "GetKeyPolicy"): {
            "Policy": allow("kms:*", {"StringEquals": {"kms:CallerAccount": ACCOUNT}})
        },
    },
    {
        "bucket-public-access": {
            "one is off": Fault(
                {
                    ("s3", "GetPublicAccessBlock"): {
                        "PublicAccessBlockConfiguration": BLOCKS | {"BlockPublicPolicy": False}
                    }
                }
            ),
            "there is none": Fault(
                {("s3", "GetPublicAccessBlock"): Refusal("NoSuchPublicAccessBlockConfiguration")}
            ),
            "nobody may ask": Fault({("s3", "GetPublicAccessBlock"): Refusal("AccessDenied")}),
        },
        "bucket-policy-closed": {
            "everybody reads": Fault(
                {("s3", "GetBucketPolicy"): {"Policy": allow("s3:GetObject")}}
            ),
            "from everywhere": Fault(
                {
                    ("s3", "GetBucketPolicy"): {
                        "Policy": allow("s3:*", {"IpAddress": {"aws:SourceIp": ["0.0.0.0/0"]}})
                    }
                }
            ),
            "all but one": Fault(
                {
                    ("s3", "GetBucketPolicy"): {
                        "Policy": allow("s3:*", {"StringNotEquals": {"aws:SourceAccount": "1"}})
                    }
                }
            ),
        },
        "bucket-without-lists": {
            "lists count": Fault(
                {
                    ("s3", "GetBucketOwnershipControls"): {
                        "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
                    }
                }
            ),
            "no setting": Fault(
                {("s3", "GetBucketOwnershipControls"): Refusal("OwnershipControlsNotFoundError")}
            ),
        },
        "queue-policy-closed": {
            "everybody sends": Fault(
                {("sqs", "GetQueueAttributes"): queue(QUEUE, Policy=allow("sqs:SendMessage"))}
            )
        },
        "topic-policy-closed": {
            "everybody publishes": Fault(
                {
                    ("sns", "GetTopicAttributes"): topic(
                        Policy=allow("sns:Publish", principal={"AWS": ["*"]})
                    )
                }
            )
        },
        "function-policy-closed": {
            "everybody calls": Fault(
                {("lambda", "GetPolicy"): {"Policy": allow("lambda:InvokeFunction")}}
            )
        },
        "repository-policy-closed": {
            "everybody pulls": Fault(
                {("ecr", "GetRepositoryPolicy"): {"policyText": allow("ecr:BatchGetImage")}}
            )
        },
        "key-policy-closed": {
            "everybody decrypts": Fault({("kms", "GetKeyPolicy"): {"Policy": allow("kms:Decrypt")}})
        },
        "cluster-endpoint-ranges": {
            "everybody": Fault(
                {("eks", "DescribeCluster"): cluster(publicAccessCidrs=["0.0.0.0/0"])}
            ),
            "no range at all": Fault({("eks", "DescribeCluster"): cluster(publicAccessCidrs=[])}),
            "not privately": Fault(
                {("eks", "DescribeCluster"): cluster(endpointPrivateAccess=False)}
            ),
            "not at all": Fault(
                {
                    ("eks", "DescribeCluster"): cluster(
                        endpointPrivateAccess=False, endpointPublicAccess=False
                    )
                }
            ),
        },
    },
)

ANY_OTHER = {
    "Policy": policy(statement("s3:*", Condition={"Bool": {"aws:SecureTransport": "true"}}))
}
TRANSPORT = World(
    transport.SUBJECT,
    OUTPUTS,
    COMMON,
    {
        "bucket-tls-only": {
            "no policy": Fault({("s3", "GetBucketPolicy"): Refusal("NoSuchBucketPolicy")}),
            "the wrong way round": Fault({("s3", "GetBucketPolicy"): ANY_OTHER}),
            "reading only": Fault(
                {("s3", "GetBucketPolicy"): {"Policy": policy(statement("s3:GetObject"))}}
            ),
        },
        "queue-tls-only": {
            "no policy": Fault(
                {("sqs", "GetQueueAttributes"): {"Attributes": {"QueueArn": arn("sqs", QUEUE)}}}
            )
        },
        "topic-tls-only": {
            "no statement": Fault({("sns", "GetTopicAttributes"): topic(Policy=policy())})
        },
    },
)

WORLDS = (PUBLIC_ACCESS, TRANSPORT)
