// What does an exported file say, where the operator that kept the consents does not answer? The
// keys are made as always; which of them hold a consent the file tells, and no node is asked.

import { PageProblem } from "../problems.js";
import { decodeEntry } from "../protocol/entries.js";
import { fromHex } from "../protocol/bytes.js";
import { addressOf } from "../protocol/signatures.js";
import { LearnerSession } from "./session.js";

/** What a file's text says: {operatorDid, chainId, asOf, consents, uses, requests}, with the
 * consents as a node lists them. Throws PageProblem for what is no export, or one of another
 * ledger. */
export function readExport(text, ledger) {
  const said = parse(text);
  const { operatorDid, chainId, registry, asOf, uses, requests } = said;
  if (chainId !== ledger.chainId || registry !== ledger.registry.toLowerCase()) {
    throw new PageProblem("exportOfAnother", { chainId });
  }
  const consents = said.consents
    .filter(({ record }) => record)
    .map(({ status, issuerDid, record: { document, entry } }) => {
      return { status, issuerDid, document, entry };
    });
  return { operatorDid, chainId, asOf, consents, uses, requests };
}

function parse(text) {
  try {
    const said = JSON.parse(text);
    const { operatorDid, asOf, consents, uses, requests } = said;
    const isWhole = [consents, uses, requests].every(Array.isArray) && consents.length > 0;
    if (isWhole && /^did:/.test(operatorDid) && asOf.blockTime > 0) return said;
  } catch {
    // told below
  }
  throw new PageProblem("exportUnreadable");
}

/** The learner with what an export says, as of when it was made. Withdrawals go to the page's own
 * node, which takes them to the ledger. */
export class FiledSession extends LearnerSession {
  #filed;
  #holders;

  constructor(seed, filed) {
    super(seed, filed.chainId);
    this.#filed = filed;
    const entries = filed.consents.map(({ entry }) => decodeEntry(fromHex(entry)));
    this.#holders = new Set(entries.map((entry) => entry?.holder));
  }

  get isFiled() {
    return true;
  }

  get isBegun() {
    return true;
  }

  proofOf(secret) {
    return { holder: addressOf(secret) };
  }

  async askKnown(proofs) {
    return proofs.map(({ holder }) => this.#holders.has(holder));
  }

  /** Those of the file whose keys were found. */
  async consents() {
    const isOwn = ({ entry }) => this.holds(decodeEntry(fromHex(entry))?.holder);
    return { asOf: this.#filed.asOf, consents: this.#filed.consents.filter(isOwn) };
  }

  async uses() {
    return this.#filed.uses;
  }

  async requests() {
    return this.#filed.requests;
  }
}
