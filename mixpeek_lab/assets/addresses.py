"""Where a host leads: its addresses, checked before anything is sent to them.

Whoever connects, connects to an address from here and never resolves the name again, so a name
that answers differently the second time gains nothing.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from mixpeek_lab.assets.limits import ALLOW_LOCAL, AssetLimits
from mixpeek_lab.assets.problems import AssetError

_Address = IPv4Address | IPv6Address

_NEAR = tuple(
    map(
        ip_network,
        ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
         "100.64.0.0/10", "fc00::/7"),
    )
)  # fmt: skip
"""Loopback and private networks: what the local allowance opens."""

_METADATA = frozenset(map(ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200")))
"""Clouds hand out the machine's credentials here: never opened."""

_NAT64 = ip_network("64:ff9b::/96")
_NUMBERS = re.compile(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*\.?", re.IGNORECASE)


def checked_addresses(host: str, port: int, limits: AssetLimits, shown: str) -> list[str]:
    """The addresses of a host, as texts, in the order to try; each one may be connected to.

    One address that may not be reached refuses the host. Raises AssetError, also for a host that
    does not resolve, or that is a number in another notation than `ip_address` reads.
    """
    addresses = _resolve(host, port, shown)
    is_local_allowed = limits.allows_local(host, port)
    for address in addresses:
        if not _may_reach(_meant(address), is_local_allowed):
            raise AssetError(_refusal(shown, host, address))
    return [str(address) for address in addresses]


def _resolve(host: str, port: int, shown: str) -> list[_Address]:
    if _NUMBERS.fullmatch(host) and not _is_address(host):
        raise AssetError(f"{shown}: write the address {host!r} as four decimal numbers, 192.0.2.1.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AssetError(
            f"{shown}: the host {host!r} has no address ({error}). Check its name and the network."
        ) from error
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _meant(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 address stands for, where it does; else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _may_reach(address: _Address, is_local_allowed: bool) -> bool:
    if address in _METADATA:
        return False
    if any(address in network for network in _NEAR):
        return is_local_allowed
    is_special = address.is_multicast or address.is_reserved or address.is_unspecified
    is_site = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not is_special and not is_site


def _refusal(shown: str, host: str, address: _Address) -> str:
    meant = _meant(address)
    if meant not in _METADATA and any(meant in network for network in _NEAR):
        advice = (
            f"If that server is yours, set {ALLOW_LOCAL}={host} (1 for every host), "
            f"or pass AssetLimits(local_hosts=({host!r},))."
        )
    else:
        advice = "No setting opens link-local, metadata or reserved addresses: use another URL."
    return f"{shown}: the host {host!r} leads to {address}, which is not a public address. {advice}"
