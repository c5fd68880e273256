// Is a wallet's signature that of an ordinary account, and so a good seed? Recovery alone tells.

import { fromHex, toHex } from "../protocol/bytes.js";
import { seedOfSignature } from "../protocol/holder_keys.js";
import { isLowS, recoverSigner } from "../protocol/signatures.js";
import { digestOf, holderSeedMessage } from "../protocol/typed_data.js";
import { PageProblem } from "../problems.js";
import { signTypedData } from "../wallets.js";

/** Asks for one signature; the seed, 64 bytes. Throws PageProblem for a contract wallet. */
export async function askForSeed(wallet, account, { did, chainId }) {
  const signature = await askForSignature(wallet, account, holderSeedMessage(did, chainId));
  const seed = seedOfSignature(signature);
  signature.fill(0);
  return seed;
}

/** The account's own signature under a message, 0x-hex as the ledger takes it. Throws PageProblem
 * for a contract wallet. */
export async function signByAccount(wallet, account, message) {
  return toHex(await askForSignature(wallet, account, message));
}

async function askForSignature(wallet, account, message) {
  const signature = bytesOf(await signTypedData(wallet, account, message));
  // A contract wallet may answer with the 65 bytes of one of its owners: only recovery tells.
  const isOrdinary =
    signature !== null &&
    isLowS(signature) &&
    recoverSigner(digestOf(message), signature) === account.toLowerCase();
  if (!isOrdinary) throw new PageProblem("contractWallet");
  return signature;
}

function bytesOf(signature) {
  try {
    return fromHex(signature);
  } catch {
    return null;
  }
}
