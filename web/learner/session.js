// Which of the learner's one-time keys hold a consent at this node, and what do they hold?
//
// Keys are derived when needed and wiped at once; only the seed stays, in memory. Each key signs
// the session's nonce by itself, so the node learns addresses and signatures and nothing else.

import { ask, bearer, tell } from "../node_api.js";
import { isEqual, toHex } from "../protocol/bytes.js";
import { SCAN_GAP, deriveHolderKey } from "../protocol/holder_keys.js";
import { addressOf, signDigest } from "../protocol/signatures.js";
import { digestOf, holderSessionMessage } from "../protocol/typed_data.js";

/** Keys that one session of a node holds at most. */
const KEYS_MAX = 1_000;
/** Consents that one answer has at most. */
const PAGE_MAX = 100;
/** Keys that one request proves at most. */
const BATCH_MAX = 100;

/** The learner at this node, for as long as the page is open. */
export class LearnerSession {
  #seed;
  #chainId;
  #session = null;
  #indices = new Map();

  constructor(seed, chainId) {
    this.#seed = seed;
    this.#chainId = chainId;
  }

  /** Tries keys in order until 20 in a row are unused; `onProgress(count)` after each batch.
   *
   * Returns {known, tried, complete}: keys that hold a consent, keys tried, and whether the scan
   * came to its end before the session was full.
   */
  async scan(onProgress) {
    await this.#begin();
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
    try {
      return await this.#readPages();
    } catch (error) {
      if (error.slug !== "session-refused") throw error;
    }
    await this.#begin();
    const indices = [...this.#indices.values()];
    for (let start = 0; start < indices.length; start += BATCH_MAX) {
      await this.#prove(indices.slice(start, start + BATCH_MAX));
    }
    return this.#readPages();
  }

  /** All pages in one answer, which is as of the first of them. */
  async #readPages() {
    const path = `/v1/me/consents?limit=${PAGE_MAX}`;
    const first = await ask(path, bearer(this.#session.token));
    const consents = [...first.consents];
    for (let next = first.next; next;) {
      const page = await ask(`${path}&after=${next}`, bearer(this.#session.token));
      consents.push(...page.consents);
      next = page.next;
    }
    return { ...first, consents, next: null };
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

  async #begin() {
    this.#session = await tell("/v1/me/session");
  }

  async #prove(indices) {
    const digest = digestOf(holderSessionMessage(this.#chainId, this.#session.nonce));
    const holders = indices.map((index) =>
      this.#withKey(index, (secret) => ({
        holder: addressOf(secret),
        signature: toHex(signDigest(secret, digest)),
      })),
    );
    const { known } = await tell("/v1/me/holders", { holders }, bearer(this.#session.token));
    holders.forEach(({ holder }, place) => {
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
