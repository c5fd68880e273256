// How does a learner's page talk to its node? In a session that begins without any key; each key is
// proven by its own signature over the session's nonce, and the node tells what those keys hold.

import { ask, bearer, tell } from "../node_api.js";
import { holderSessionMessage } from "../protocol/typed_data.js";

/** Consents that one answer has at most. */
const PAGE_MAX = 100;

/** A session of this node. */
export class NodeSession {
  #chainId;
  #begun = null;

  constructor(chainId) {
    this.#chainId = chainId;
  }

  async begin() {
    this.#begun = await tell("/v1/me/session");
  }

  /** What a key signs to prove itself to this session. */
  get message() {
    return holderSessionMessage(this.#chainId, this.#begun.nonce);
  }

  /** Proves keys, each {holder, signature}; whether each holds a consent here. */
  async prove(holders) {
    const { known } = await tell("/v1/me/holders", { holders }, bearer(this.#begun.token));
    return known;
  }

  /** What the node holds for the keys proven: all pages in one answer, as of the first of them.
   * Where the node has lost the session, `proveAgain()` begins another one. */
  async consents(proveAgain) {
    try {
      return await this.#readPages();
    } catch (error) {
      if (error.slug !== "session-refused") throw error;
    }
    await proveAgain();
    return this.#readPages();
  }

  end() {
    this.#begun = null;
  }

  async #readPages() {
    const path = `/v1/me/consents?limit=${PAGE_MAX}`;
    const first = await ask(path, bearer(this.#begun.token));
    const consents = [...first.consents];
    for (let next = first.next; next;) {
      const page = await ask(`${path}&after=${next}`, bearer(this.#begun.token));
      consents.push(...page.consents);
      next = page.next;
    }
    return { ...first, consents, next: null };
  }
}
