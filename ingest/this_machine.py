"""Whether what is said to a host stays on this machine."""

from ipaddress import ip_address


def on_this_machine(host: str) -> bool:
    """Whether what is said to this host never leaves the machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
