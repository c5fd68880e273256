// How does a wallet's account sign in? By a message of EIP-4361 that the wallet shows as text.

import { getAddress } from "viem/utils";

import { tell } from "../node_api.js";
import { signText } from "../wallets.js";

/** A session of the account; `more` is an invitation, or the organisation if there are several. */
export async function signInByAccount(wallet, account, more) {
  const asked = await tell("/v1/sign-in/ethereum/nonce");
  const message = messageOf(asked, getAddress(account), new Date());
  const signature = await signText(wallet, account, message);
  return tell("/v1/sign-in/ethereum", { message, signature, ...more });
}

function messageOf(asked, address, now) {
  return [
    `${asked.domain} wants you to sign in with your Ethereum account:`,
    address,
    "",
    asked.statement,
    "",
    `URI: ${asked.uri}`,
    `Version: ${asked.version}`,
    `Chain ID: ${asked.chainId}`,
    `Nonce: ${asked.nonce}`,
    `Issued At: ${now.toISOString()}`,
  ].join("\n");
}
