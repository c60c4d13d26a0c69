"""TXT records from DNS in blocking code, by dnspython."""

from __future__ import annotations


def look_up_txt(name: str) -> list[bytes]:
    """See `aio.txt_lookup`."""
    import dns.resolver  # for those who ask for it

    try:
        answer = dns.resolver.resolve(name, "TXT", search=True)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    return [b"".join(record.strings) for record in answer]
