"""Fetching a file that a message names: nothing but a public server is asked, and not for long.

A host is resolved once, refused unless every address it has is public, and connected to by the address that was
checked; a redirect is checked like the first address. What cannot be had stays with the provider, and the message says
so (docs/adr/0010).
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Mapping, Sequence

import httpx
import structlog

from bus.blobs import BlobStore
from bus.errors import Retryable
from bus.model import BlobRef

log = structlog.get_logger()

LONGEST_FILE = 10 * 1024 * 1024
_SECONDS = 10.0
_REDIRECTS = 3
_MOST = 10
_TRANSLATED = tuple(ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16"))
"""IPv6 addresses behind which an IPv4 address stands that may be anybody's."""


class NotFetched(Exception):
    """Why a file was not fetched; one line."""


class Files:
    """What a connector fetches for its messages.

    `hosts`: names of hosts, which stand for what is below them too; None: any public host. `inside`: origins
    (`http://10.0.0.7:8080`) that an operator has named, which need be neither public nor https. `most`: files at once;
    more stay where they are. `credentials`: by host, user and password (HTTP basic), `bearers`: a token (RFC 6750);
    no redirect passes them on.
    """

    def __init__(
        self,
        blobs: BlobStore,
        *,
        hosts: Sequence[str] | None = None,
        inside: Sequence[str] = (),
        credentials: Mapping[str, tuple[str, str]] | None = None,
        bearers: Mapping[str, str] | None = None,
        seconds: float = _SECONDS,
        longest: int = LONGEST_FILE,
        most: int = _MOST,
    ) -> None:
        self._blobs = blobs
        self._hosts = None if hosts is None else tuple(host.lower() for host in hosts)
        self._inside = frozenset(_origin(httpx.URL(each)) for each in inside)
        self._credentials = dict(credentials or {})
        self._bearers = dict(bearers or {})
        self._seconds = seconds
        self._longest = longest
        self._most = most

    async def fetch(self, sources: Iterable[str]) -> dict[str, BlobRef]:
        """The files that could be had, by source; all of them within the deadline of one. Raises Retryable when the
        blob store is away.
        """
        wanted = [source for source in dict.fromkeys(sources) if source.startswith(("https://", "http://"))][
            : self._most
        ]
        found = await asyncio.gather(*(self._one(source) for source in wanted))
        return {source: blob for source, blob in zip(wanted, found, strict=True) if blob is not None}

    async def _one(self, source: str) -> BlobRef | None:
        try:
            async with asyncio.timeout(self._seconds):
                data = await self.download(source)
        except (NotFetched, TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            why = str(error) if isinstance(error, NotFetched) else type(error).__name__
            log.warning("file.not_fetched", reason=why)
            return None
        except Retryable:
            raise
        return BlobRef(blob=await self._blobs.put(data), size=len(data))

    async def download(self, source: str) -> bytes:
        """The bytes. Raises NotFetched and what httpx raises."""
        url = httpx.URL(source)
        credentials, bearer = self._credentials.get(url.host), self._bearers.get(url.host)
        async with httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=self._seconds) as client:
            for _ in range(_REDIRECTS + 1):
                async with client.stream(
                    "GET",
                    url.copy_with(host=await self._address(url)),
                    headers={"Host": url.netloc.decode("ascii")}
                    | ({"Authorization": f"Bearer {bearer}"} if bearer else {}),
                    extensions={"sni_hostname": url.host},
                    auth=credentials,
                ) as response:
                    if response.is_redirect:
                        url = url.join(response.headers.get("location", ""))
                        credentials = bearer = None
                        continue
                    if response.status_code != httpx.codes.OK:
                        raise NotFetched(f"status {response.status_code}")
                    return await self._body(response)
        raise NotFetched(f"more than {_REDIRECTS} redirects")

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > self._longest:
                raise NotFetched(f"more than {self._longest} bytes")
        return bytes(body)

    async def _address(self, url: httpx.URL) -> str:
        """The checked address of the host. Raises NotFetched when it may not be asked."""
        if _origin(url) in self._inside:
            return url.host
        if url.scheme != "https":
            raise NotFetched("not https")
        if url.userinfo:
            raise NotFetched("an address with credentials")
        host = url.host.lower()
        if self._hosts is not None and not any(host == each or host.endswith(f".{each}") for each in self._hosts):
            raise NotFetched("not a host that files are fetched from")
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]) for each in found]
        if not addresses or not all(is_public(each) for each in addresses):
            raise NotFetched("not a public address")
        return addresses[0]


def is_public(address: str) -> bool:
    """Whether an address is one that anybody on the Internet could ask."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in net for net in _TRANSLATED):
            return False
    return ip.is_global and not ip.is_multicast


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host.lower(), url.port
