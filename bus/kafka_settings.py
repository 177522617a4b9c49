"""How to reach Kafka: addresses, TLS and SASL, as client options."""

import ssl
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bus.errors import ConfigError


class KafkaSettings(BaseModel):
    """The `[kafka]` section. Every secret may come from a file instead (`sasl_password_file`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    servers: str = "127.0.0.1:9092"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    key_password: SecretStr | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    replication: int = 1
    durability: Literal["page_cache", "fsync"] = "page_cache"
    session_timeout: float = Field(default=30.0, ge=6.0, le=1_800.0)
    """Seconds after which a member of a consumer group that says nothing has lost its partitions to the others."""

    def client_options(self) -> dict[str, Any]:
        """What every aiokafka client takes. Raises ConfigError when a certificate cannot be read."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.servers,
            "security_protocol": self.security_protocol,
            "request_timeout_ms": 20_000,
            "retry_backoff_ms": 50,
        }
        if "SSL" in self.security_protocol.split("_"):
            options["ssl_context"] = self._ssl_context()
        if self.security_protocol.startswith("SASL"):
            if not (self.sasl_mechanism and self.sasl_username and self.sasl_password):
                raise ConfigError("[kafka] SASL needs sasl_mechanism, sasl_username and sasl_password(_file)")
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password.get_secret_value(),
            }
        return options

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file:
                password = self.key_password.get_secret_value() if self.key_password else None
                context.load_cert_chain(self.cert_file, self.key_file, password)
        except (OSError, ssl.SSLError) as error:
            named = self.ca_file if self.ca_file and not self.cert_file else self.cert_file or self.ca_file
            raise ConfigError(f"[kafka] cannot use the certificate files ({named}): {error}") from None
        return context
