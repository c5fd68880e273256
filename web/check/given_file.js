// What has the reader chosen, where it is no proof file? So that nobody takes a good file of
// another kind for a forgery.

import { isCalledBundle } from "../protocol/proof_bundle.js";

/** "proof" for what calls itself one, "export" for a learner's copy of everything, or the name of
 * its words under `check.seems`. */
export function kindOf(value) {
  if (isCalledBundle(value)) return "proof";
  if (isExport(value)) return "export";
  const has = (...names) => names.every((name) => value?.[name] !== undefined);
  if (has("salt", "nonce", "sealed") || has("kty")) return "keys";
  if (has("leaf", "endedBy", "endedAt")) return "receipt";
  if (has("entry", "document", "blinding")) return "record";
  return "other";
}

function isExport(value) {
  const isKept = (each) => typeof each?.status?.leaf === "string";
  const { operatorDid, asOf, consents } = value ?? {};
  return Boolean(operatorDid && asOf) && Array.isArray(consents) && consents.every(isKept);
}
