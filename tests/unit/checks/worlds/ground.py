"""Network, names, images: what everything else stands on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from glue.checks.subjects import names, network, registry
from tests.unit.checks.fake import NOW, Fault, Refusal, World, arn, tagged

VPC, SUBNET = "vpc-1", "subnet-1"
FROM_ALL = {
    "IpProtocol": "tcp",
    "FromPort": 22,
    "ToPort": 22,
    "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
}
HTTPS = FROM_ALL | {"FromPort": 443, "ToPort": 443}


def flow_logs(*logs: dict[str, Any]) -> dict[str, Any]:
    return {"FlowLogs": [{"FlowLogId": "fl-1", "FlowLogStatus": "ACTIVE", **log} for log in logs]}


def security_groups(default: Any = (), other: Any = (HTTPS,)) -> dict[str, Any]:
    out = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    return {
        "SecurityGroups": [
            {"GroupId": "sg-1", "GroupName": "default", "IpPermissions": list(default)},
            {
                "GroupId": "sg-2", "GroupName": "nodes", "IpPermissions": list(other),
                "IpPermissionsEgress": out,
            },
        ]
    }  # fmt: skip


def routes(gateway: str) -> dict[str, Any]:
    own = {"Associations": [{"SubnetId": SUBNET}], "Routes": [{"GatewayId": gateway}]}
    main = {"Associations": [{"Main": True}], "Routes": [{"GatewayId": "igw-1"}]}
    return {"RouteTables": [own, main]}


def endpoints(*services: str) -> dict[str, Any]:
    return {
        "VpcEndpoints": [
            {
                "ServiceName": f"com.amazonaws.eu-central-1.{service}",
                "VpcEndpointType": "Gateway",
                "State": "available",
            }
            for service in services
        ]
    }


NETWORK = World(
    network.SUBJECT,
    {"network": {"vpc_id": VPC, "private_subnet_ids": {"eu-central-1a": SUBNET}}},
    {
        ("ec2", "DescribeVpcs"): {"Vpcs": [{"VpcId": VPC}]},
        ("ec2", "DescribeSecurityGroups"): security_groups(),
        ("ec2", "DescribeFlowLogs"): flow_logs({"DeliverLogsStatus": "SUCCESS"}),
        ("ec2", "DescribeRouteTables"): routes("local"),
        ("ec2", "DescribeSubnets"): {"Subnets": [{"MapPublicIpOnLaunch": False}]},
        ("ec2", "DescribeVpcEndpoints"): endpoints("s3", "dynamodb"),
    },
    {
        "flow-logs-active": {
            "none": Fault({("ec2", "DescribeFlowLogs"): flow_logs()}),
            "not delivered": Fault({
                ("ec2", "DescribeFlowLogs"): flow_logs({
                    "DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": "Access error"
                })
            }),
        },
        "default-security-group-empty": {
            "a rule": Fault({("ec2", "DescribeSecurityGroups"): security_groups((HTTPS,))})
        },
        "security-group-closed": {
            "a port": Fault({("ec2", "DescribeSecurityGroups"): security_groups((), (FROM_ALL,))}),
            "every port": Fault({
                ("ec2", "DescribeSecurityGroups"): security_groups(
                    (), ({"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},)
                )
            }),
        },
        "private-subnet-addresses": {
            "gives addresses": Fault({
                ("ec2", "DescribeSubnets"): {"Subnets": [{"MapPublicIpOnLaunch": True}]}
            }),
            "leads outside": Fault({("ec2", "DescribeRouteTables"): routes("igw-1")}),
        },
        "gateway-endpoints": {
            "one only": Fault({("ec2", "DescribeVpcEndpoints"): endpoints("s3")})
        },
    },
)  # fmt: skip

DOMAIN, ZONE = "eval.example.org", "Z1"
SERVERS = ["ns-1.example.net", "ns-2.example.net"]
CERTIFICATE = arn("acm", "certificate/1")
PROOF = {"Name": f"_a.{DOMAIN}.", "Type": "CNAME", "Value": "_b.acm-validations.aws."}


def record(name: str, kind: str, *values: str) -> dict[str, Any]:
    return {
        "ResourceRecordSets": [
            {"Name": name, "Type": kind, "ResourceRecords": [{"Value": v} for v in values]}
        ],
        "IsTruncated": False,
        "MaxItems": "1",
    }


def records(ns: dict[str, Any], proof: dict[str, Any]) -> Any:
    return lambda params: ns if params["StartRecordType"] == "NS" else proof


NS, CNAME = record(DOMAIN + ".", "NS", *SERVERS), record(PROOF["Name"], "CNAME", PROOF["Value"])


def certificate(**more: Any) -> dict[str, Any]:
    return {
        "Certificate": {
            "DomainName": DOMAIN, "Status": "ISSUED", "NotAfter": NOW + timedelta(days=200),
            "DomainValidationOptions": [
                {"DomainName": DOMAIN, "ValidationMethod": "DNS", "ResourceRecord": PROOF}
            ],
            **more,
        }
    }  # fmt: skip


def parent(*servers: str) -> Any:
    return lambda domain: frozenset(servers)


def silent(domain: str) -> frozenset[str]:
    raise LookupError(f"nobody answers for {domain}")


NAMES = World(
    names.SUBJECT,
    {
        "dns": {
            "domain": DOMAIN,
            "public_zone": {"id": ZONE, "name_servers": SERVERS},
            "certificate_arn": CERTIFICATE,
        }
    },
    {
        ("resourcegroupstaggingapi", "GetResources"): tagged(CERTIFICATE),
        ("route53", "GetHostedZone"): {
            "HostedZone": {"Id": ZONE, "Name": DOMAIN, "CallerReference": "r"},
            "DelegationSet": {"NameServers": SERVERS},
        },
        ("route53", "ListResourceRecordSets"): records(NS, CNAME),
        ("acm", "DescribeCertificate"): certificate(),
    },
    {
        "zone-delegation": {
            "to another zone": Fault(changes={"parent_name_servers": parent("ns-9.example.net")}),
            "to nobody": Fault(changes={"parent_name_servers": parent()}),
        },
        "zone-name-servers": {
            "record of an older zone": Fault({
                ("route53", "ListResourceRecordSets"): records(record(DOMAIN, "NS", "old"), CNAME)
            }),
            "outputs of an older zone": Fault(
                outputs={
                    "dns": {
                        "domain": DOMAIN,
                        "public_zone": {"id": ZONE, "name_servers": ["old"]},
                        "certificate_arn": None,
                    }
                }
            ),
        },
        "certificate-issued": {
            "waits": Fault({("acm", "DescribeCertificate"): certificate(Status="INACTIVE")})
        },
        "certificate-expiry": {
            "soon": Fault({
                ("acm", "DescribeCertificate"): certificate(NotAfter=NOW + timedelta(days=29))
            }),
            "renewal failed": Fault({
                ("acm", "DescribeCertificate"): certificate(
                    RenewalSummary={
                        "RenewalStatus": "FAILED",
                        "DomainValidationOptions": [{"DomainName": DOMAIN}],
                        "UpdatedAt": NOW,
                    }
                )
            }),
        },
        "certificate-validation": {
            "the record is gone": Fault({
                ("route53", "ListResourceRecordSets"): records(NS, record("other", "CNAME", "x"))
            }),
            "by mail": Fault({
                ("acm", "DescribeCertificate"): certificate(
                    DomainValidationOptions=[{"DomainName": DOMAIN, "ValidationMethod": "EMAIL"}]
                )
            }),
        },
    },
    {"parent_name_servers": parent(*(server.upper() + "." for server in SERVERS))},
)  # fmt: skip


def repository(**more: Any) -> dict[str, Any]:
    scan = {"imageScanningConfiguration": {"scanOnPush": True}}
    one = {"repositoryName": "staging-submissions", "imageTagMutability": "IMMUTABLE"} | scan
    return {"repositories": [one | more]}


NO_SCANS = {"scanningConfiguration": {"scanType": "BASIC", "rules": []}}
REGISTRY = World(
    registry.SUBJECT,
    {
        "registry": {
            region: {"submissions": {"name": "staging-submissions"}}
            for region in ("home", "us_east_1")
        }
    },
    {
        ("resourcegroupstaggingapi", "GetResources"): tagged(
            arn("ecr", "repository/staging-submissions")
        ),
        ("ecr", "DescribeRepositories"): repository(),
        ("ecr", "GetLifecyclePolicy"): {},
    },
    {
        "repository-immutable-tags": {
            "mutable": Fault(
                {("ecr", "DescribeRepositories"): repository(imageTagMutability="MUTABLE")}
            )
        },
        "repository-scan-on-push": {
            "never": Fault(
                {
                    ("ecr", "DescribeRepositories"): repository(imageScanningConfiguration={}),
                    ("ecr", "GetRegistryScanningConfiguration"): NO_SCANS,
                }
            )
        },
        "repository-lifecycle": {
            "none": Fault(
                {("ecr", "GetLifecyclePolicy"): Refusal("LifecyclePolicyNotFoundException")}
            )
        },
        "repository-exists": {
            "gone": Fault({("ecr", "DescribeRepositories"): {"repositories": []}})
        },
    },
)

WORLDS = (NETWORK, NAMES, REGISTRY)
