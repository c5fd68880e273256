// How does a learner's page talk to a node? In a session that begins without any key; each key is
// proven by its own signature over the session's nonce, and the node tells what those keys hold.

import { ask, askFile, bearer, tell } from "../node_api.js";
import { holderSessionMessage } from "../protocol/typed_data.js";

/** Consents, or requests, that one answer has at most. */
const PAGE_MAX = 100;
/** Uses that one answer has at most. */
const USES_MAX = 1_000;

/** A session of a node; whose keys it proves, and how, say the classes that extend it. */
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

  end() {
    this.#begun = null;
  }

  /** What a key signs to prove itself to this session. */
  get message() {
    return holderSessionMessage(this.#chainId, this.#begun.nonce);
  }

  /** Proves keys, each {holder, signature}; whether each holds a consent there. */
  async askKnown(holders) {
    const shown = bearer(this.#begun.token);
    return (await tell(`${this.node}/v1/me/holders`, { holders }, shown)).known;
  }

  /** What the node holds for the keys proven, as of the first page that it answers. */
  async consents() {
    const answer = await this.#readPages("consents", PAGE_MAX);
    return { ...answer, consents: answer.items };
  }

  /** Who used data behind the consents found, as far as the node knows; the oldest first. */
  async uses() {
    return (await this.#readPages("uses", USES_MAX)).items;
  }

  /** What was asked with the keys found, and what became of it; the newest first. */
  async requests() {
    return (await this.#readPages("requests", PAGE_MAX)).items;
  }

  /** Asks for a consent's erasure ("erasures") or objects to its use ("objections"). */
  askFor(kind, body) {
    return this.#withSession((shown) => tell(`${this.node}/v1/me/${kind}`, body, shown));
  }

  /** Everything that the node holds for the keys found: a Blob of "json" or "pdf". */
  exported(format) {
    const path = `${this.node}/v1/me/export?format=${format}`;
    return this.#withSession((shown) => askFile(path, shown));
  }

  /** Runs an act that shows the session's token; once more if the node has lost this session, in
   * another one that `proveAgain` begins and proves the same keys to. */
  async #withSession(act) {
    try {
      return await act(bearer(this.#begun.token));
    } catch (error) {
      if (error.slug !== "session-refused") throw error;
    }
    await this.proveAgain();
    return act(bearer(this.#begun.token));
  }

  /** All pages of a list in one answer, which is as of the first of them. */
  #readPages(name, limit) {
    const path = `${this.node}/v1/me/${name}?limit=${limit}`;
    return this.#withSession(async (shown) => {
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
