// Which cards are on the page, and how do they follow what happens on the ledger?

import { byId, showProblem } from "../dom.js";
import { PageProblem, Problem, inWords } from "../problems.js";
import { announce } from "../progress.js";
import { say, sayTime } from "../texts.js";
import { confirmIn } from "./confirm_dialog.js";
import { ConsentCard } from "./consent_card.js";
import { follow, readHeld, withdraw } from "./withdrawal.js";

const QUEUED_PAUSE_MS = 1_000;
const UNCERTAIN = ["unreachable", "unreadable"];

/** The list of a learner's consents, for one session. */
export class ConsentList {
  #session;
  #ledger;
  #cards = new Map();
  #busy = new Set();
  #followed = new Set();
  #ends = new AbortController();
  #timer = null;

  constructor(session, ledger) {
    this.#session = session;
    this.#ledger = ledger;
    this.#place.replaceChildren();
  }

  get #place() {
    return byId("consent-list");
  }

  /** Reads the list and shows it; throws a problem if the node does not tell it. */
  async read() {
    const answer = await this.#session.consents();
    if (this.#ends.signal.aborted) return 0;
    let mistrusted = null;
    for (const held of answer.consents) {
      try {
        this.#show(held);
      } catch (error) {
        mistrusted = inWords(error);
      }
    }
    byId("as-of").textContent = say("consents.asOf", { time: sayTime(answer.asOf.blockTime) });
    const place = byId("list-problem");
    if (mistrusted) showProblem(place, mistrusted, say("problems.todo"));
    else place.hidden = true;
    this.#readAgainWhileQueued(answer.consents);
    return answer.consents.length;
  }

  /** Ends everything that still runs for this list and takes the cards away. */
  close() {
    this.#ends.abort();
    clearTimeout(this.#timer);
    this.#place.replaceChildren();
  }

  #show(held) {
    const { entry, leaf } = readHeld(held, this.#session);
    let card = this.#cards.get(leaf);
    if (!card) {
      card = new ConsentCard(leaf, (pressed) => this.#withdraw(pressed));
      this.#cards.set(leaf, card);
      this.#place.append(card.root);
    }
    // An answer that was asked before a withdrawal must not take it back on the screen.
    const isWithdrawn = card.held?.status.state === "withdrawn";
    if (isWithdrawn || this.#busy.has(leaf) || this.#followed.has(leaf)) return;
    card.show({ ...card.held, ...held }, entry);
    if (held.status.state === "withdrawal-pending") this.#follow(card);
  }

  #readAgainWhileQueued(consents) {
    clearTimeout(this.#timer);
    if (!consents.some(({ status }) => status.state === "queued")) return;
    this.#timer = setTimeout(() => {
      this.read().catch(() => this.#readAgainWhileQueued(consents));
    }, QUEUED_PAUSE_MS);
  }

  async #withdraw(card) {
    if (this.#busy.has(card.leaf)) return;
    this.#busy.add(card.leaf);
    try {
      byId("withdraw-purpose").textContent = card.purpose;
      if (!(await confirmIn("withdraw")) || this.#ends.signal.aborted) return;
      card.showProblem(null);
      card.root.setAttribute("aria-busy", "true");
      announce(say("withdraw.sending"));
      const withdrawal = await withdraw(card.held, this.#session, this.#ledger);
      if (this.#ends.signal.aborted) return;
      this.#showWithdrawal(card, withdrawal);
      card.heading.focus();
      if (withdrawal.state === "withdrawn") return;
      announce(say("withdraw.accepted"));
      this.#follow(card);
    } catch (error) {
      const isUncertain = UNCERTAIN.includes(error.name);
      card.showProblem(isUncertain ? new PageProblem("uncertain") : inWords(error));
      announce("");
    } finally {
      this.#busy.delete(card.leaf);
      card.root.removeAttribute("aria-busy");
    }
  }

  async #follow(card) {
    if (this.#followed.has(card.leaf)) return;
    this.#followed.add(card.leaf);
    await follow(
      card.leaf,
      this.#ends.signal,
      (withdrawal) => this.#showWithdrawal(card, withdrawal),
      () => announce(say("withdraw.waiting")),
    );
    this.#followed.delete(card.leaf);
  }

  #showWithdrawal(card, withdrawal) {
    const { state, endedAt, endedBy, transactionHash, blockNumber, failure } = withdrawal;
    const others = card.held.status.endings.filter((ending) => ending.endedBy !== "holder");
    const endings = state === "withdrawn" ? [{ endedBy, endedAt }, ...others] : others;
    const held = { transactionHash, blockNumber };
    card.showState(state, { status: { active: false, endings }, held });
    card.showProblem(
      failure ? new Problem(say("withdraw.failure", failure), failure.remedy) : null,
    );
    if (state === "withdrawn") announce(say("withdraw.done"));
  }
}
