"""There is an image for arm64, under the public names by which AWS publishes it.

MiniStack 1.5.33 knows images for x86_64 only, and so do its public parameters.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {"_stub_image_view": "0d26d35fc456"}

AMAZON = "137112412989"
ARM_IMAGE = "ami-0a52023a1b2c3d4e5"
ARM_NAME = "al2023-ami-minimal-2023.6.20241010.0-kernel-6.1-arm64"
PARAMETERS = (
    "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    "/aws/service/ami-amazon-linux-latest/al2023-ami-minimal-kernel-default-arm64",
)


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Publish the image. Raises MendError if it is another emulator."""
    from ministack.services import ec2, ssm

    expect(ec2, EXPECTED)
    image = (ARM_IMAGE, ARM_NAME, "Amazon Linux 2023 AMI", "", "/dev/xvda", AMAZON, "amazon")
    ec2._STUB_AMIS.append(image)
    ec2._stub_image_view = _with_processor(ec2._stub_image_view)
    ssm._PUBLIC_AMI_PARAMETERS.update(dict.fromkeys(PARAMETERS, ARM_IMAGE))


def _with_processor(original: Any) -> Any:
    def view(image_id: str, *fields: Any) -> dict[str, Any]:
        shown: dict[str, Any] = original(image_id, *fields)
        return {**shown, "Architecture": "arm64"} if image_id == ARM_IMAGE else shown

    return view
