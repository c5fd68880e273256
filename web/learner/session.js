// Which of the learner's one-time keys hold a consent at this node, and what do they hold?
//
// Keys are derived when needed and wiped at once; only the seed stays, in memory. Each key signs
// the session's nonce by itself, so the node learns addresses and signatures and nothing else.

import { ask, askFile, bearer, tell } from "../node_api.js";
import { isEqual, toHex } from "../protocol/bytes.js";
import { SCAN_GAP, deriveHolderKey } from "../protocol/holder_keys.js";
import { addressOf, signDigest } from "../protocol/signatures.js";
import { digestOf, holderSessionMessage } from "../protocol/typed_data.js";

/** Keys that one session of a node holds at most. */
const KEYS_MAX = 1_000;
/** Consents that one answer has at most. */
const PAGE_MAX = 100;
/** Uses that one answer has at most. */
const USES_MAX = 1_000;
/** Keys that one request proves at most. */
const BATCH_MAX = 100;

/** The learner at one node, for as long as the page is open. */
export class LearnerSession {
  #seed;
  #chainId;
  #session = null;
  #indices = new Map();

  /** `node` is the address of the node that is asked; without one it is the page's own. */
  constructor(seed, chainId, node = "") {
    this.#seed = seed;
    this.#chainId = chainId;
    this.node = node;
  }

  /** Whether nobody is asked, since a file has told everything. */
  get isFiled() {
    return false;
  }

  /** Tries keys in order until 20 in a row are unused; `onProgress(count)` after each batch.
   *
   * Returns {known, tried, complete}: keys that hold a consent, keys tried, and whether the scan
   * came to its end before the session was full.
   */
  async scan(onProgress) {
    if (this.#session === null) await this.begin();
    try {
      return await this.#tryKeys(onProgress);
    } catch (error) {
      if (error.slug !== "session-refused") throw error;
    }
    await this.begin();
    return this.#tryKeys(onProgress);
  }

  async #tryKeys(onProgress) {
    let tried = 0;
    let end = SCAN_GAP;
    while (tried < end) {
      const batch = range(tried, Math.min(end, tried + BATCH_MAX));
      const known = await this.#prove(batch);
      tried += batch.length;
      const last = batch.filter((_, place) => known[place]).at(-1);
      if (last !== undefined) end = Math.min(last + 1 + SCAN_GAP, KEYS_MAX);
      onProgress(tried);
    }
    const last = Math.max(-1, ...this.#indices.values());
    return { known: this.#indices.size, tried, complete: tried >= last + 1 + SCAN_GAP };
  }

  /** What the node holds for the keys found; begins a new session if the node lost this one. */
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

  /** Runs an act that shows the session's token; once more, in a new session that has proven the
   * same keys, if the node has lost this one. */
  async #withSession(act) {
    try {
      return await act(bearer(this.#session.token));
    } catch (error) {
      if (error.slug !== "session-refused") throw error;
    }
    await this.begin();
    const indices = [...this.#indices.values()];
    for (let start = 0; start < indices.length; start += BATCH_MAX) {
      await this.#prove(indices.slice(start, start + BATCH_MAX));
    }
    return act(bearer(this.#session.token));
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

  /** Whether this is the session's seed; the given one is wiped. */
  isMadeFrom(seed) {
    const isSame = isEqual(this.#seed, seed);
    seed.fill(0);
    return isSame;
  }

  /** Whether the address is that of a key found here. */
  holds(address) {
    return this.#indices.has(address);
  }

  /** The 65-byte signature, 0x-hex, of the key with this address over a digest. */
  sign(address, digest) {
    return this.#withKey(this.#indices.get(address), (secret) => toHex(signDigest(secret, digest)));
  }

  /** What `use(secret)` makes with the key that has this address. */
  withKey(address, use) {
    return this.#withKey(this.#indices.get(address), use);
  }

  /** What `use(secret)` makes with each of `count` keys that come after the last one in use. */
  withUnusedKeys(count, use) {
    const first = Math.max(-1, ...this.#indices.values()) + 1;
    return range(first, first + count).map((index, place) =>
      this.#withKey(index, (secret) => use(secret, place)),
    );
  }

  /** Wipes the seed. The session object is of no use afterwards. */
  forget() {
    this.#seed.fill(0);
    this.#seed = new Uint8Array(0);
    this.#session = null;
    this.#indices.clear();
  }

  /** Begins a session at the node. */
  async begin() {
    this.#session = await tell(`${this.node}/v1/me/session`);
  }

  /** What shows the node that somebody has this key. */
  proofOf(secret) {
    const digest = digestOf(holderSessionMessage(this.#chainId, this.#session.nonce));
    return { holder: addressOf(secret), signature: toHex(signDigest(secret, digest)) };
  }

  /** Which of the keys hold a consent, in their order. */
  async askKnown(proofs) {
    const shown = bearer(this.#session.token);
    return (await tell(`${this.node}/v1/me/holders`, { holders: proofs }, shown)).known;
  }

  async #prove(indices) {
    const prove = (secret) => this.proofOf(secret);
    const proofs = indices.map((index) => this.#withKey(index, prove));
    const known = await this.askKnown(proofs);
    proofs.forEach(({ holder }, place) => {
      if (known[place]) this.#indices.set(holder, indices[place]);
    });
    return known;
  }

  #withKey(index, use) {
    const secret = deriveHolderKey(this.#seed, index);
    try {
      return use(secret);
    } finally {
      secret.fill(0);
    }
  }
}

function range(start, end) {
  return Array.from({ length: end - start }, (_, place) => start + place);
}
