"""`[blobs]`: where large payloads and attachments lie."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class BlobSettings(BaseModel):
    """A folder (`file:///…`, by default DIR/blobs) or a bucket of an S3-compatible store (`s3://bucket/prefix`).

    `endpoint`: of a store that is not Amazon's. `region`. `access_key_id` and `secret_access_key`: without them the
    credentials are those of the environment (`AWS_ACCESS_KEY_ID` …, a web identity, the machine's role).
    `virtual_hosted`: the bucket is part of the host's name, not of the path.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str | None = None
    endpoint: str | None = Field(default=None, pattern=r"^https?://")
    region: str = "us-east-1"
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    virtual_hosted: bool = False

    @model_validator(mode="after")
    def _whole(self) -> "BlobSettings":
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key(_file) go together")
        return self
