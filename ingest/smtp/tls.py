"""The certificate of STARTTLS."""

import ssl
from pathlib import Path

from bus.errors import ConfigError


def server_tls(cert_file: Path | None, key_file: Path | None) -> ssl.SSLContext | None:
    """A context for the server's side, None without a certificate. Raises ConfigError that names the file."""
    if cert_file is None:
        return None
    for key, path in (("tls_cert_file", cert_file), ("tls_key_file", key_file)):
        if path is not None and not path.is_file():
            raise ConfigError(f"{key}: there is no file {path}")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert_file, key_file, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise ConfigError(f"tls_cert_file {cert_file}: cannot be used with its key: {reason}") from None
    return context


def _no_password() -> str:
    raise ConfigError("tls_key_file: is encrypted; give a key without a passphrase, readable by this service only")
