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
CREATE TABLE indexing.halt (
    "only" BOOLEAN NOT NULL,
    halted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY ("only")
);
CREATE TABLE indexing.heartbeat (
    "only" BOOLEAN NOT NULL,
    head_read_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY ("only")
);
CREATE TABLE indexing.proven (
    "only" BOOLEAN NOT NULL,
    block_number BIGINT NOT NULL,
    block_hash BYTEA NOT NULL,
    PRIMARY KEY ("only")
);
CREATE TABLE indexing.recent_blocks (
    block_number BIGINT NOT NULL,
    block_hash BYTEA NOT NULL,
    block_time BIGINT NOT NULL,
    PRIMARY KEY (block_number)
);
CREATE TABLE indexing.removed_events (
    generation BIGINT NOT NULL,
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    name TEXT NOT NULL,
    block_hash BYTEA NOT NULL,
    block_time BIGINT NOT NULL,
    transaction_hash BYTEA NOT NULL,
    arguments JSONB NOT NULL,
    PRIMARY KEY (generation, block_number, log_index)
);
CREATE TABLE indexing.roll_backs (
    generation BIGINT NOT NULL,
    ancestor_block BIGINT NOT NULL,
    PRIMARY KEY (generation)
);
CREATE TABLE ledger.accounts (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    organisation BYTEA NOT NULL,
    account BYTEA NOT NULL,
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
CREATE TABLE ledger.agreement_activations (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_agreement_activations_agreement_id ON ledger.agreement_activations (agreement_id);
CREATE TABLE ledger.agreement_parties (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    party_index SMALLINT NOT NULL,
    agreement_id BYTEA NOT NULL,
    organisation BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index, party_index)
);
CREATE INDEX ix_ledger_agreement_parties_organisation ON ledger.agreement_parties (organisation, agreement_id);
CREATE TABLE ledger.agreement_resumptions (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    organisation BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_agreement_resumptions_agreement_id ON ledger.agreement_resumptions (agreement_id);
CREATE TABLE ledger.agreement_signatures (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    organisation BYTEA NOT NULL,
    signer BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_agreement_signatures_agreement_id ON ledger.agreement_signatures (agreement_id);
CREATE TABLE ledger.agreement_suspensions (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    organisation BYTEA NOT NULL,
    reason_hash BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_agreement_suspensions_agreement_id ON ledger.agreement_suspensions (agreement_id);
CREATE TABLE ledger.agreement_terminations (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    organisation BYTEA NOT NULL,
    reason_hash BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_agreement_terminations_agreement_id ON ledger.agreement_terminations (agreement_id);
CREATE TABLE ledger.agreements (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    parent BYTEA NOT NULL,
    terms JSONB NOT NULL,
    PRIMARY KEY (block_number, log_index),
    UNIQUE (agreement_id)
);
CREATE TABLE ledger.allowances (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    owner BYTEA NOT NULL,
    spender BYTEA NOT NULL,
    amount_minor NUMERIC(78, 0) NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.authorities (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    authority BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
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
CREATE TABLE ledger.blocks (
    block_number BIGINT NOT NULL,
    block_hash BYTEA NOT NULL,
    block_time BIGINT NOT NULL,
    PRIMARY KEY (block_number)
);
CREATE INDEX ix_ledger_blocks_block_time ON ledger.blocks (block_time);
CREATE TABLE ledger.call_salts (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    operation BYTEA NOT NULL,
    salt BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.cancellations (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    operation BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_cancellations_operation ON ledger.cancellations (operation);
CREATE TABLE ledger.claims (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    organisation BYTEA NOT NULL,
    receiver BYTEA NOT NULL,
    amount_minor NUMERIC(78, 0) NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_claims_organisation ON ledger.claims (organisation);
CREATE TABLE ledger.classifications (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    organisation BYTEA NOT NULL,
    roles SMALLINT NOT NULL,
    college SMALLINT NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_classifications_organisation ON ledger.classifications (organisation);
CREATE TABLE ledger.commission_payouts (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    amount_minor NUMERIC(78, 0) NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.delay_changes (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    old_seconds NUMERIC(78, 0) NOT NULL,
    new_seconds NUMERIC(78, 0) NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
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
CREATE TABLE ledger.deposits (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    consumer BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    amount_minor NUMERIC(78, 0) NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_deposits_agreement_id ON ledger.deposits (agreement_id);
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
CREATE TABLE ledger.executed_calls (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    operation BYTEA NOT NULL,
    call_index NUMERIC(78, 0) NOT NULL,
    target BYTEA NOT NULL,
    value NUMERIC(78, 0) NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_executed_calls_operation ON ledger.executed_calls (operation);
CREATE TABLE ledger.grants (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    receiver BYTEA NOT NULL,
    amount_minor NUMERIC(78, 0) NOT NULL,
    purpose_hash BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.guardians (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    guardian BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.issues (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    receiver BYTEA NOT NULL,
    amount_minor NUMERIC(78, 0) NOT NULL,
    reference BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.leaves (
    leaf_index BIGINT NOT NULL,
    block_number BIGINT NOT NULL,
    leaf BYTEA NOT NULL,
    PRIMARY KEY (leaf_index)
);
CREATE INDEX ix_ledger_leaves_leaf ON ledger.leaves (leaf) INCLUDE (block_number, leaf_index);
CREATE INDEX ix_ledger_leaves_block ON ledger.leaves USING brin (block_number) WITH (autosummarize = on);
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
    category INTEGER,
    PRIMARY KEY (block_number, log_index, posting_index)
);
CREATE INDEX ix_ledger_postings_booking_month ON ledger.postings (booking_month);
CREATE INDEX ix_ledger_postings_source ON ledger.postings (source);
CREATE INDEX ix_ledger_postings_target ON ledger.postings (target);
CREATE TABLE ledger.quarantined (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    contract TEXT NOT NULL,
    topics TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
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
    executable_at BIGINT NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_recoveries_organisation ON ledger.recoveries (organisation);
CREATE TABLE ledger.recovery_cancellations (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    organisation BYTEA NOT NULL,
    account BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_recovery_cancellations_organisation ON ledger.recovery_cancellations (organisation);
CREATE TABLE ledger.redemptions (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    sender BYTEA NOT NULL,
    amount_minor NUMERIC(78, 0) NOT NULL,
    reference BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.refused_withdrawals (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    holder BYTEA NOT NULL,
    leaf BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.reinstatements (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    organisation BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_reinstatements_organisation ON ledger.reinstatements (organisation);
CREATE TABLE ledger.retirements (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    organisation BYTEA NOT NULL,
    account BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index),
    UNIQUE (account)
);
CREATE TABLE ledger.role_admins (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    role BYTEA NOT NULL,
    previous_admin_role BYTEA NOT NULL,
    new_admin_role BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.role_grants (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    role BYTEA NOT NULL,
    account BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.role_revocations (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    role BYTEA NOT NULL,
    account BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.scheduled_calls (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    operation BYTEA NOT NULL,
    call_index NUMERIC(78, 0) NOT NULL,
    target BYTEA NOT NULL,
    value NUMERIC(78, 0) NOT NULL,
    data BYTEA NOT NULL,
    predecessor BYTEA NOT NULL,
    delay_seconds NUMERIC(78, 0) NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_scheduled_calls_operation ON ledger.scheduled_calls (operation);
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
    amounts JSONB NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_settlements_agreement_id ON ledger.settlements (agreement_id);
CREATE INDEX ix_ledger_settlements_consumer ON ledger.settlements (consumer);
CREATE INDEX ix_ledger_settlements_period ON ledger.settlements (period);
CREATE TABLE ledger.skipped_vouchers (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    consumer BYTEA NOT NULL,
    period BIGINT NOT NULL,
    up_to_units NUMERIC(20, 0) NOT NULL,
    settled_units NUMERIC(20, 0) NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.stop_ends (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
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
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_suspensions_organisation ON ledger.suspensions (organisation);
CREATE TABLE ledger.transactions (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    transaction_hash BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.transfers (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    sender BYTEA NOT NULL,
    receiver BYTEA NOT NULL,
    amount_minor NUMERIC(78, 0) NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE ledger.withdrawn_deposits (
    block_number BIGINT NOT NULL,
    log_index INTEGER NOT NULL,
    agreement_id BYTEA NOT NULL,
    consumer BYTEA NOT NULL,
    receiver BYTEA NOT NULL,
    amount_minor NUMERIC(78, 0) NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX ix_ledger_withdrawn_deposits_agreement_id ON ledger.withdrawn_deposits (agreement_id);

-- A back-fill of millions of leaves builds their indexes once, at its end. The indexer does not own
-- the tables, so these two functions do it with the owner's rights.
CREATE FUNCTION indexing.drop_lookups() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    ALTER TABLE ledger.leaves DROP CONSTRAINT IF EXISTS leaves_pkey;
    DROP INDEX IF EXISTS ledger.ix_ledger_leaves_leaf, ledger.ix_ledger_endings_leaf_who;
END $$;
CREATE FUNCTION indexing.build_lookups() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET maintenance_work_mem = '256MB' AS $$
BEGIN
    IF to_regclass('ledger.leaves_pkey') IS NULL THEN
        ALTER TABLE ledger.leaves ADD PRIMARY KEY (leaf_index);
    END IF;
    IF to_regclass('ledger.ix_ledger_leaves_leaf') IS NULL THEN
        CREATE INDEX ix_ledger_leaves_leaf ON ledger.leaves (leaf) INCLUDE (block_number, leaf_index);
        PERFORM brin_summarize_new_values('ledger.ix_ledger_leaves_block');
    END IF;
    IF to_regclass('ledger.ix_ledger_endings_leaf_who') IS NULL THEN
        CREATE UNIQUE INDEX ix_ledger_endings_leaf_who ON ledger.endings (leaf, who);
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION indexing.drop_lookups, indexing.build_lookups FROM PUBLIC;

GRANT USAGE ON SCHEMA ledger, indexing TO ptx_indexer;
GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA ledger TO ptx_indexer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA indexing TO ptx_indexer;
GRANT EXECUTE ON FUNCTION indexing.drop_lookups, indexing.build_lookups TO ptx_indexer;
