"""The condition keys with which a bucket policy demands conditional writes.

On AWS `s3:if-none-match` holds the header of that name, and `s3:ObjectCreationOperation`
tells whether a request makes an object: PutObject, CopyObject, POST and
CompleteMultipartUpload do; starting an upload and sending a part, which need the same
permission, do not. MiniStack 1.5.33 knows neither key, so a policy that denies
unconditional writes denies every write, or none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {"s3_service_context": "83e53d14d02c", "_s3_object_context": "3a43e6ca9f51"}

# Condition key by request header, for requests that need s3:PutObject.
WRITE_HEADERS = {
    "s3:if-none-match": "if-none-match",
    "s3:if-match": "if-match",
    "s3:x-amz-storage-class": "x-amz-storage-class",
    "s3:x-amz-copy-source": "x-amz-copy-source",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": "x-amz-server-side-encryption-aws-kms-key-id",
    "s3:object-lock-mode": "x-amz-object-lock-mode",
    "s3:object-lock-retain-until-date": "x-amz-object-lock-retain-until-date",
    "s3:object-lock-legal-hold": "x-amz-object-lock-legal-hold",
}


def write_context(query: dict[str, Any], headers: dict[str, str]) -> dict[str, str]:
    """Return the condition keys of a request that needs s3:PutObject."""
    creates = "uploads" not in query and "partNumber" not in query
    context = {"s3:ObjectCreationOperation": "true" if creates else "false"}
    for key, header in WRITE_HEADERS.items():
        if headers.get(header):
            context[key] = headers[header]
    return context


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend S3's condition keys. Raises MendError if it is another emulator."""
    from ministack.core import iam_actions

    expect(iam_actions, EXPECTED)
    original = iam_actions.s3_service_context

    def service_context(
        iam_action: str,
        query_params: dict[str, Any] | None,
        path: str = "",
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        context: dict[str, Any] = original(iam_action, query_params, path, headers)
        if iam_action == "s3:PutObject":
            context |= write_context(query_params or {}, headers or {})
        return context

    iam_actions.s3_service_context = service_context
