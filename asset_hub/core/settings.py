"""Settings: one class, prefix ASSET_HUB_, one URL per outside system (ADR 0004)."""

import os
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from asset_hub.core.errors import BadInput
from asset_hub.core.home_secret import read_home_secret
from asset_hub.core.text import N_

_KEY_BYTES = 32


class Settings(BaseSettings):
    """Where everything lies. Empty URLs mean the embedded default inside `home`."""

    model_config = SettingsConfigDict(env_prefix="ASSET_HUB_", frozen=True)

    home: Path = Path("var")
    database_url: str = ""
    files_url: str = ""
    search_url: str = "embedded"
    chain_url: str = "embedded"
    jobs_url: str = "embedded"
    stamp_url: str = ""
    public_url: str = ""
    issuer: str = "asset_hub"
    hosts: str = ""
    secret_key: str = ""
    person: str = ""

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home.resolve()}/asset_hub.db"

    @property
    def files(self) -> str:
        return self.files_url or (self.home.resolve() / "files").as_uri()

    def secret(self) -> bytes:
        """Return the home's secret (32 bytes or more), making it with mode 0600 when the home has none yet.

        Raises NoPassphrase, KeyFileRefused where the home keeps it sealed (`asset-hub secret seal`).
        """
        if self.secret_key:
            if len(self.secret_key.encode()) < _KEY_BYTES:
                raise BadInput(N_("ASSET_HUB_SECRET_KEY must have at least {count} bytes."), count=_KEY_BYTES)
            return self.secret_key.encode()
        return read_home_secret(self.home, environ=os.environ)
