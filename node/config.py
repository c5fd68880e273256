"""Settings of one node, read from the environment and written nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parents[1]


class Settings(BaseSettings):
    """Environment variables `PTX_*`, and the two that the whole field spells the same way.

    Without `DATABASE_URL` and `CHAIN_URL` the node brings its own PostgreSQL and its own chain,
    both kept under `state_dir`.
    """

    model_config = SettingsConfigDict(env_prefix="PTX_", populate_by_name=True, extra="ignore")

    state_dir: Path = Path(".ptx")
    host: str = "127.0.0.1"
    port: int = 8420
    public_url: str | None = Field(default=None, pattern=r"^https?://[a-z0-9.\-\[\]:]+$")
    passkey_domain: str | None = Field(default=None, pattern=r"^[a-z0-9.\-]+$")
    session_hours: int = Field(default=12, ge=1, le=24 * 30)
    session_idle_minutes: int = Field(default=30, ge=1, le=24 * 60)
    chain_port: int = 8421
    chain_id: int = 7837
    chain_hardfork: str = "paris"
    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    chain_url: str | None = Field(default=None, validation_alias="CHAIN_URL")
    deployment_path: Path | None = None
    operator_did: str = "did:web:operator.localhost"
    jwt_role: Literal["admin", "operator", "auditor"] = "operator"
    max_staleness_seconds: int = 30
    poll_seconds: float = 0.1
    batch_seconds: float = 2.0
    finality_blocks: int = 64
    spread_urls: str = ""
    in_flight_max: int = Field(default=4, ge=1, le=64)
    rebroadcast_blocks: int = Field(default=3, ge=1)
    gas_price_max_wei: int = Field(default=0, ge=0)
    signer_url: str | None = None
    signer_address: str | None = Field(default=None, pattern="^0x[0-9a-fA-F]{40}$")
    event_finality_blocks: int | None = Field(default=None, ge=0)
    refusal_finality_blocks: int | None = Field(default=None, ge=0)
    webhook_private_addresses: bool = False
    webhook_failure_days: int = Field(default=5, ge=1)
    idempotency_days: int = Field(default=7, ge=1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    rate_key_per_minute: int = Field(default=600_000, ge=1)
    rate_address_per_minute: int = Field(default=6_000, ge=1)
    rate_learners_per_minute: int = Field(default=12_000, ge=1)
    rate_guesses_per_minute: int = Field(default=60, ge=1)
    request_seconds_max: float = Field(default=30.0, gt=0)
    trusted_proxies: str = ""
    walletconnect_project_id: str | None = Field(default=None, pattern="^[0-9a-f]{32}$")
    walletconnect_script: Path | None = None
    block_period_seconds: int | None = Field(default=None, validation_alias="BLOCK_PERIOD_SECONDS")

    @model_validator(mode="after")
    def has_passkeys_of_its_address(self) -> Settings:
        """Browsers refuse every passkey of a domain that the page's host is no part of."""
        host = urlsplit(self.public_url or "").hostname
        domain = self.passkey_domain
        if host and domain and host != domain and not host.endswith(f".{domain}"):
            raise ValueError(
                f"PTX_PASSKEY_DOMAIN is {domain}, of which {host} in PTX_PUBLIC_URL is no part. "
                "Set the domain that all operators' pages share, or none."
            )
        return self

    def as_environment(self) -> dict[str, str]:
        """The variables that give another process the same settings; paths are absolute."""
        environment = {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value is not None:
                variable = field.validation_alias or f"PTX_{name.upper()}"
                environment[str(variable)] = str(
                    value.resolve() if isinstance(value, Path) else value
                )
        return environment

    @model_validator(mode="after")
    def walletconnect_is_whole(self) -> Settings:
        """Wallets on another device need both: the operator's account at the relay, and the script
        that speaks with it."""
        if (self.walletconnect_project_id is None) is not (self.walletconnect_script is None):
            raise ValueError(
                "PTX_WALLETCONNECT_PROJECT_ID and PTX_WALLETCONNECT_SCRIPT go together: set both"
            )
        return self

    @property
    def embedded_chain(self) -> bool:
        """Whether this node runs its own chain."""
        return self.chain_url is None

    @property
    def embedded_database(self) -> bool:
        """Whether this node runs its own PostgreSQL."""
        return self.database_url is None

    @property
    def public_address(self) -> str:
        """Scheme and authority under which people and other nodes know this one: what it writes on
        chain, whom tokens must name, where links lead; never what a request claims."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def feed_finality(self) -> int:
        """How many blocks must follow one whose events readers of the feed are told as final."""
        own = self.event_finality_blocks
        return self.finality_blocks if own is None else own

    @property
    def refusal_finality(self) -> int:
        """For how many blocks the contracts must refuse an act before it has failed."""
        own = self.refusal_finality_blocks
        return self.finality_blocks if own is None else own

    @property
    def keys_dir(self) -> Path:
        """Where key files live, readable by their owner alone."""
        return self.state_dir / "keys"

    @property
    def deployment_file(self) -> Path:
        """The record of the contracts' addresses on this chain."""
        if self.deployment_path is not None:
            return self.deployment_path
        if self.embedded_chain:
            return self.state_dir / "deployments" / f"{self.chain_id}.json"
        return Path("deployments") / f"{self.chain_id}.json"

    @property
    def log_dir(self) -> Path:
        """Where the supervised processes write what they say."""
        return self.state_dir / "logs"

    @property
    def running_file(self) -> Path:
        """Where a running supervisor writes its addresses and the pids of its processes."""
        return self.state_dir / "running.json"

    @property
    def erasure_journal(self) -> Path:
        """The erasures of records, beside the database and older than no backup."""
        return self.state_dir / "erasures"

    @property
    def api_key_file(self) -> Path:
        """The operator's API key, mode 0600."""
        return self.state_dir / "api-key"
