// What is the record of a consent that a learner grants? Document, blinding, entry, and the grant
// signed by the one-time key, as protocol/record.py reads it. `asked` is a consent request as the
// node shows it (`GET /v1/requests/by-token`).

import { toHex } from "./bytes.js";
import { digestOfJson } from "./canonical.js";
import { commit, makeBlinding } from "./commitments.js";
import { encodeEntry, leafOf } from "./entries.js";
import { addressOf, signDigest } from "./signatures.js";
import { makeSlip } from "./slips.js";
import { digestOf, grantMessage } from "./typed_data.js";

const VERSION = 1;

/** Grants one document of a request with a one-time key: {record, leaf, slip}. */
export function grantDocument(asked, document, secret) {
  const { chainId, registry, agreementId, validFrom, validUntil, groupId } = asked;
  const blinding = makeBlinding();
  const entry = {
    agreementId,
    issuer: asked.asking.organisationId,
    holder: addressOf(secret),
    validFrom,
    validUntil,
    commitment: toHex(commit(digestOfJson(document), blinding)),
  };
  const bytes = encodeEntry(entry);
  const record = {
    version: VERSION,
    chainId,
    registry,
    document,
    blinding: toHex(blinding),
    entry: toHex(bytes),
    grantSignature: toHex(signDigest(secret, digestOf(grantMessage(entry, chainId, registry)))),
    groupId,
  };
  return { record, leaf: leafOf(bytes), slip: makeSlip(bytes, secret, chainId, registry) };
}
