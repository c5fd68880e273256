// What is a recovery file? A random seed under a passphrase, for whoever has neither a wallet nor a
// passkey that can make keys:
//   {kind, version, operator, chainId, salt, nonce, sealed}
// sealed is AES-256-GCM of the seed, bound to operator and chain, under scrypt of the passphrase.

import { scryptAsync } from "@noble/hashes/scrypt.js";

import { PageProblem } from "../problems.js";
import { fromHex, toHex, utf8ToBytes } from "../protocol/bytes.js";
import { canonicalise } from "../protocol/canonical.js";

export const PASSPHRASE_LENGTH_MIN = 12;

const KIND = "ptx-ledger recovery file";
const VERSION = 1;
const SEED_LENGTH = 32;
const SALT_LENGTH = 16;
const NONCE_LENGTH = 12;
/** 32 MiB and a second or two on a telephone; one of the settings that OWASP names. */
const SCRYPT = { N: 2 ** 15, r: 8, p: 3, dkLen: 32 };

/** The text of a new file, with a seed that exists nowhere else. */
export async function makeRecoveryFile(passphrase, { did, chainId }) {
  const seed = random(SEED_LENGTH);
  const salt = random(SALT_LENGTH);
  const nonce = random(NONCE_LENGTH);
  const head = { kind: KIND, version: VERSION, operator: did, chainId };
  const key = await keyOf(passphrase, salt);
  const sealed = new Uint8Array(await crypto.subtle.encrypt(cipher(nonce, head), key, seed));
  seed.fill(0);
  const file = { ...head, salt: toHex(salt), nonce: toHex(nonce), sealed: toHex(sealed) };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** The seed in a file's text, 32 bytes. Throws PageProblem for what is no such file, for one of
 * another operator, and for a wrong passphrase. */
export async function seedOfFile(text, passphrase, { did, chainId }) {
  const { head, salt, nonce, sealed } = parts(text);
  if (head.operator !== did || head.chainId !== chainId) {
    throw new PageProblem("fileOfAnother", { operator: head.operator });
  }
  const key = await keyOf(passphrase, salt);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(cipher(nonce, head), key, sealed));
  } catch {
    throw new PageProblem("wrongPassphrase");
  }
}

function parts(text) {
  try {
    const { salt, nonce, sealed, ...head } = JSON.parse(text);
    if (head.kind !== KIND || head.version !== VERSION) throw new TypeError(`kind ${head.kind}`);
    return { head, salt: fromHex(salt), nonce: fromHex(nonce), sealed: fromHex(sealed) };
  } catch {
    throw new PageProblem("fileUnreadable");
  }
}

async function keyOf(passphrase, salt) {
  // One passphrase is one sequence of bytes, however a keyboard composes its accents.
  const bytes = await scryptAsync(utf8ToBytes(passphrase.normalize("NFKC")), salt, SCRYPT);
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function cipher(iv, head) {
  return { name: "AES-GCM", iv, additionalData: utf8ToBytes(canonicalise(head)) };
}

function random(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}
