// How is a document committed to without telling it? The rules of protocol/commitments.py:
//   (digest mod n)*G + blinding*H on secp256k1, where nobody knows the logarithm of H to the base G

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { concatBytes, numberToBytes, toNumber } from "./bytes.js";
import { CURVE_ORDER } from "./signatures.js";

const { Point } = secp256k1;
const RANDOMNESS_LENGTH = 48;
const EVEN_Y = Uint8Array.of(2);

/** The second generator, whose x is SHA-256 of the uncompressed G (BIP-341). */
const H = Point.fromBytes(concatBytes(EVEN_Y, sha256(Point.BASE.toBytes(false))));

/** The commitment to a 32-byte digest under a 32-byte blinding: a compressed point, 33 bytes. */
export function commit(digest, blinding) {
  const scalar = toNumber(digest) % CURVE_ORDER;
  const hidden = H.multiply(toNumber(blinding));
  return (scalar === 0n ? hidden : hidden.add(Point.BASE.multiply(scalar))).toBytes(true);
}

/** A new blinding, 32 bytes; so close to uniform in 1 to n - 1 that nobody can tell. */
export function makeBlinding() {
  const randomness = crypto.getRandomValues(new Uint8Array(RANDOMNESS_LENGTH));
  return numberToBytes(1n + (toNumber(randomness) % (CURVE_ORDER - 1n)), 32);
}
