"""What AWS leaves lying about: interfaces of functions and nodes, log groups of late calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from glue.deploy.drain.context import is_absent, present

if TYPE_CHECKING:
    from glue.deploy.drain.context import Drain

# Whose interfaces stay for a while after their owner is gone, by what AWS writes on them.
LEFT_BY = re.compile(r"^(AWS Lambda VPC ENI|Amazon EKS |aws-K8S-|AWS created network interface)")


def release_interfaces(context: Drain) -> None:
    """Delete the interfaces that nothing uses in the networks of this environment.

    A subnet or a security group cannot be deleted as long as they are there, and AWS takes up to
    half an hour to delete them itself.
    """
    for values in context.of("aws_vpc"):
        machines = context.client("ec2", values.get("arn", ""))
        filters = [
            {"Name": "vpc-id", "Values": [values["id"]]},
            {"Name": "status", "Values": ["available"]},
        ]
        pages = machines.get_paginator("describe_network_interfaces").paginate(Filters=filters)
        for one in [one for page in pages for one in page["NetworkInterfaces"]]:
            if not LEFT_BY.match(one.get("Description", "")):
                continue
            name = one["NetworkInterfaceId"]
            try:
                machines.delete_network_interface(NetworkInterfaceId=name)
            except ClientError as error:
                # In use again, or deleted by AWS just now: the next attempt sees.
                if not is_absent(error):
                    context.tell(f"interface {name}: stays for now ({error})")
                continue
            context.count("released_interfaces")
            context.tell(f"interface {name}: deleted, {one['Description']} had left it")


def delete_log_groups(context: Drain) -> None:
    """Delete the log groups that were Terraform's and are there again.

    A function writes its last lines after it was deleted, and CloudWatch makes the group anew.
    """
    for values in context.of("aws_cloudwatch_log_group"):
        logs = context.client("logs", values.get("arn", ""))
        name = values["name"]
        found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        if any(one["logGroupName"] == name for one in found):
            present(logs.delete_log_group, logGroupName=name)
            context.count("deleted_log_groups")
            context.tell(f"log group {name}: a late call had made it anew, deleted")
