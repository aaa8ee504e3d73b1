"""boto3 clients for the local cloud, made by localstack-client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from localstack_client import config as localstack_config
from localstack_client import session as localstack_session

from glue.errors import InputError
from glue.local.configuration import ACCESS_KEY, REGION, SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

# A local server that does not answer at once is down; long retries would only hide it.
QUICK = Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 2})


class LocalSession:
    """Clients whose endpoint is one local cloud, whatever the shell's AWS variables say."""

    def __init__(
        self,
        endpoint: str,
        access_key: str = ACCESS_KEY,
        secret_key: str = SECRET_KEY,
        session_token: str | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._session = localstack_session.Session(
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=session_token,
            # The library's own default is us-east-1, whatever AWS_DEFAULT_REGION says.
            region_name=REGION,
            localstack_host=urlsplit(endpoint).netloc,
        )
        # AWS_ENDPOINT_URL would win over the host just given and may name another cloud.
        self._session._service_endpoint_mapping = dict.fromkeys(  # noqa: SLF001
            localstack_config.get_service_endpoints("localhost"), endpoint
        )

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client of one service.

        Options are those of boto3.client. Raises InputError for a service that
        localstack-client does not list.
        """
        options.setdefault("config", QUICK)
        token = self._session.aws_session_token
        try:
            return self._session.client(service, aws_session_token=token, **options)
        except Exception as error:
            if "not supported by this mock session" not in str(error):
                raise
            raise InputError(
                "service",
                f"{service!r} is not a service of the local cloud",
                "see `glue local status` for those it has",
            ) from error


def account_id(session: LocalSession) -> str:
    """Return the account the session's key belongs to; the cheapest signed call there is."""
    answer: Mapping[str, str] = session.client("sts").get_caller_identity()
    return answer["Account"]


def known_services() -> list[str]:
    """Return the names of the services boto3 and localstack-client both know."""
    listed = localstack_config.get_service_endpoints("localhost")
    return sorted(set(boto3.session.Session().get_available_services()) & set(listed))
