"""TXT records from DNS on asyncio, by dnspython."""

from __future__ import annotations


async def look_up_txt(name: str) -> list[bytes]:
    """The TXT records of a name, each with its strings joined; none if there is no such name.

    Raises dns.exception.DNSException if that cannot be found out (within dnspython's `lifetime`, 5 seconds).
    """
    import dns.asyncresolver  # for those who ask for it
    import dns.resolver

    try:
        answer = await dns.asyncresolver.resolve(name, "TXT", search=True)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    return [b"".join(record.strings) for record in answer]
