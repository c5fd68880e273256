// How is a secret kept in a file? By AES-256-GCM, bound to what else the file says, under scrypt of
// a passphrase:
//   {...head, salt, nonce, sealed}

import { scryptAsync } from "@noble/hashes/scrypt.js";

import { PageProblem } from "../problems.js";
import { fromHex, toHex, utf8ToBytes } from "../protocol/bytes.js";
import { canonicalise } from "../protocol/canonical.js";

export const PASSPHRASE_LENGTH_MIN = 12;

const SALT_LENGTH = 16;
const NONCE_LENGTH = 12;
/** 32 MiB and a second or two on a telephone; one of the settings that OWASP names. */
const SCRYPT = { N: 2 ** 15, r: 8, p: 3, dkLen: 32 };

/** The text of a file with this head and these secret bytes. */
export async function lock(head, secret, passphrase) {
  const salt = random(SALT_LENGTH);
  const nonce = random(NONCE_LENGTH);
  const key = await keyOf(passphrase, salt);
  const sealed = new Uint8Array(await crypto.subtle.encrypt(cipher(nonce, head), key, secret));
  const file = { ...head, salt: toHex(salt), nonce: toHex(nonce), sealed: toHex(sealed) };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** The parts of a file's text, {head, salt, nonce, sealed}; throws for what is no such file. */
export function readLocked(text) {
  const { salt, nonce, sealed, ...head } = JSON.parse(text);
  return { head, salt: fromHex(salt), nonce: fromHex(nonce), sealed: fromHex(sealed) };
}

/** The secret bytes. Throws PageProblem for a wrong passphrase. */
export async function unlock({ head, salt, nonce, sealed }, passphrase) {
  const key = await keyOf(passphrase, salt);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(cipher(nonce, head), key, sealed));
  } catch {
    throw new PageProblem("wrongPassphrase");
  }
}

/** That many random bytes. */
export function random(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

async function keyOf(passphrase, salt) {
  // One passphrase is one sequence of bytes, however a keyboard composes its accents.
  const bytes = await scryptAsync(utf8ToBytes(passphrase.normalize("NFKC")), salt, SCRYPT);
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function cipher(iv, head) {
  return { name: "AES-GCM", iv, additionalData: utf8ToBytes(canonicalise(head)) };
}
