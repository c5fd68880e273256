// A party's own wallet signs an agreement. The node has said what is signed; the wallet shows it,
// field by field, and the form carries the signature to the node, which checks it once more.

import { byId, element, onPress } from "../dom.js";
import { announce, attempt } from "../progress.js";
import { say } from "../texts.js";
import { connect, discoverWallets, signTypedData } from "../wallets.js";

const WALLETS_PAUSE_MS = 600;

const form = byId("app");
const message = JSON.parse(form.dataset.message);

async function sign(wallet, name) {
  announce(say("wallet.asking", { name }));
  const account = await connect(wallet);
  announce(say("sign.asking", { name }));
  const signature = await signTypedData(wallet, account, message);
  announce(say("organisation.signing.sending"));
  form.elements.signer.value = account;
  form.elements.signature.value = signature;
  form.submit();
}

function offerWallet(wallet) {
  const name = wallet.name || say("wallet.unnamed");
  const icon = wallet.icon ? element("img", { src: wallet.icon, alt: "", width: 28 }) : null;
  const text = say("sign.button", { name });
  const button = element("button", { type: "button" }, icon, text);
  onPress(button, () => attempt(() => sign(wallet, name)));
  byId("wallet-none").hidden = true;
  byId("wallet-looking").hidden = true;
  byId("wallet-list").append(element("li", {}, button));
}

byId("without-scripts").remove();
form.hidden = false;
discoverWallets(offerWallet);
setTimeout(() => {
  byId("wallet-looking").hidden = true;
  byId("wallet-none").hidden = byId("wallet-list").childElementCount > 0;
}, WALLETS_PAUSE_MS);
