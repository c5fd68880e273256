// How does a learner's page talk to a node? In a session that begins without any key; each key is
// proven by its own signature over the session's nonce, and the node tells what those keys hold.

import { ask, askFile, bearer, tell } from "../node_api.js";
import { holderSessionMessage } from "../protocol/typed_data.js";

/** Consents, or requests, that one answer has at most. */
const PAGE_MAX = 100;
/** Uses that one answer has at most. */
const USES_MAX = 1_000;

/** A session of one node, for whoever has keys to prove. Where the node has lost it, `proveAgain()`
 * proves once more those that were found. */
export class NodeSession {
  #chainId;
  #begun = null;

  /** `node` is the address of the node that is asked; without one it is the page's own. */
  constructor(chainId, node = "") {
    this.#chainId = chainId;
    this.node = node;
  }

  /** Whether nobody is asked, since a file has told everything. */
  get isFiled() {
    return false;
  }

  get isBegun() {
    return this.#begun !== null;
  }

  async begin() {
    this.#begun = await tell(`${this.node}/v1/me/session`);
  }

  /** What a key signs to prove itself to this session. */
  get message() {
    return holderSessionMessage(this.#chainId, this.#begun.nonce);
  }

  /** Proves keys, each {holder, signature}; whether each holds a consent at the node. */
  async prove(holders) {
    const shown = bearer(this.#begun.token);
    const { known } = await tell(`${this.node}/v1/me/holders`, { holders }, shown);
    return known;
  }

  /** What the node holds for the keys proven. */
  async consents() {
    const answer = await this.#readPages("consents", PAGE_MAX);
    return { ...answer, consents: answer.items };
  }

  /** Who used data behind the consents found, as far as the node knows; the oldest first. */
  async uses() {
    return (await this.#readPages("uses", USES_MAX)).items;
  }

  /** What was asked with the keys proven, and what became of it; the newest first. */
  async requests() {
    return (await this.#readPages("requests", PAGE_MAX)).items;
  }

  /** Asks for a consent's erasure ("erasures") or objects to its use ("objections"). */
  askFor(kind, body) {
    return this.#showing((shown) => tell(`${this.node}/v1/me/${kind}`, body, shown));
  }

  /** Everything that the node holds for the keys proven: a Blob of "json" or "pdf". */
  exported(format) {
    const path = `${this.node}/v1/me/export?format=${format}`;
    return this.#showing((shown) => askFile(path, shown));
  }

  end() {
    this.#begun = null;
  }

  /** Runs an act that shows the session's token; once more in a new session if this one is lost. */
  async #showing(act) {
    try {
      return await act(bearer(this.#begun.token));
    } catch (error) {
      if (error.slug !== "session-refused") throw error;
    }
    await this.begin();
    await this.proveAgain();
    return act(bearer(this.#begun.token));
  }

  /** All pages of a list in one answer, which is as of the first of them. */
  #readPages(name, limit) {
    const path = `${this.node}/v1/me/${name}?limit=${limit}`;
    return this.#showing(async (shown) => {
      const first = await ask(path, shown);
      const items = [...first[name]];
      for (let { next } = first; next;) {
        const page = await ask(`${path}&after=${next}`, shown);
        items.push(...page[name]);
        ({ next } = page);
      }
      return { ...first, items };
    });
  }
}
