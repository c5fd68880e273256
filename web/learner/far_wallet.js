// A wallet on another device, by WalletConnect. The node's operator brings the script that speaks
// with the relay (`PTX_WALLETCONNECT_SCRIPT`); it is loaded when the learner asks for it and no
// sooner. It is a module whose default export is
//   async ({projectId, chainId, onUri}) => a provider (EIP-1193)
// and which calls `onUri(uri)` with what the other device is to scan.

import { byId } from "../dom.js";
import { PageProblem } from "../problems.js";
import { announce } from "../progress.js";
import { qrCode } from "../qr_code.js";
import { say } from "../texts.js";

/** Whether the operator has set it up. */
export function isFarWalletOffered() {
  return "walletconnectProject" in byId("learner").dataset;
}

/** The wallet that the learner connects: {name, provider}. Throws PageProblem. */
export async function connectFarWallet(chainId) {
  const { walletconnectProject, walletconnectScript } = byId("learner").dataset;
  announce(say("farWallet.loading"));
  try {
    const { default: open } = await import(walletconnectScript);
    const projectId = walletconnectProject;
    const provider = await open({ projectId, chainId, onUri: showCode });
    return { name: say("farWallet.name"), provider };
  } catch (error) {
    throw new PageProblem("farWalletFailed", { detail: error?.message ?? String(error) });
  } finally {
    byId("far-wallet-code").hidden = true;
    byId("far-wallet-drawing").replaceChildren();
  }
}

function showCode(uri) {
  byId("far-wallet-drawing").replaceChildren(qrCode(uri, say("farWallet.code")));
  byId("far-wallet-code").hidden = false;
  announce(say("farWallet.waiting"));
}
