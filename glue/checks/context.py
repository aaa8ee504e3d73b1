"""What every check may ask: the account, what Terraform put out, and how far to believe it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from glue.checks.http import status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from glue.checks.report import Target


class Known(Protocol):
    """An entry of the local cloud's coverage table (glue/local/coverage.py)."""

    @property
    def subject(self) -> str:
        """What the entry is about."""
        ...

    @property
    def state(self) -> str:
        """`proven`, `simulated` or `not covered`."""
        ...

    @property
    def note(self) -> str:
        """Why."""
        ...


@dataclass(frozen=True)
class Context:
    """One environment as checks see it.

    `client` returns a boto3 client of a service in the home region, or with a second argument in
    that region; each is made once and shared by the threads. `coverage` is read only where an
    emulator answers. `outputs` are Terraform's, with null for parts that are not configured.
    `request` sends an HTTP request (method, address, headers) and returns the status.
    `parent_name_servers` asks the parent zone which name servers it delegates a domain to.
    """

    environment: str
    region: str
    account_id: str
    is_emulated: bool
    client: Callable[..., Any]
    outputs: Mapping[str, Any]
    state: Mapping[str, Any] | None = None
    state_bucket: str = ""
    coverage: Sequence[Known] = ()
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    request: Callable[[str, str, Mapping[str, str]], int] = status_of
    parent_name_servers: Callable[[str], frozenset[str]] | None = None
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)

    @property
    def target(self) -> Target:
        """Whose answers these are."""
        return "local cloud" if self.is_emulated else "aws"

    @property
    def is_temporary(self) -> bool:
        """Whether what it holds is made up, so that nothing protects it from being deleted."""
        return self.environment == "local"

    def aws(self, service: str, region: str | None = None) -> Any:
        """Return the shared client of a service; boto3 makes clients in one thread at a time."""
        where = () if region in {None, self.region} else (region,)
        return self.once(("client", service, *where), lambda: self.client(service, *where))

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what `make` gave when it was first called for this key, by whichever thread."""
        with self._lock:
            lock = self._kept.setdefault(("lock", key), threading.Lock())
            if key in self._kept:
                return self._kept[key]
        shared = self._lock if isinstance(key, tuple) and key[0] == "client" else lock
        with shared:
            if key not in self._kept:
                self._kept[key] = make()
            return self._kept[key]

    def known(self, subject: str) -> Known | None:
        """Return the coverage table's first entry that begins so.

        None on AWS, and when the table is silent.
        """
        if not self.is_emulated:
            return None
        return next((one for one in self.coverage if one.subject.startswith(subject)), None)
