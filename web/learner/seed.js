// Is the wallet's signature a good seed? Only if an ordinary account's key made it.

import { fromHex } from "../protocol/bytes.js";
import { seedOfSignature } from "../protocol/holder_keys.js";
import { isLowS, recoverSigner } from "../protocol/signatures.js";
import { digestOf, holderSeedMessage } from "../protocol/typed_data.js";
import { PageProblem } from "../problems.js";
import { signTypedData } from "../wallets.js";

/** Asks for one signature; the seed, 64 bytes. Throws PageProblem for a contract wallet. */
export async function askForSeed(wallet, account, { did, chainId }) {
  const message = holderSeedMessage(did, chainId);
  const signature = bytesOf(await signTypedData(wallet, account, message));
  // A contract wallet may answer with the 65 bytes of one of its owners: only recovery tells.
  const isOrdinary =
    signature !== null &&
    isLowS(signature) &&
    recoverSigner(digestOf(message), signature) === account.toLowerCase();
  if (!isOrdinary) throw new PageProblem("contractWallet");
  const seed = seedOfSignature(signature);
  signature.fill(0);
  return seed;
}

function bytesOf(signature) {
  try {
    return fromHex(signature);
  } catch {
    return null;
  }
}
