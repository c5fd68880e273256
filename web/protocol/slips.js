// What is a withdrawal slip? A withdrawal signed at grant time, for whoever carries it:
//   "PTX1" | chainId(8) | registry(20) | entry(123) | signature(65)      220 bytes, big-endian
// The same as protocol/slip.py. As text, in a file or a QR code, it is 0x-hexadecimal.

import {
  concatBytes,
  fromHex,
  isEqual,
  numberToBytes,
  toHex,
  toNumber,
  utf8ToBytes,
} from "./bytes.js";
import { decodeEntry, leafOf } from "./entries.js";
import { recoverSigner, signDigest } from "./signatures.js";
import { digestOf, withdrawalMessage } from "./typed_data.js";

const MAGIC = utf8ToBytes("PTX1");
export const SLIP_LENGTH = 220;

/** The slip's 220 bytes for the consent with this entry (123 bytes), signed by its holder's key. */
export function makeSlip(entry, secret, chainId, registry) {
  const digest = digestOf(withdrawalMessage(leafOf(entry), chainId, registry));
  const ledger = [numberToBytes(chainId, 8), fromHex(registry)];
  return concatBytes(MAGIC, ...ledger, entry, signDigest(secret, digest));
}

/** What a slip's bytes say: {chainId, registry, entry, leaf, isSigned}; null if they are no slip.
 * `entry` has the parts, `isSigned` whether the consent's holder signed. */
export function readSlip(bytes) {
  if (bytes.length !== SLIP_LENGTH || !isEqual(bytes.subarray(0, 4), MAGIC)) return null;
  const chainId = Number(toNumber(bytes.subarray(4, 12)));
  const registry = toHex(bytes.subarray(12, 32));
  const encoded = bytes.subarray(32, 155);
  const entry = decodeEntry(encoded);
  if (entry === null) return null;
  const leaf = leafOf(encoded);
  const digest = digestOf(withdrawalMessage(leaf, chainId, registry));
  const isSigned = recoverSigner(digest, bytes.subarray(155)) === entry.holder;
  return { chainId, registry, entry, leaf, isSigned };
}
