// How do bytes, 0x-hexadecimal text and whole numbers turn into one another?

import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

export { concatBytes, utf8ToBytes };

/** Bytes as 0x-hexadecimal text, lower case. */
export function toHex(bytes) {
  return `0x${bytesToHex(bytes)}`;
}

/** The bytes in 0x-hexadecimal text; throws for anything else. */
export function fromHex(text) {
  if (typeof text !== "string" || !text.startsWith("0x")) {
    throw new TypeError("expected text that begins with 0x");
  }
  return hexToBytes(text.slice(2));
}

/** Big-endian bytes as a BigInt. */
export function toNumber(bytes) {
  return bytes.length === 0 ? 0n : BigInt(toHex(bytes));
}

/** A non-negative number as `length` big-endian bytes. */
export function numberToBytes(number, length) {
  return hexToBytes(number.toString(16).padStart(2 * length, "0"));
}

/** Whether two byte strings are the same; takes as long for equal as for unequal ones. */
export function isEqual(one, other) {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let i = 0; i < one.length; i += 1) difference |= one[i] ^ other[i];
  return difference === 0;
}
