// What is an identity file? The private key of a learner's DID under a passphrase:
//   {kind, version, did, salt, nonce, sealed}
// sealed is a JSON Web Key, bound to the DID. Such a key without a lock is taken as well: what
// another program keeps is not always a file of ours.

import { PageProblem } from "../problems.js";
import { toHex, utf8ToBytes } from "../protocol/bytes.js";
import { didOfKey, makeKey, signWithKey } from "../protocol/identities.js";
import { lock, readLocked, unlock } from "./locked_file.js";

const KIND = "ptx-ledger identity file";
const VERSION = 1;

/** A new key: {text, did}, the text of its file and its DID. */
export async function makeIdentityFile(passphrase) {
  const key = await makeKey();
  const did = didOfKey(key);
  const head = { kind: KIND, version: VERSION, did };
  return { text: await lock(head, utf8ToBytes(JSON.stringify(key)), passphrase), did };
}

/** The identity in a file's text: {did, sign(message)}. Throws PageProblem for what is no such
 * file, and for a wrong passphrase. */
export async function openIdentity(text, passphrase) {
  const key = await keyIn(text, passphrase);
  const sign = async (message) => toHex(await signWithKey(key, message));
  try {
    await sign(new Uint8Array(0));
    return { did: didOfKey(key), sign };
  } catch {
    throw new PageProblem("identityUnreadable");
  }
}

async function keyIn(text, passphrase) {
  let locked;
  try {
    const value = JSON.parse(text);
    if (value.kty === "EC") return value;
    locked = readLocked(text);
    if (locked.head.kind !== KIND || locked.head.version !== VERSION) throw new TypeError("kind");
  } catch {
    throw new PageProblem("identityUnreadable");
  }
  return JSON.parse(new TextDecoder().decode(await unlock(locked, passphrase)));
}
