// How does a key on secp256k1 sign 32 bytes, and whose signature is it?
// The rules of protocol/signatures.py: r | s | v, 65 bytes, s in the lower half, v 27 or 28.

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";

import { concatBytes, toHex, toNumber } from "./bytes.js";

export const CURVE_ORDER = secp256k1.Point.Fn.ORDER;
export const SIGNATURE_LENGTH = 65;
const V_OF_ZERO = 27;

/** The address of a 32-byte secret key, 0x-hex in lower case. */
export function addressOf(secret) {
  return addressOfPoint(secp256k1.getPublicKey(secret, false));
}

/** Sign 32 bytes: 65 bytes r | s | v, with the nonce of RFC 6979. */
export function signDigest(secret, digest) {
  const signed = secp256k1.sign(digest, secret, { prehash: false, format: "recovered" });
  return concatBytes(signed.subarray(1), Uint8Array.of(V_OF_ZERO + signed[0]));
}

/** The address that signed, or null where length, r, s or v are wrong or no key fits. */
export function recoverSigner(digest, signature) {
  const recovery = signature[64] - V_OF_ZERO;
  if (!isLowS(signature) || (recovery !== 0 && recovery !== 1)) return null;
  const recovered = concatBytes(Uint8Array.of(recovery), signature.subarray(0, 64));
  try {
    const point = secp256k1.recoverPublicKey(recovered, digest, { prehash: false });
    return addressOfPoint(secp256k1.Point.fromBytes(point).toBytes(false));
  } catch {
    return null;
  }
}

/** Whether length, r and s are those of a low-s signature. */
export function isLowS(signature) {
  if (signature.length !== SIGNATURE_LENGTH) return false;
  const r = toNumber(signature.subarray(0, 32));
  const s = toNumber(signature.subarray(32, 64));
  return r > 0n && r < CURVE_ORDER && s > 0n && s <= CURVE_ORDER / 2n;
}

function addressOfPoint(uncompressed) {
  return toHex(keccak_256(uncompressed.subarray(1)).subarray(12));
}
