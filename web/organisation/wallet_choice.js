// Which of this browser's wallets shall do it, and with an account that may?

import { byId, element, onPress } from "../dom.js";
import { PageProblem } from "../problems.js";
import { announce, attempt } from "../progress.js";
import { say } from "../texts.js";
import { connect, discoverWallets } from "../wallets.js";

const WALLETS_PAUSE_MS = 600;

/** A button for each wallet, which runs `act(wallet, account)` with an account of the organisation
 * that is among `allowed`, in lower case. */
export function offerWallets(allowed, act) {
  discoverWallets((wallet) => {
    const name = wallet.name || say("wallet.unnamed");
    const icon = wallet.icon ? element("img", { src: wallet.icon, alt: "", width: 28 }) : null;
    const text = say("organisation.walletCalls.button", { name });
    const button = element("button", { type: "button" }, icon, text);
    onPress(button, () =>
      attempt(async () => {
        announce(say("wallet.asking", { name }));
        const account = await connect(wallet);
        if (!allowed.includes(account.toLowerCase())) {
          throw new PageProblem("walletAccount", { account });
        }
        await act(wallet, account);
      }),
    );
    byId("wallet-none").hidden = true;
    byId("wallet-looking").hidden = true;
    byId("wallet-list").append(element("li", {}, button));
  });
  byId("app").hidden = false;
  setTimeout(() => {
    byId("wallet-looking").hidden = true;
    byId("wallet-none").hidden = byId("wallet-list").childElementCount > 0;
  }, WALLETS_PAUSE_MS);
}
