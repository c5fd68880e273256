// Which of the learner's one-time keys hold a consent at a node, and what do they hold?
//
// Keys are derived when needed and wiped at once; only the seed stays, in memory. Each key signs
// the session's nonce by itself, so the node learns addresses and signatures and nothing else.

import { isEqual, toHex } from "../protocol/bytes.js";
import { SCAN_GAP, deriveGuardianKey, deriveHolderKey } from "../protocol/holder_keys.js";
import { signerOf } from "../protocol/records.js";
import { addressOf, signDigest } from "../protocol/signatures.js";
import { digestOf } from "../protocol/typed_data.js";
import { NodeSession } from "./node_session.js";

/** Keys that one session of a node holds at most. */
const KEYS_MAX = 1_000;
/** Keys that one request proves at most. */
const BATCH_MAX = 100;

/** The learner at one node, for as long as the page is open. */
export class LearnerSession extends NodeSession {
  #seed;
  #indices = new Map();
  /** Nobody is asked before a key signs. */
  isSilent = true;

  /** `node` is the address of the node that is asked; without one it is the page's own. */
  constructor(seed, chainId, node = "") {
    super(chainId, node);
    this.#seed = seed;
  }

  /** Tries keys in order until 20 in a row are unused; `onProgress(count)` after each batch.
   *
   * Returns {known, tried, complete}: keys that hold a consent, keys tried, and whether the scan
   * came to its end before the session was full.
   */
  async scan(onProgress) {
    if (!this.isBegun) await this.begin();
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
    return { known: this.#indices.size, tried, complete: tried >= this.#firstUnused + SCAN_GAP };
  }

  /** Begins another session and proves the keys found to it. */
  async proveAgain() {
    await this.begin();
    const indices = [...this.#indices.values()];
    for (let start = 0; start < indices.length; start += BATCH_MAX) {
      await this.#prove(indices.slice(start, start + BATCH_MAX));
    }
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

  /** The 65-byte signature, 0x-hex, of the key with this address under a message. */
  sign(address, message) {
    return this.withKey(address, (secret) => toHex(signDigest(secret, digestOf(message))));
  }

  /** What `use(secret)` makes with the key that has this address. */
  withKey(address, use) {
    return this.#withKey(this.#indices.get(address), use);
  }

  /** The address of the next key that is not in use: it tells one seed from another. */
  get nextAddress() {
    return this.#withKey(this.#firstUnused, addressOf);
  }

  /** As many keys as asked for that come after the last one in use; who takes them wipes them. */
  takeSigners(count) {
    const first = this.#firstUnused;
    return range(first, first + count).map((index) => signerOf(deriveHolderKey(this.#seed, index)));
  }

  /** The key by which this person signs as guardian along with a holder; to be wiped, too. */
  takeGuardian(holder) {
    return signerOf(deriveGuardianKey(this.#seed, holder));
  }

  /** Wipes the seed. The session object is of no use afterwards. */
  forget() {
    this.#seed.fill(0);
    this.#seed = new Uint8Array(0);
    this.end();
    this.#indices.clear();
  }

  /** What shows the node that somebody has this key. */
  proofOf(secret) {
    const signature = toHex(signDigest(secret, digestOf(this.message)));
    return { holder: addressOf(secret), signature };
  }

  get #firstUnused() {
    return Math.max(-1, ...this.#indices.values()) + 1;
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
