// Which DID is a key's, and what does a credential say? The rules of protocol/did_key.py and
// protocol/assurance.py: did:key of the codec jwk_jcs-pub, ES256 and ES256K, credentials as JWT.

import { secp256k1 } from "@noble/curves/secp256k1.js";

import { concatBytes, fromHex, toHex, toNumber, utf8ToBytes } from "./bytes.js";
import { canonicalise } from "./canonical.js";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** The multicodec jwk_jcs-pub, 0xeb51, as a varint. */
const JWK_JCS_PUB = fromHex("0xd1d603");
const DID_KEY = "did:key:z";
const P256 = { name: "ECDSA", namedCurve: "P-256" };
const ES256 = { name: "ECDSA", hash: "SHA-256" };

/** The did:key of a JSON Web Key, of which only the public parts are read. */
export function didOfKey({ crv, kty, x, y }) {
  return DID_KEY + base58(concatBytes(JWK_JCS_PUB, utf8ToBytes(canonicalise({ crv, kty, x, y }))));
}

/** Whether a DID has its key in itself, so that every node can check what it signed. */
export function isDidKey(did) {
  return did.startsWith(DID_KEY);
}

/** A new private key on P-256 as a JSON Web Key. */
export async function makeKey() {
  const { privateKey } = await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  const { crv, kty, x, y, d } = await crypto.subtle.exportKey("jwk", privateKey);
  return { crv, kty, x, y, d };
}

/** The 64-byte signature r | s of a private JSON Web Key over SHA-256 of a message. Throws for what
 * is no key on P-256 or secp256k1. */
export async function signWithKey({ crv, kty, x, y, d }, message) {
  if (crv === "secp256k1") return secp256k1.sign(message, fromBase64Url(d));
  const jwk = { crv, kty, x, y, d };
  const key = await crypto.subtle.importKey("jwk", jwk, P256, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign(ES256, key, message));
}

/** Who says a credential, and about whom: {issuer, subject}; null if it is no JWT that says both.
 * Its signature is the node's to judge. */
export function readCredential(token) {
  const parts = token.split(".");
  try {
    const { iss, sub } = JSON.parse(new TextDecoder().decode(fromBase64Url(parts[1])));
    const isWhole = parts.length === 3 && typeof iss === "string" && typeof sub === "string";
    return isWhole ? { issuer: iss, subject: sub } : null;
  } catch {
    return null;
  }
}

function fromBase64Url(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (each) => each.charCodeAt(0));
}

function base58(bytes) {
  let text = "";
  for (let rest = toNumber(bytes); rest > 0n; rest /= 58n) text = ALPHABET[rest % 58n] + text;
  return text;
}
