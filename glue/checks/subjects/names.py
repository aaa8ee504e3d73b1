"""Domain and certificates: the world finds our zone, and trusts what answers there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "names"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"
# ACM renews 60 days before the end; with less than this left it has failed for a month.
LEFT = timedelta(days=30)

DELEGATION = Check(
    NAME, "zone-delegation", "critical",
    "the parent zone names exactly the zone's own name servers",
    "hand the zone's name servers to the registrar, or write them as NS records into the parent",
)  # fmt: skip
SERVERS = Check(
    NAME, "zone-name-servers", "high",
    "the name servers of the outputs, of the zone and of its NS record are the same",
    PLAN, "Route 53",
)  # fmt: skip
ISSUED = Check(
    NAME, "certificate-issued", "critical", "the certificate is issued",
    "see its validation: the CNAME that it waits for must be found from the internet",
    "Certificates",
)  # fmt: skip
EXPIRY = Check(
    NAME, "certificate-expiry", "critical", f"more than {LEFT.days} days are left",
    "ACM renews by itself once its validation record is found: put the CNAME back", "Certificates",
)  # fmt: skip
VALIDATION = Check(
    NAME, "certificate-validation", "high",
    "validated by DNS, and each record for it is still there, so that it renews by itself",
    "put the CNAME records back: " + PLAN, "Certificates",
)  # fmt: skip


def ask(context: Context) -> Iterator[Result]:
    """Ask for the zone of the outputs, and for every certificate with the environment's tags."""
    dns = inventory.output(context, "dns") or {}
    zone, domain = dns.get("public_zone"), dns.get("domain")
    if zone and domain:
        yield from SERVERS.each(context, {domain: zone}, lambda one: _servers(context, domain, one))
        yield from _delegation(context, domain, zone)
    arns = set(inventory.tagged(context, "acm:certificate/"))
    if dns.get("certificate_arn"):
        arns.add(dns["certificate_arn"])
    client = context.aws("acm")
    certificates = {}
    for arn in sorted(arns):
        found = client.describe_certificate(CertificateArn=arn)["Certificate"]
        certificates[f"{found['DomainName']}/{arn.rpartition('/')[2]}"] = found
    yield from ISSUED.each(context, certificates, _issued)
    yield from EXPIRY.each(context, certificates, lambda one: _expiry(context, one))
    yield from VALIDATION.each(context, certificates, lambda one: _validation(context, zone, one))


def _servers(context: Context, domain: str, zone: dict[str, Any]) -> Finding:
    client = context.aws("route53")
    own = _plain(client.get_hosted_zone(Id=zone["id"])["DelegationSet"]["NameServers"])
    records = client.list_resource_record_sets(
        HostedZoneId=zone["id"], StartRecordName=domain, StartRecordType="NS", MaxItems="1"
    )["ResourceRecordSets"]
    written = _plain(
        value["Value"]
        for record in records
        if record["Type"] == "NS" and record["Name"].rstrip(".") == domain
        for value in record["ResourceRecords"]
    )
    said = _plain(zone.get("name_servers") or [])
    if own == written == said:
        return Finding(True, ", ".join(sorted(own)))
    sides = {"zone": own, "NS record": written, "outputs": said}
    return Finding(
        False, "; ".join(f"{k}: {', '.join(sorted(v)) or 'none'}" for k, v in sides.items())
    )


def _delegation(context: Context, domain: str, zone: dict[str, Any]) -> Iterator[Result]:
    look_up = context.parent_name_servers
    if context.is_emulated:
        yield DELEGATION.uncovered(context, domain, "no parent zone delegates to an emulator")
    elif look_up is None:
        reason = "no resolver: install the operators' tools (pip install 'glue[operators]')"
        yield DELEGATION.uncovered(context, domain, reason)
    else:
        own = _plain(zone["name_servers"])
        try:
            found = _plain(look_up(domain))
        except LookupError as error:  # a network that lets no question out says nothing
            yield DELEGATION.uncovered(context, domain, f"no parent could be asked: {error}")
            return
        text = f"the parent names {', '.join(sorted(found)) or 'nobody'}"
        yield DELEGATION.result(context, domain, Finding(found == own, text))


def _issued(certificate: dict[str, Any]) -> Finding:
    found = certificate["Status"]
    reason = certificate.get("FailureReason")
    return Finding(found == "ISSUED", found + (f": {reason}" if reason else ""))


def _expiry(context: Context, certificate: dict[str, Any]) -> Finding | None:
    end = certificate.get("NotAfter")
    if end is None:
        return None
    left = end - context.now()
    renewal = certificate.get("RenewalSummary", {}).get("RenewalStatus")
    found = f"{left.days} days left, until {end:%Y-%m-%d}"
    return Finding(
        left > LEFT and renewal != "FAILED", found + (f", renewal {renewal}" if renewal else "")
    )


def _validation(
    context: Context, zone: dict[str, Any] | None, certificate: dict[str, Any]
) -> Finding:
    options = certificate.get("DomainValidationOptions", [])
    wrong = [o["DomainName"] for o in options if o.get("ValidationMethod") != "DNS"]
    if wrong or not options:
        return Finding(False, f"not by DNS: {', '.join(wrong) or 'no option'}")
    if zone is None:
        return Finding(True, "by DNS, in a zone that is not ours")
    client, missing = context.aws("route53"), []
    for record in (o["ResourceRecord"] for o in options if "ResourceRecord" in o):
        found = client.list_resource_record_sets(
            HostedZoneId=zone["id"],
            StartRecordName=record["Name"],
            StartRecordType=record["Type"],
            MaxItems="1",
        )["ResourceRecordSets"]
        values = {
            value["Value"].rstrip(".")
            for one in found
            if one["Name"].rstrip(".") == record["Name"].rstrip(".")
            for value in one.get("ResourceRecords", [])
        }
        if record["Value"].rstrip(".") not in values:
            missing.append(record["Name"])
    found_text = f"not in the zone: {', '.join(missing)}" if missing else "by DNS, records there"
    return Finding(not missing, found_text)


def _plain(names: Any) -> set[str]:
    """Return host names as they can be compared: small letters, no final dot."""
    return {str(name).rstrip(".").lower() for name in names}


SUBJECT = Subject(
    NAME, "Domain and certificates: delegation, validation, expiry.", ask,
    (SERVERS, DELEGATION, ISSUED, EXPIRY, VALIDATION),
)  # fmt: skip
