"""Where a mail came in from, as coarse as is needed to see many that come from one place."""

from functools import lru_cache
from ipaddress import ip_address, ip_network


@lru_cache(maxsize=4096)
def network_of(remote: str | None) -> str | None:
    """The public network of an address (IPv4 /24, IPv6 /64); None for a server of ours, behind which everybody is."""
    try:
        address = ip_address((remote or "").partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    if not address.is_global:
        return None
    return str(ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))
