"""Where a request comes from: the peer of the connection, or whom a proxy of ours names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ipaddress

    import falcon

    Network = ipaddress.IPv4Network | ipaddress.IPv6Network
    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LONGEST = 64
"""How many hops are followed. Nobody has as many proxies; a header may have thousands of names."""


class ClientAddress:
    """Falcon middleware: sets `req.context.address`; believes `X-Forwarded-For` from the configured proxies alone."""

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        self._trusted = tuple(map(_network, trusted_proxies))

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Find out where the request comes from."""
        peer = str(req.remote_addr or "")
        forwarded = req.get_header("X-Forwarded-For") if self._trusted else None
        req.context.address = self.behind(peer, forwarded) if forwarded else peer

    def behind(self, peer: str, forwarded: str) -> str:
        """The last address that is none of our proxies'.

        Each proxy adds whom it heard from at the right end, so what stands further left than the first stranger may
        be invented.
        """
        found = peer
        for hop in reversed(forwarded.split(",")[-_LONGEST:]):
            if not self._is_ours(found):
                break
            address = _address(hop.strip())
            if address is None:
                break
            found = str(address)
        return found

    def _is_ours(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._trusted)


def _network(text: str) -> Network:
    from ipaddress import ip_network  # where there are no proxies, the CLI does not pay for it

    return ip_network(text, strict=False)


def _address(text: str) -> Address | None:
    """An address as proxies write it: alone, in brackets, or with a port."""
    from ipaddress import ip_address

    host = text
    if text.startswith("["):
        host = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        host = text.partition(":")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def address_of(req: falcon.Request) -> str:
    """Where the request comes from; empty when it came over no network."""
    return str(getattr(req.context, "address", ""))
