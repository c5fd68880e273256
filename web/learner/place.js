// Whose page is this, and on which ledger? The template says so in its data attributes.

import { byId } from "../dom.js";

/** {operator: {did, id, chainId}, ledger: {chainId, registry}} */
export function readPlace() {
  const { operatorDid, operatorId, chainId, consentRegistry } = byId("learner").dataset;
  const chain = Number(chainId);
  return {
    operator: { did: operatorDid, id: operatorId, chainId: chain },
    ledger: { chainId: chain, registry: consentRegistry },
  };
}
