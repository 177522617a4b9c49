"""Certificates for servers and clients in tests, of an authority that nobody else trusts."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import trustme
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12
from cryptography.x509 import load_pem_x509_certificate

KEYSTORE_PASSWORD = "changeit"
NAME = "mx.desk.example"


@dataclass(frozen=True)
class Certificates:
    """PEM files. `authority`: whom to trust; `chain` and `key`: of a server called NAME, localhost or 127.0.0.1.

    `keystore`: the last two for Java (PKCS #12, KEYSTORE_PASSWORD).
    """

    authority: Path
    chain: Path
    key: Path
    keystore: Path


def issue(folder: Path) -> Certificates:
    """New ones, written to `folder`."""
    authority = trustme.CA()
    server = authority.issue_cert(NAME, "localhost", "127.0.0.1")
    made = Certificates(folder / "authority.pem", folder / "chain.pem", folder / "key.pem", folder / "keystore.p12")
    authority.cert_pem.write_to_path(made.authority)
    made.key.write_bytes(server.private_key_pem.bytes())
    made.chain.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    made.keystore.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"server",
            cast("pkcs12.PKCS12PrivateKeyTypes", load_pem_private_key(server.private_key_pem.bytes(), None)),
            load_pem_x509_certificate(server.cert_chain_pems[0].bytes()),
            [load_pem_x509_certificate(authority.cert_pem.bytes())],
            BestAvailableEncryption(KEYSTORE_PASSWORD.encode()),
        )
    )
    return made
