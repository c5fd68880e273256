CREATE SCHEMA ledger;
CREATE TABLE indexing.cursor (
    "only" BOOLEAN NOT NULL,
    chain_id BIGINT NOT NULL,
    genesis_hash BYTEA NOT NULL,
    block_number BIGINT NOT NULL,
    block_hash BYTEA NOT NULL,
    block_time BIGINT NOT NULL,
    PRIMARY KEY ("only")
);
CREATE TABLE indexing.heartbeat (
    "only" BOOLEAN NOT NULL,
    head_read_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY ("only")
);
CREATE TABLE indexing.recent_blocks (
    block_number BIGINT NOT NULL,
    block_hash BYTEA NOT NULL,
    block_time BIGINT NOT NULL,
    PRIMARY KEY (block_number)
);
CREATE TABLE ledger.accounts (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    account BYTEA NOT NULL,
    organisation BYTEA NOT NULL,
    scopes SMALLINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (block_number, log_index),
    UNIQUE (account)
);
CREATE INDEX ix_ledger_accounts_organisation ON ledger.accounts (organisation);
CREATE TABLE ledger.admissions (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    organisation BYTEA NOT NULL,
    did TEXT NOT NULL,
    roles SMALLINT NOT NULL,
    college SMALLINT NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_admissions_organisation ON ledger.admissions (organisation);
CREATE TABLE ledger.agreement_changes (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    change TEXT NOT NULL,
    organisation BYTEA,
    reason_hash BYTEA,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_agreement_changes_agreement_id ON ledger.agreement_changes (agreement_id);
CREATE TABLE ledger.agreement_parties (
    block_number BIGINT NOT NULL,
    agreement_id BYTEA NOT NULL,
    organisation BYTEA NOT NULL,
    PRIMARY KEY (agreement_id, organisation)
);
CREATE INDEX ix_ledger_agreement_parties_organisation ON ledger.agreement_parties (organisation);
CREATE TABLE ledger.agreement_signatures (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    organisation BYTEA NOT NULL,
    signer BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_agreement_signatures_agreement_id ON ledger.agreement_signatures (agreement_id);
CREATE TABLE ledger.agreements (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    parent BYTEA NOT NULL,
    valid_from NUMERIC(20, 0) NOT NULL,
    valid_until NUMERIC(20, 0) NOT NULL,
    policy_hash BYTEA NOT NULL,
    document_hash BYTEA NOT NULL,
    rulebook BYTEA NOT NULL,
    salt BYTEA NOT NULL,
    parties JSONB NOT NULL,
    lines JSONB NOT NULL,
    PRIMARY KEY (block_number, log_index),
    UNIQUE (agreement_id)
);
CREATE TABLE ledger.batches (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    issuer BYTEA NOT NULL,
    root BYTEA NOT NULL,
    first_index BIGINT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (block_number, log_index),
    UNIQUE (first_index)
);
CREATE TABLE ledger.classifications (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    organisation BYTEA NOT NULL,
    roles SMALLINT NOT NULL,
    college SMALLINT NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_classifications_organisation ON ledger.classifications (organisation);
CREATE TABLE ledger.delegations (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    organisation BYTEA NOT NULL,
    operator BYTEA NOT NULL,
    scopes SMALLINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_delegations_operator ON ledger.delegations (operator);
CREATE INDEX ix_ledger_delegations_organisation ON ledger.delegations (organisation);
CREATE TABLE ledger.descriptions (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    organisation BYTEA NOT NULL,
    service_address TEXT NOT NULL,
    did_document_hash BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_descriptions_organisation ON ledger.descriptions (organisation);
CREATE TABLE ledger.endings (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    who BYTEA NOT NULL,
    leaf BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE UNIQUE INDEX ix_ledger_endings_leaf_who ON ledger.endings (leaf, who);
CREATE TABLE ledger.events (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    block_hash BYTEA NOT NULL,
    block_time BIGINT NOT NULL,
    transaction_hash BYTEA NOT NULL,
    contract TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.leaves (
    leaf_index BIGINT NOT NULL,
    block_number BIGINT NOT NULL,
    leaf BYTEA NOT NULL,
    PRIMARY KEY (leaf_index)
);
CREATE INDEX ix_ledger_leaves_leaf ON ledger.leaves (leaf);
CREATE TABLE ledger.leavings (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    consumer BYTEA NOT NULL,
    amount_minor NUMERIC(78, 0) NOT NULL,
    executable_at BIGINT NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_leavings_agreement_id ON ledger.leavings (agreement_id);
CREATE TABLE ledger.postings (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    posting_index SMALLINT NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    amount_minor NUMERIC(78, 0) NOT NULL,
    period BIGINT,
    booking_month INTEGER NOT NULL,
    agreement_id BYTEA,
    PRIMARY KEY (block_number, log_index, posting_index)
);
CREATE INDEX ix_ledger_postings_source ON ledger.postings (source);
CREATE INDEX ix_ledger_postings_target ON ledger.postings (target);
CREATE TABLE ledger.rates (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    category INTEGER NOT NULL,
    from_period BIGINT NOT NULL,
    rate_bps INTEGER NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_rates_category ON ledger.rates (category);
CREATE TABLE ledger.recoveries (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    organisation BYTEA NOT NULL,
    account BYTEA NOT NULL,
    executable_at BIGINT,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_recoveries_organisation ON ledger.recoveries (organisation);
CREATE TABLE ledger.refused_withdrawals (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    holder BYTEA NOT NULL,
    leaf BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.retirements (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    account BYTEA NOT NULL,
    organisation BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index),
    UNIQUE (account)
);
CREATE TABLE ledger.settlement_lines (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    line_index SMALLINT NOT NULL,
    payee BYTEA NOT NULL,
    category INTEGER NOT NULL,
    unit_price_minor NUMERIC(20, 0) NOT NULL,
    gross_minor NUMERIC(78, 0) NOT NULL,
    commission_minor NUMERIC(78, 0) NOT NULL,
    PRIMARY KEY (block_number, log_index, line_index)
);
CREATE INDEX ix_ledger_settlement_lines_payee ON ledger.settlement_lines (payee);
CREATE TABLE ledger.settlements (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    consumer BYTEA NOT NULL,
    period BIGINT NOT NULL,
    from_units NUMERIC(20, 0) NOT NULL,
    to_units NUMERIC(20, 0) NOT NULL,
    usage_root BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_settlements_agreement_id ON ledger.settlements (agreement_id);
CREATE INDEX ix_ledger_settlements_consumer ON ledger.settlements (consumer);
CREATE INDEX ix_ledger_settlements_period ON ledger.settlements (period);
CREATE TABLE ledger.stops (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.suspensions (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    organisation BYTEA NOT NULL,
    suspended BOOLEAN NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_suspensions_organisation ON ledger.suspensions (organisation);

GRANT USAGE ON SCHEMA ledger, indexing TO ptx_indexer;
GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA ledger TO ptx_indexer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA indexing TO ptx_indexer;
