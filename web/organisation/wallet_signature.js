// The organisation's wallet signs what the page shows; the form carries it to the node.

import { byId } from "../dom.js";
import { announce } from "../progress.js";
import { say } from "../texts.js";
import { signTypedData } from "../wallets.js";
import { offerWallets } from "./wallet_choice.js";

const form = document.getElementById("signed");
if (form && document.getElementById("app")) {
  const { typedData, signers } = JSON.parse(form.dataset.asked);
  offerWallets(signers, async (wallet, account) => {
    announce(say("organisation.walletCalls.signing"));
    const signature = await signTypedData(wallet, account, typedData);
    byId("signer").value = account.toLowerCase();
    byId("signature").value = signature;
    form.submit();
  });
}
