// Which one-time keys belong to a learner? The rules of protocol/holder_keys.py:
//   key_i = 1 + HKDF-SHA256(seed, salt "", "ptx-ledger/holder/v1" | uint32 i, 48) mod (n - 1)
//   as guardian: the same with the info "ptx-ledger/guardian/v1" | holder(20)

import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { concatBytes, fromHex, numberToBytes, toNumber, utf8ToBytes } from "./bytes.js";
import { CURVE_ORDER } from "./signatures.js";

/** Unused keys in a row after which a scan ends. */
export const SCAN_GAP = 20;

const KEY_LABEL = utf8ToBytes("ptx-ledger/holder/v1");
const GUARDIAN_LABEL = utf8ToBytes("ptx-ledger/guardian/v1");
const KEY_MATERIAL_LENGTH = 48;
const SEED_LENGTHS = [32, 64];
const INDEX_MAX = 2 ** 32 - 1;

/** The seed in a wallet's 65-byte low-s signature: r | s, 64 bytes. */
export function seedOfSignature(signature) {
  return signature.slice(0, 64);
}

/** The salt for which a passkey's PRF gives the seed for one operator, 32 bytes; the seed is what
 * it evaluates to. `operatorId` is 0x-hex. */
export function passkeySalt(chainId, operatorId) {
  return sha256(concatBytes(KEY_LABEL, numberToBytes(chainId, 8), fromHex(operatorId)));
}

/** The secret key number `index` of a seed, 32 bytes. */
export function deriveHolderKey(seed, index) {
  if (!Number.isInteger(index) || index < 0 || index > INDEX_MAX) {
    throw new RangeError(`the key number ${index}`);
  }
  return derive(seed, concatBytes(KEY_LABEL, numberToBytes(index, 4)));
}

/** The secret key, 32 bytes, by which the owner of a seed signs as guardian along with a holder,
 * whose address is 0x-hex: another one for each consent. */
export function deriveGuardianKey(seed, holder) {
  return derive(seed, concatBytes(GUARDIAN_LABEL, fromHex(holder)));
}

function derive(seed, info) {
  if (!SEED_LENGTHS.includes(seed.length)) {
    throw new RangeError(`a seed of ${seed.length} bytes`);
  }
  const material = hkdf(sha256, seed, undefined, info, KEY_MATERIAL_LENGTH);
  return numberToBytes(1n + (toNumber(material) % (CURVE_ORDER - 1n)), 32);
}
