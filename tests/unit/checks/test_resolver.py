"""The parent is asked, and its referral read; with dnspython's own messages, without a network."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from glue.checks import resolver

pytest.importorskip("dns.resolver")
DOMAIN = "eval.lab.example.org"
REFERRAL = """id 1
opcode QUERY
rcode NOERROR
flags QR
;QUESTION
eval.lab.example.org. IN NS
;AUTHORITY
eval.lab.example.org. 3600 IN NS ns-1.example.net.
eval.lab.example.org. 3600 IN NS ns-2.example.net.
"""
NOBODY = """id 1
opcode QUERY
rcode NOERROR
flags QR AA
;QUESTION
eval.lab.example.org. IN NS
;AUTHORITY
example.org. 3600 IN SOA ns.example.org. hostmaster.example.org. 1 2 3 4 5
"""


class Internet:
    """Name servers of example.org, which has no zone at lab.example.org."""

    def __init__(self, dns: Any, said: dict[str, str]) -> None:
        self.dns, self.said = dns, said
        self.asked: list[str] = []

    def resolve(self, name: str, kind: str) -> Any:
        self.asked.append(f"{name} {kind}")
        if kind == "A":
            return ["192.0.2.1" if name.startswith("a.") else "192.0.2.2"]
        if name == "lab.example.org.":
            raise self.dns.resolver.NoAnswer(response=self.dns.message.make_query(name, "NS"))
        if name != "example.org." or not self.said:
            raise self.dns.resolver.LifetimeTimeout(timeout=1, errors=[])
        text = "example.org. 60 IN NS a.example.net.\nexample.org. 60 IN NS b.example.net."
        message = self.dns.message.from_text(f"id 1\n;ANSWER\n{text}\n")
        return list(message.answer[0])

    def ask(self, question: Any, address: str, timeout: float) -> Any:
        if address not in self.said:
            raise self.dns.exception.Timeout
        return self.dns.message.from_text(self.said[address]), False


def asked(monkeypatch: pytest.MonkeyPatch, said: dict[str, str]) -> Internet:
    assert resolver.parent_resolver() is resolver.parent_name_servers
    dns: Any = importlib.import_module("dns")
    internet = Internet(dns, said)
    monkeypatch.setattr(dns.resolver, "resolve", internet.resolve)
    monkeypatch.setattr(dns.query, "udp_with_fallback", internet.ask)
    return internet


def test_the_next_zone_above_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    internet = asked(monkeypatch, {"192.0.2.1": REFERRAL})
    found = resolver.parent_name_servers(DOMAIN)
    assert found == {"ns-1.example.net.", "ns-2.example.net."}
    assert internet.asked == ["lab.example.org. NS", "example.org. NS", "a.example.net. A"]


def test_a_server_that_is_silent_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch, {"192.0.2.2": REFERRAL})
    assert "ns-1.example.net." in resolver.parent_name_servers(DOMAIN)


def test_a_domain_nobody_delegates_has_no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch, {"192.0.2.1": NOBODY})
    assert resolver.parent_name_servers(DOMAIN) == frozenset()


@pytest.mark.parametrize("said", [{}, {"192.0.2.9": REFERRAL}])
def test_nobody_to_ask_is_no_answer(monkeypatch: pytest.MonkeyPatch, said: dict[str, str]) -> None:
    asked(monkeypatch, said)
    with pytest.raises(LookupError):
        resolver.parent_name_servers(DOMAIN)


def test_a_domain_with_nothing_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    dns: Any = importlib.import_module("dns")
    asked(monkeypatch, {})

    def nothing(name: str, kind: str) -> Any:
        raise dns.resolver.NXDOMAIN

    monkeypatch.setattr(dns.resolver, "resolve", nothing)
    with pytest.raises(LookupError, match="no zone above org"):
        resolver.parent_name_servers("org")
