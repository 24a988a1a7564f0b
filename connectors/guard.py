"""Which addresses outside content may send us to: the guard against server-side request forgery.

The check is made on the address that is then connected to, never on a name: a name may resolve differently a second
later, and `2130706433`, `0x7f.1` and `::ffff:127.0.0.1` all spell 127.0.0.1.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable

from domain.errors import Refused, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.IPv6Network("::/96")
# Reserved by IANA, yet global to `ipaddress`: protocol assignments (one cloud's metadata lives there), old site-local.
_RESERVED = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("fec0::/10"))
# Public by number, but a cloud's own metadata or control plane.
_METADATA = frozenset({ipaddress.ip_address("168.63.129.16"), ipaddress.ip_address("100.100.100.200")})


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of `host` in the order to try them. Raises `Unavailable` when it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"the name {host} cannot be resolved") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def forbidden(address: str) -> str | None:
    """Say what kind of address this is when outside content may not lead there, None when it may."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip in _METADATA:
        return "a cloud's metadata address"
    for name in ("unspecified", "loopback", "link_local", "multicast"):
        if getattr(ip, f"is_{name}"):
            return f"a {name.replace('_', '-')} address"
    inner = _embedded(ip)
    if inner is not None:
        return forbidden(str(inner))
    if ip.is_private or ip.is_reserved or not ip.is_global or any(ip in network for network in _RESERVED):
        return "a private or reserved address"
    return None


def _embedded(ip: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that a translator would take out of an IPv6 one."""
    if isinstance(ip, ipaddress.IPv4Address):
        return None
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if ip in _COMPATIBLE or any(ip in network for network in _NAT64):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return None


class Guard:
    """Resolves a host to addresses that may be connected to. `allow_private`: names whose addresses are not asked."""

    def __init__(self, *, allow_private: Iterable[str] = (), lookup: Resolve = resolve) -> None:
        self._allowed = frozenset(plain_host(name) for name in allow_private)
        self._lookup = lookup

    def addresses(self, host: str, port: int) -> list[str]:
        """Return where to connect, or raise `Refused`. One forbidden address among good ones forbids the host."""
        found = self._lookup(host, port)
        if plain_host(host) in self._allowed:
            return found
        for address in found:
            kind = forbidden(address)
            if kind is not None:
                raise Refused(
                    f"{host} leads to {kind}, which a URL from outside may not; an operator can name the host "
                    "in [network] allow_private"
                )
        return found


def plain_host(name: str) -> str:
    """Return a host name as it is compared: lower case, no brackets, no final dot."""
    return name.strip().lower().strip("[]").rstrip(".")
