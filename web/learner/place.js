// Whose page is this, and on which ledger? The template says so in its data attributes.

import { byId } from "../dom.js";

/** {operator: {did, id, chainId, passkeyDomain}, ledger: {chainId, registry}} */
export function readPlace() {
  const { operatorDid, operatorId, chainId, consentRegistry, passkeyDomain } =
    byId("learner").dataset;
  const chain = Number(chainId);
  return {
    operator: {
      did: operatorDid,
      id: operatorId,
      chainId: chain,
      passkeyDomain: passkeyDomain || location.hostname,
    },
    ledger: { chainId: chain, registry: consentRegistry },
  };
}
