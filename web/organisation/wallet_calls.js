// The organisation's wallet sends the page's transactions, one after the other, and the page says
// how far each is: asked of the wallet, sent, in a block, read by this node.

import { byId } from "../dom.js";
import { PageProblem } from "../problems.js";
import { announce } from "../progress.js";
import { say } from "../texts.js";
import { receiptOf, sendTransaction } from "../wallets.js";
import { offerWallets } from "./wallet_choice.js";

const PAUSE_MS = 500;
const WAIT_MAX_MS = 120_000;

const shown = byId("calls");
const { chainId, senders, calls } = JSON.parse(shown.dataset.asked);
const items = [...shown.querySelectorAll("[data-call]")];
/** By place, while it is not known what became of them: what was sent is not sent again. */
const hashes = [];
let done = 0;

/** Marks a step of a transaction as where it stands, and those before it as done. */
function mark(item, step) {
  let isBehind = true;
  for (const each of item.querySelectorAll("[data-step]")) {
    const isHere = each.dataset.step === step;
    if (isHere) isBehind = false;
    if (isHere) each.setAttribute("aria-current", "step");
    else each.removeAttribute("aria-current");
    each.toggleAttribute("data-done", isBehind);
  }
}

async function carryOut(wallet, account, place) {
  const item = items[place];
  if (!hashes[place]) {
    mark(item, "waiting");
    announce(say("organisation.walletCalls.asking"));
    hashes[place] = await sendTransaction(wallet, { from: account, ...calls[place] }, chainId);
  }
  const hash = hashes[place];
  mark(item, "sent");
  announce(say("organisation.walletCalls.sent"));
  const receipt = await waitFor(() => receiptOf(wallet, hash));
  if (Number(receipt.status) !== 1) {
    hashes[place] = null;
    throw new PageProblem("reverted", { hash });
  }
  mark(item, "mined");
  await waitFor(async () => (await blockOfNode()) >= Number(receipt.blockNumber));
  mark(item, "seen");
}

/** The newest block that this node's index has read; before all while it does not answer. */
async function blockOfNode() {
  try {
    const answer = await fetch("/readyz", { cache: "no-store" });
    return answer.ok ? (await answer.json()).blockNumber : -1;
  } catch {
    return -1;
  }
}

async function waitFor(look) {
  const last = Date.now() + WAIT_MAX_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > last) throw new PageProblem("slowChain");
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

if (senders.length > 0) {
  byId("without-scripts").remove();
  offerWallets(senders, async (wallet, account) => {
    while (done < calls.length) {
      await carryOut(wallet, account, done);
      done += 1;
    }
    announce(say("organisation.walletCalls.done"));
    byId("wallet-list").replaceChildren();
    byId("back").focus();
  });
}
