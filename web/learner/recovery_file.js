// What is a recovery file? A random seed under a passphrase, for whoever has neither a wallet nor a
// passkey that can make keys:
//   {kind, version, operator, chainId, salt, nonce, sealed}
// sealed is the seed, bound to operator and chain.

import { PageProblem } from "../problems.js";
import { lock, random, readLocked, unlock } from "./locked_file.js";

const KIND = "ptx-ledger recovery file";
const VERSION = 1;
const SEED_LENGTH = 32;

/** The text of a new file, with a seed that exists nowhere else. */
export async function makeRecoveryFile(passphrase, { did, chainId }) {
  const seed = random(SEED_LENGTH);
  const head = { kind: KIND, version: VERSION, operator: did, chainId };
  const text = await lock(head, seed, passphrase);
  seed.fill(0);
  return text;
}

/** The seed in a file's text, 32 bytes. Throws PageProblem for what is no such file, for one of
 * another operator, and for a wrong passphrase. */
export function seedOfFile(text, passphrase, { did, chainId }) {
  const file = parts(text);
  if (file.head.operator !== did || file.head.chainId !== chainId) {
    throw new PageProblem("fileOfAnother", { operator: file.head.operator });
  }
  return unlock(file, passphrase);
}

/** The same seed in another file, under another passphrase: the text of that file. Throws
 * PageProblem for what is no such file, and for a wrong passphrase. */
export async function relockFile(text, passphrase, newPassphrase) {
  const file = parts(text);
  const seed = await unlock(file, passphrase);
  const relocked = await lock(file.head, seed, newPassphrase);
  seed.fill(0);
  return relocked;
}

function parts(text) {
  try {
    const file = readLocked(text);
    if (file.head.kind !== KIND || file.head.version !== VERSION) throw new TypeError("kind");
    return file;
  } catch {
    throw new PageProblem("fileUnreadable");
  }
}
