"""What is wrong with somebody's input, said so that they can mend it.

Every error that a caller can cause is an `InputError`: the HTTP interface answers it with a
4xx status, the command line prints it and ends with 1. Anything else is a fault of ours.
"""

from __future__ import annotations


class InputError(ValueError):
    """An input that cannot be accepted.

    `field` names the part of the input, `message` says what is wrong with it, `remedy` what to
    write or do instead, and `code` is one word for programs.
    """

    status = 400

    def __init__(self, field: str, message: str, remedy: str, code: str = "invalid") -> None:
        super().__init__(field, message, remedy, code)
        self.field = field
        self.message = message
        self.remedy = remedy
        self.code = code

    def __str__(self) -> str:
        return f"{self.field}: {self.message}; {self.remedy}"

    def to_dict(self) -> dict[str, str]:
        """Return the body of an HTTP answer: `code`, `field`, `message` and `remedy`."""
        return {
            "code": self.code,
            "field": self.field,
            "message": self.message,
            "remedy": self.remedy,
        }


class Unauthorised(InputError):  # noqa: N818 - reads as a finding
    """The caller has not shown who they are."""

    status = 401

    def __init__(self, field: str, message: str, remedy: str, code: str = "unauthorised") -> None:
        super().__init__(field, message, remedy, code)


class Forbidden(InputError):  # noqa: N818 - reads as a finding
    """The caller is known and may not do this."""

    status = 403

    def __init__(self, field: str, message: str, remedy: str, code: str = "forbidden") -> None:
        super().__init__(field, message, remedy, code)


class NotFound(InputError):  # noqa: N818 - reads as a finding
    """The thing named in the input does not exist, or not for this caller."""

    status = 404

    def __init__(self, field: str, message: str, remedy: str, code: str = "not_found") -> None:
        super().__init__(field, message, remedy, code)


class Conflict(InputError):  # noqa: N818 - reads as a finding
    """The input contradicts what is stored already."""

    status = 409

    def __init__(self, field: str, message: str, remedy: str, code: str = "conflict") -> None:
        super().__init__(field, message, remedy, code)
