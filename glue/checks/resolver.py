"""Asks the parent of a domain, and not some cache, which name servers it delegates to."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 5.0
PARTS = ("dns.exception", "dns.message", "dns.query", "dns.rdatatype", "dns.resolver")


def parent_resolver() -> Callable[[str], frozenset[str]] | None:
    """Return the function that asks, or None where dnspython is not installed."""
    try:
        _dnspython()
    except ImportError:
        return None
    return parent_name_servers


def parent_name_servers(domain: str) -> frozenset[str]:
    """Return the name servers that the parent's own servers refer to for a domain.

    Empty when the parent does not delegate it. Raises LookupError when nobody could be asked.
    """
    dns = _dnspython()
    question = dns.message.make_query(domain, dns.rdatatype.NS)
    problems = []
    for server in _servers_above(dns, domain):
        try:
            address = str(dns.resolver.resolve(server, "A")[0])
            said, _ = dns.query.udp_with_fallback(question, address, timeout=SECONDS)
        except (OSError, dns.exception.DNSException) as error:
            problems.append(f"{server}: {error}")
            continue
        # A referral stands in the authority section; a server that has both zones answers.
        return frozenset(
            str(record.target)
            for records in (*said.answer, *said.authority)
            if records.rdtype == dns.rdatatype.NS and records.name == question.question[0].name
            for record in records
        )
    raise LookupError("; ".join(problems))


def _dnspython() -> Any:
    """Return the library with the parts that are used here."""
    for part in PARTS:
        importlib.import_module(part)
    return importlib.import_module("dns")


def _servers_above(dns: Any, domain: str) -> list[str]:
    """Return the name servers of the zone that a domain is delegated by."""
    above = domain.rstrip(".")
    while above:
        above = above.partition(".")[2]
        try:
            answer = dns.resolver.resolve(above + ".", "NS")
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            continue  # no zone of its own: the one above it delegates
        except dns.exception.DNSException as error:
            raise LookupError(f"no answer about {above or 'the root'}: {error}") from error
        return sorted(str(record.target) for record in answer)
    raise LookupError(f"no zone above {domain}")
