"""Certificates for servers and clients in tests, of an authority that nobody else trusts."""

from dataclasses import dataclass
from pathlib import Path

import trustme

NAME = "mx.desk.example"


@dataclass(frozen=True)
class Certificates:
    """PEM files. `authority`: whom to trust; `chain` and `key`: of a server called NAME, localhost or 127.0.0.1."""

    authority: Path
    chain: Path
    key: Path


def issue(folder: Path) -> Certificates:
    """New ones, written to `folder`."""
    authority = trustme.CA()
    server = authority.issue_cert(NAME, "localhost", "127.0.0.1")
    made = Certificates(folder / "authority.pem", folder / "chain.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(made.authority)
    made.key.write_bytes(server.private_key_pem.bytes())
    made.chain.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    return made
