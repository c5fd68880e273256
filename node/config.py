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

    model_config = SettingsConfigDict(
        env_prefix="PTX_",
        populate_by_name=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    state_dir: Path = Path(".ptx")
    """The folder of keys, logs, the erasure journal, and the embedded database and chain."""
    host: str = "127.0.0.1"
    """The address that the API listens at."""
    port: int = Field(default=8420, ge=0, le=65_535)
    """The port that the API listens at."""
    public_url: str | None = Field(default=None, pattern=r"^https?://[a-z0-9.\-\[\]:]+$")
    """Scheme, host and port under which people and other nodes know this one, as
    https://node.example; without it, where it listens."""
    passkey_domain: str | None = Field(default=None, pattern=r"^[a-z0-9.\-]+$")
    """The domain that all operators' pages share, so that one passkey serves on all of them;
    without it, this page's host alone."""
    session_hours: int = Field(default=12, ge=1, le=24 * 30)
    """After how long a person of an organisation signs in again, whatever they do."""
    session_idle_minutes: int = Field(default=30, ge=1, le=24 * 60)
    """After how long without a request they do."""
    chain_port: int = Field(default=8421, ge=0, le=65_535)
    """The port of the embedded chain."""
    chain_id: int = 7837
    """The id of the chain; a chain that answers another one is refused."""
    chain_hardfork: str = "paris"
    """The rules of the embedded chain."""
    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    """PostgreSQL, as postgresql://user:password@host/name; without it the node runs its own."""
    chain_url: str | None = Field(default=None, validation_alias="CHAIN_URL")
    """A JSON-RPC endpoint of the chain; without it the node runs its own."""
    deployment_path: Path | None = None
    """The file of the contracts' addresses; without it, deployments/CHAIN_ID.json."""
    operator_did: str = "did:web:operator.localhost"
    """The DID of the organisation that operates this node."""
    jwt_role: Literal["admin", "operator", "auditor"] = "operator"
    """What a machine may do that signs with its DID document's key."""
    max_staleness_seconds: int = Field(default=30, ge=1)
    """How far the index may lag behind before a status check is refused."""
    poll_seconds: float = Field(default=0.1, gt=0)
    """How often indexer and sender ask for a new block."""
    batch_seconds: float = Field(default=2.0, ge=0)
    """How long consents wait for company before they are anchored together."""
    finality_blocks: int = Field(default=64, ge=0)
    """How many blocks must follow one that cannot change any more."""
    spread_urls: str = ""
    """Further endpoints of the chain that transactions are sent to, separated by spaces."""
    in_flight_max: int = Field(default=4, ge=1, le=64)
    """How many transactions of a key wait for their block at once; no more than the chain's pool
    takes ahead."""
    rebroadcast_blocks: int = Field(default=3, ge=1)
    """After how many blocks without it a transaction is sent again."""
    gas_price_max_wei: int = Field(default=0, ge=0)
    """The most that a unit of gas may cost; 0 on a chain where gas is free."""
    signer_url: str | None = None
    """A web3signer that holds the key, instead of a file here."""
    signer_address: str | None = Field(default=None, pattern="^0x[0-9a-fA-F]{40}$")
    """The account of that key."""
    event_finality_blocks: int | None = Field(default=None, ge=0)
    """The same as PTX_FINALITY_BLOCKS, for what the change feed and webhooks call final."""
    refusal_finality_blocks: int | None = Field(default=None, ge=0)
    """For how many blocks the contracts must refuse an act before it has failed; without it,
    PTX_FINALITY_BLOCKS."""
    webhook_private_addresses: bool = False
    """Whether webhooks and records may be sent to addresses of the operator's own network."""
    webhook_failure_days: int = Field(default=5, ge=1)
    """After how many days of failures a webhook is disabled."""
    idempotency_days: int = Field(default=7, ge=1)
    """How long the answer to an Idempotency-Key is kept."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is written to the logs."""
    rate_key_per_minute: int = Field(default=600_000, ge=1)
    """Requests of one API key."""
    rate_address_per_minute: int = Field(default=6_000, ge=1)
    """Requests of one address without a key."""
    rate_learners_per_minute: int = Field(default=12_000, ge=1)
    """Requests of one address at the learners' doors."""
    rate_guesses_per_minute: int = Field(default=60, ge=1)
    """Wrong keys from one address."""
    request_seconds_max: float = Field(default=30.0, gt=0)
    """How long a request may take to arrive."""
    trusted_proxies: str = ""
    """Addresses or networks of the proxies in front, whose X-Forwarded-For is believed; separated
    by spaces or commas."""
    walletconnect_project_id: str | None = Field(default=None, pattern="^[0-9a-f]{32}$")
    """The operator's account at WalletConnect's relay; with it, a wallet on another device can
    sign."""
    walletconnect_script: Path | None = None
    """The file of the script that speaks with that relay."""
    block_period_seconds: int | None = Field(
        default=None, ge=1, validation_alias="BLOCK_PERIOD_SECONDS"
    )
    """How often the chain makes a block, where it makes one even if nothing happens: a head older
    than PTX_MAX_STALENESS_SECONDS is then stale."""

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
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value is not None:
                environment[self.variable(name)] = str(
                    value.resolve() if isinstance(value, Path) else value
                )
        return environment

    @classmethod
    def variable(cls, name: str) -> str:
        """The environment variable of a setting."""
        return str(cls.model_fields[name].validation_alias or f"PTX_{name.upper()}")

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
