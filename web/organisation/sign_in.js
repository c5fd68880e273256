// The way in for an organisation's people, or, behind an invitation, the way to join. The session's
// token goes into a cookie that no script can read; nothing of it stays in this page.

import { byId, element, onPress } from "../dom.js";
import { NodeProblem, PageProblem } from "../problems.js";
import { announce, attempt } from "../progress.js";
import { say } from "../texts.js";
import { connect, discoverWallets } from "../wallets.js";
import { signInByAccount } from "./account.js";
import { joinByPasskey, signInByPasskey } from "./passkey.js";

const WALLETS_PAUSE_MS = 600;
const TIMEOUT_MS = 20_000;

const invitation = window.location.hash.slice(1) || null;
// What stands in the address bar is shown to whoever looks, and kept in the browser's history.
if (invitation) history.replaceState(null, "", window.location.pathname + window.location.search);

async function enter(session) {
  if (!session) return;
  announce(say("organisation.signIn.entering"));
  let answer;
  try {
    answer = await fetch("/organisation/session", {
      method: "POST",
      headers: {
        Authorization: `Bearer ${session.token}`,
        "Accept-Language": document.documentElement.lang,
      },
      credentials: "same-origin",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new PageProblem("unreachable");
  }
  if (!answer.ok) throw new NodeProblem(answer.status, await answer.json());
  window.location.assign(`/organisation${window.location.search.replace(/[?&]ended=1/, "")}`);
}

/** A session of the account; nothing where the person has to say for which organisation first. */
async function byAccount(wallet, name, more) {
  announce(say("wallet.asking", { name }));
  const account = await connect(wallet);
  announce(say("sign.asking", { name }));
  try {
    return await signInByAccount(wallet, account, invitation ? { invitation } : more);
  } catch (error) {
    if (error.slug !== "organisation-unclear") throw error;
    offerOrganisations(wallet, name, error.values.organisations);
    return null;
  }
}

function offerOrganisations(wallet, name, organisations) {
  const offered = organisations.map((organisationId) => {
    const button = element("button", { type: "button" }, element("code", {}, organisationId));
    onPress(button, () =>
      attempt(async () => enter(await byAccount(wallet, name, { organisationId }))),
    );
    return element("li", {}, button);
  });
  byId("organisation-list").replaceChildren(...offered);
  byId("organisations").hidden = false;
  byId("title-organisations").focus();
  announce("");
}

function offerWallet(wallet) {
  const name = wallet.name || say("wallet.unnamed");
  const icon = wallet.icon ? element("img", { src: wallet.icon, alt: "", width: 28 }) : null;
  const text = invitation
    ? say("organisation.signIn.walletJoin", { name })
    : say("organisation.signIn.walletButton", { name });
  const button = element("button", { type: "button" }, icon, text);
  onPress(button, () => attempt(async () => enter(await byAccount(wallet, name))));
  byId("wallet-none").hidden = true;
  byId("wallet-looking").hidden = true;
  byId("wallet-list").append(element("li", {}, button));
}

onPress(byId("passkey-button"), () =>
  attempt(async () => {
    announce(say("organisation.signIn.passkeyAsking"));
    await enter(await (invitation ? joinByPasskey(invitation) : signInByPasskey()));
  }),
);
if (invitation) {
  byId("sign-in-lead").hidden = true;
  byId("invitation-lead").hidden = false;
  byId("passkey-button").textContent = say("organisation.signIn.passkeyJoin");
}
byId("without-scripts").remove();
byId("app").hidden = false;
discoverWallets(offerWallet);
setTimeout(() => {
  byId("wallet-looking").hidden = true;
  byId("wallet-none").hidden = byId("wallet-list").childElementCount > 0;
}, WALLETS_PAUSE_MS);
