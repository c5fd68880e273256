// What is the record of a consent that a learner grants? Document, blinding, entry, and the grant
// signed by the holder, by a guardian along with a minor, and for an identified learner by their
// identity, as protocol/record.py reads it. `asked` is a consent request as the node shows it
// (`GET /v1/requests/by-token`).
//
// Who signs is {address, sign(message), secret?}: a key in this page, which has a secret and can
// sign a slip as well, or a wallet, which is asked each time.

import { toHex } from "./bytes.js";
import { digestOfJson } from "./canonical.js";
import { commit, makeBlinding } from "./commitments.js";
import { encodeEntry, leafOf } from "./entries.js";
import { addressOf, signDigest } from "./signatures.js";
import { makeSlip } from "./slips.js";
import { digestOf, grantMessage, holderBindingMessage } from "./typed_data.js";

const VERSION = 1;

/** A key in this page as one who signs. Whoever has it wipes its secret after use. */
export function signerOf(secret) {
  const sign = async (message) => toHex(signDigest(secret, digestOf(message)));
  return { address: addressOf(secret), sign, secret };
}

/** Grants one document of a request: {record, leaf, slip}. The slip is null where the holder's
 * secret is not in this page. With a guardian the document names their key, so that neither
 * signature stands without the other. */
export async function grantDocument(asked, document, { holder, guardian, identity }) {
  const { chainId, registry, agreementId, validFrom, validUntil, groupId } = asked;
  const consented = guardian ? { ...document, guardian: guardian.address } : document;
  const blinding = makeBlinding();
  const entry = {
    agreementId,
    issuer: asked.asking.organisationId,
    holder: holder.address,
    validFrom,
    validUntil,
    commitment: toHex(commit(digestOfJson(consented), blinding)),
  };
  const bytes = encodeEntry(entry);
  const message = grantMessage(entry, chainId, registry);
  const record = {
    version: VERSION,
    chainId,
    registry,
    document: consented,
    blinding: toHex(blinding),
    entry: toHex(bytes),
    grantSignature: await holder.sign(message),
    groupId,
  };
  if (guardian) record.guardianSignature = await guardian.sign(message);
  if (identity) {
    const binding = holderBindingMessage(agreementId, holder.address, chainId, registry);
    record.holderBinding = await identity.bind(digestOf(binding));
  }
  const slip = holder.secret ? makeSlip(bytes, holder.secret, chainId, registry) : null;
  return { record, leaf: leafOf(bytes), slip };
}
