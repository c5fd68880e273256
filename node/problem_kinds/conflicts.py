"""What is asked for does not go with what is."""

from __future__ import annotations

from node.problem_kinds.kind import Kind

CONFLICTS = (
    Kind(
        409,
        "act-not-retried",
        "The act is not tried again",
        "Only what waits or has failed is tried again: not what is on its way or done, what failed "
        "in a block that may still be taken back, or what was promised anew.",
        "Look at the act: GET /v1/outbox/{actId}. Where it failed in a block, wait until that "
        "block is final.",
    ),
    Kind(
        409,
        "access-limit",
        "The organisation has enough of them",
        "An organisation has a limited number of keys in force, and of people, on a node.",
        "Revoke a key or remove a person that is not needed.",
    ),
    Kind(
        409,
        "last-admin",
        "Nobody would be left to let others in",
        "An organisation keeps a key in force, or a person, with the right access:write.",
        "Make another key or invite another admin first, then take this one away.",
    ),
    Kind(
        409,
        "no-session",
        "The caller has no session",
        "An API key is no session, and does not end by signing out.",
        "Revoke the key: DELETE /v1/api-keys/{keyId}.",
    ),
    Kind(
        409,
        "organisation-unclear",
        "Several organisations know the address",
        "The address may act for more than one organisation of this node.",
        "Name one as organisationId, with a new nonce.",
    ),
    Kind(
        409,
        "person-known",
        "The address or passkey is known already",
        "Another person of the organisation signs in with it.",
        "Join with another account or passkey, or remove the other person first.",
    ),
    Kind(
        409,
        "consent-already-granted",
        "The consent is granted already",
        "The node knows the consent's leaf, or the batch has it twice.",
        "Ask for its status: POST /v1/consents/status.",
    ),
    Kind(
        409,
        "consent-not-active",
        "The consent is not active",
        "A use needs a consent that is in force now, under the agreement that is named.",
        "Read the consent's status; if it has ended, do not use the data.",
    ),
    Kind(
        409,
        "consent-not-anchored",
        "The consent is not on chain yet",
        "The consent is promised and waits to be anchored; until then nothing proves it.",
        "Ask again in a few seconds.",
        {"Retry-After": "2"},
    ),
    Kind(
        409,
        "consent-not-over",
        "The consent is not over",
        "A record is erased only when its consent has ended or its validity is over.",
        "Revoke it, or wait until its withdrawal is on chain or its validity is over.",
    ),
    Kind(
        409,
        "consent-request-answered",
        "The request is answered already",
        "A consent request is answered once: granted, refused, or attested on paper.",
        "Send a new request. If the answer with withdrawal slips was lost, let the issuer "
        "revoke the consents, which nobody else can end any more, and ask anew.",
    ),
    Kind(
        409,
        "rights-request-closed",
        "The request takes no such answer any more",
        "A request is done or refused once, and extended once, within the first month.",
        "Read it: GET /v1/rights-requests shows what was answered and until when.",
    ),
    Kind(
        409,
        "operator-not-delegated",
        "The operator may not act for the organisation",
        "The node sends transactions for an organisation only if that has delegated them.",
        "Let an account with the scope manage call ParticipantRegistry.delegate.",
    ),
    Kind(
        409,
        "participant-already-hosted",
        "The organisation is hosted here already",
        "The organisation has been enrolled on this node before.",
        "Use its first API key, or sign in with an account that manages it on chain.",
    ),
    Kind(
        409,
        "settlement-queued",
        "The voucher is being settled",
        "The same voucher is on its way to the chain already.",
        "Wait for it: GET /v1/settlements/{settlementId}.",
    ),
    Kind(
        409,
        "signature-queued",
        "The signature is on its way",
        "The organisation's signature under the agreement is promised already.",
        "Wait for it: GET /v1/agreements/{agreementId} shows what became of it.",
    ),
    Kind(
        409,
        "change-queued",
        "Another change of the agreement is on its way",
        "The organisation suspends, resumes or terminates an agreement in one act after the other.",
        "Wait for it: GET /v1/outbox shows what became of it. Then look at the agreement again.",
    ),
    Kind(
        409,
        "webhook-limit",
        "The organisation has enough webhooks",
        "An organisation has a limited number of webhooks on a node.",
        "Delete one that is not used: DELETE /v1/webhooks/{webhookId}.",
    ),
)
