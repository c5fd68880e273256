// Which cards are on the page, and how do they follow what happens on the ledger?

import { byId } from "../dom.js";
import { PageProblem, Problem, inWords } from "../problems.js";
import { announce } from "../progress.js";
import { fromHex } from "../protocol/bytes.js";
import { makeSlip } from "../protocol/slips.js";
import { say, sayTime } from "../texts.js";
import { confirmIn } from "./confirm_dialog.js";
import { ConsentCard } from "./consent_card.js";
import { KeeperSection } from "./keeper_section.js";
import { askInDialog } from "./rights_dialog.js";
import { usesByLeaf } from "./uses.js";
import { NO_ANSWER, follow, readHeld, withdraw } from "./withdrawal.js";

const QUEUED_PAUSE_MS = 1_000;

/** The list of a learner's consents, for one session with the keys of one operator. */
export class ConsentList {
  #session;
  #ledger;
  #keeper;
  #section;
  #cards = new Map();
  #busy = new Set();
  #followed = new Set();
  #ends = new AbortController();
  #timer = null;

  /** `operator` is whose keys they are; `keeper` its name, unless it is the page's own. */
  constructor(session, ledger, operator, keeper) {
    this.#session = session;
    this.#ledger = ledger;
    this.#keeper = keeper;
    this.#section = new KeeperSection(session, operator);
    byId("keepers").append(this.#section.root);
  }

  /** Reads the list and shows it; throws a problem if the node does not tell it. */
  async read() {
    const answer = await this.#session.consents();
    const uses = usesByLeaf(await this.#session.uses());
    const requests = await this.#session.requests();
    if (this.#ends.signal.aborted) return 0;
    let mistrusted = null;
    for (const held of answer.consents) {
      try {
        this.#show({ ...held, uses: uses.get(held.status.leaf) ?? [] });
      } catch (error) {
        mistrusted = inWords(error);
      }
    }
    this.#section.showAsOf(answer.asOf.blockTime);
    this.#section.showProblem(mistrusted);
    this.#showRequests(requests);
    this.#readAgainWhileQueued(answer.consents);
    return answer.consents.length;
  }

  /** Says what went wrong with this operator's list; null takes the message away. */
  showProblem(problem) {
    this.#section.showProblem(problem);
  }

  /** Ends everything that still runs for this list and takes the cards away. */
  close() {
    this.#ends.abort();
    clearTimeout(this.#timer);
    this.#section.root.remove();
    for (const card of this.#cards.values()) card.root.remove();
  }

  #show(held) {
    const { entry, leaf } = readHeld(held, this.#session);
    let card = this.#cards.get(leaf);
    if (!card) {
      card = new ConsentCard(leaf, this.#keeper, {
        withdraw: (pressed) => this.#withdraw(pressed),
        ask: this.#session.isFiled ? null : (pressed, kind) => this.#ask(pressed, kind),
        makeSlip: this.#session.isSilent ? (opened) => this.#makeSlip(opened) : null,
      });
      this.#cards.set(leaf, card);
      byId("consent-list").append(card.root);
    }
    // An answer that was asked before a withdrawal must not take it back on the screen.
    const isWithdrawn = card.held?.status.state === "withdrawn";
    if (isWithdrawn || this.#busy.has(leaf) || this.#followed.has(leaf)) return;
    card.show({ ...card.held, ...held }, entry);
    if (held.status.state === "withdrawal-pending") this.#follow(card, this.#session.node);
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
      const { withdrawal, node } = await withdraw(card.held, this.#session, this.#ledger);
      if (this.#ends.signal.aborted) return;
      this.#showWithdrawal(card, withdrawal);
      card.heading.focus();
      if (withdrawal.state === "withdrawn") return;
      const isElsewhere = node !== this.#session.node;
      announce(isElsewhere ? say("withdraw.acceptedHere") : say("withdraw.accepted"));
      this.#follow(card, node);
    } catch (error) {
      const isUncertain = NO_ANSWER.includes(error.name);
      card.showProblem(isUncertain ? new PageProblem("uncertain") : inWords(error));
      announce("");
    } finally {
      this.#busy.delete(card.leaf);
      card.root.removeAttribute("aria-busy");
    }
  }

  #makeSlip({ held, entry }) {
    const { chainId, registry } = this.#ledger;
    return this.#session.withKey(entry.holder, (secret) =>
      makeSlip(fromHex(held.entry), secret, chainId, registry),
    );
  }

  /** Asks the consent's issuer for its erasure, or objects. */
  async #ask(card, kind) {
    const sure = await askInDialog(kind, card.purpose);
    if (sure === null || this.#ends.signal.aborted) return;
    card.showProblem(null);
    announce(say("rights.sending"));
    try {
      const { dueAt } = await this.#session.askFor(kind, { leaf: card.leaf, ...sure });
      this.#showRequests(await this.#session.requests());
      announce(say("rights.sent", { due: sayTime(dueAt) }));
    } catch (error) {
      card.showProblem(inWords(error));
      announce("");
    }
  }

  #showRequests(requests) {
    if (this.#ends.signal.aborted) return;
    this.#section.showRequests(requests, (leaf) => {
      const card = this.#cards.get(leaf);
      return card && { purpose: card.purpose, issuerDid: card.held.issuerDid };
    });
  }

  async #follow(card, node) {
    if (this.#followed.has(card.leaf)) return;
    this.#followed.add(card.leaf);
    await follow(
      card.leaf,
      this.#ends.signal,
      (withdrawal) => this.#showWithdrawal(card, withdrawal),
      () => announce(say("withdraw.waiting")),
      node,
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
