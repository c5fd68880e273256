// What does the entry of a consent say, and which leaf stands for it on the ledger?
//   type(1) | version(1) | agreementId(32) | issuer(20) | holder(20)
//   | validFrom(8) | validUntil(8) | commitment(33)            123 bytes, big-endian
// The same as protocol/entries.py. The leaf is SHA-256(0x00 | entry).

import { sha256 } from "@noble/hashes/sha2.js";

import { concatBytes, fromHex, numberToBytes, toHex, toNumber } from "./bytes.js";

export const ENTRY_LENGTH = 123;

/** The parts of an entry's 123 bytes; null if they are no entry. */
export function decodeEntry(bytes) {
  if (bytes.length !== ENTRY_LENGTH || bytes[0] !== 1 || bytes[1] !== 1) return null;
  return {
    agreementId: toHex(bytes.subarray(2, 34)),
    issuer: toHex(bytes.subarray(34, 54)),
    holder: toHex(bytes.subarray(54, 74)),
    validFrom: toNumber(bytes.subarray(74, 82)),
    validUntil: toNumber(bytes.subarray(82, 90)),
    commitment: toHex(bytes.subarray(90)),
  };
}

/** The 123 bytes of an entry with these parts. */
export function encodeEntry(entry) {
  const { agreementId, issuer, holder, validFrom, validUntil, commitment } = entry;
  return concatBytes(
    Uint8Array.of(1, 1),
    fromHex(agreementId),
    fromHex(issuer),
    fromHex(holder),
    numberToBytes(validFrom, 8),
    numberToBytes(validUntil, 8),
    fromHex(commitment),
  );
}

/** The leaf of an entry's bytes, 0x-hex. */
export function leafOf(bytes) {
  return toHex(sha256(concatBytes(Uint8Array.of(0), bytes)));
}
