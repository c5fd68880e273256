// The learner's page, step by step: choose a wallet, sign, see the consents. What is secret lives
// in the variables of this module and is wiped on "forget", when the page closes, or in time.

import { byId, element, onPress, showProblem } from "../dom.js";
import { organisationId } from "../protocol/typed_data.js";
import { PageProblem, inWords } from "../problems.js";
import { say } from "../texts.js";
import { ConsentList } from "./consent_list.js";
import { askForSeed } from "./seed.js";
import { LearnerSession } from "./session.js";
import { connect, discoverWallets } from "./wallets.js";

const WALLETS_PAUSE_MS = 600;
const VISIT_MS = 30 * 60 * 1000;
const STEPS = ["wallet", "sign", "repeat", "consents"];

const { operatorDid, operatorId, chainId, consentRegistry } = byId("learner").dataset;
const operator = { did: operatorDid, chainId: Number(chainId) };
const ledger = { chainId: Number(chainId), registry: consentRegistry };

/** What this visit has: wallet and account, then session and list. "Forget" begins another one,
 * so whoever waited for an answer sees that `visit` is no longer its own. */
let visit = {};

function announce(text) {
  byId("status").textContent = text;
}

function show(step) {
  for (const each of STEPS) byId(`step-${each}`).hidden = each !== step;
  byId("about").open = step === "wallet";
  byId(`title-${step}`).focus();
}

/** Runs an act of the learner; what goes wrong is shown, and the page stays where it was. */
async function attempt(act) {
  const place = byId("problem");
  place.hidden = true;
  try {
    await act();
  } catch (error) {
    announce("");
    showProblem(place, inWords(error), say("problems.todo"));
    place.scrollIntoView({ block: "nearest" });
  }
}

function forget(message) {
  clearTimeout(visit.timer);
  visit.list?.close();
  visit.session?.forget();
  visit = {};
  byId("problem").hidden = true;
  byId("withdraw-dialog").close();
  show("wallet");
  announce(message);
}

function offerWallet(wallet) {
  const name = wallet.name || say("wallet.unnamed");
  const icon = wallet.icon ? element("img", { src: wallet.icon, alt: "", width: 28 }) : null;
  const button = element("button", { type: "button" }, icon, say("wallet.choose", { name }));
  onPress(button, () =>
    attempt(async () => {
      announce(say("wallet.asking", { name }));
      visit = { wallet, name, account: await connect(wallet) };
      const account = `${visit.account.slice(0, 6)}…${visit.account.slice(-4)}`;
      byId("sign-button").textContent = say("sign.button", { name });
      byId("repeat-button").textContent = say("sign.repeatButton", { name });
      show("sign");
      announce(say("wallet.connected", { name, account }));
    }),
  );
  byId("wallet-none").hidden = true;
  byId("wallet-looking").hidden = true;
  byId("wallet-list").append(element("li", {}, button));
}

async function sign() {
  const own = visit;
  if (organisationId(operatorDid) !== operatorId.toLowerCase()) {
    throw new PageProblem("wrongOperator");
  }
  announce(say("sign.asking", own));
  const seed = await askForSeed(own.wallet, own.account, operator);
  const session = new LearnerSession(seed, operator.chainId);
  try {
    own.found = await session.scan((count) => sayProgress(own, count));
    if (visit !== own) return;
    own.session = session;
  } finally {
    if (own.session !== session) session.forget();
  }
  own.timer = setTimeout(() => forget(say("consents.timeUp")), VISIT_MS);
  // A wallet whose keys are found again signs alike each time; only an empty scan leaves it open.
  if (own.found.known > 0) {
    await openList();
  } else {
    show("repeat");
    announce("");
  }
}

async function repeat() {
  const own = visit;
  announce(say("sign.asking", own));
  const again = await askForSeed(own.wallet, own.account, operator);
  if (visit !== own) return;
  if (!own.session.isMadeFrom(again)) {
    forget("");
    throw new PageProblem("unstableWallet");
  }
  await openList(say("sign.repeatEqual"));
}

async function openList(note = "") {
  const own = visit;
  own.list = new ConsentList(own.session, ledger, announce);
  show("consents");
  announce(note);
  await readList(own, note);
}

async function lookAgain() {
  const own = visit;
  own.found = await own.session.scan((count) => sayProgress(own, count));
  if (visit === own) await readList(own);
}

async function readList(own, note = "") {
  const count = await own.list.read();
  if (visit !== own) return;
  byId("nothing-here").hidden = count > 0;
  const { tried, complete } = own.found;
  const incomplete = complete ? "" : say("consents.incomplete", { count: tried });
  const found = count > 0 ? say("consents.found", { count }) : say("consents.none");
  announce([note, found, incomplete].filter(Boolean).join(" "));
}

function sayProgress(own, count) {
  if (visit === own) announce(say("consents.looking", { count }));
}

onPress(byId("sign-button"), () => attempt(sign));
onPress(byId("repeat-button"), () => attempt(repeat));
onPress(byId("refresh-button"), () => attempt(lookAgain));
for (const button of document.querySelectorAll(".forget")) {
  button.addEventListener("click", () => forget(say("consents.forgotten")));
}
window.addEventListener("pagehide", () => forget(""));

byId("without-scripts").remove();
byId("app").hidden = false;
discoverWallets(offerWallet);
setTimeout(() => {
  byId("wallet-looking").hidden = true;
  byId("wallet-none").hidden = byId("wallet-list").childElementCount > 0;
}, WALLETS_PAUSE_MS);
