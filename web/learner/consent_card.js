// How is one consent shown? As a card that follows it: state in words, what, who, until when.

import { element, showProblem } from "../dom.js";
import { factList } from "../fact_list.js";
import { find, say, sayList, sayTime } from "../texts.js";
import { dataOf, purposeOf } from "./document.js";
import { rightsOf } from "./rights_dialog.js";
import { slipOf } from "./slip_again.js";
import { usesOf } from "./uses.js";

const PROVIDER = "provider";
const CONSUMER = "consumer";
const SIDES = [PROVIDER, CONSUMER];
const WITHDRAWABLE = ["queued", "active", "not-yet-valid", "agreement-not-active"];

/** A card for one consent. Where another operator than the page's keeps it, `keeper` names that
 * one. `acts` is what the learner can do: `withdraw(card)`, `ask(card, kind)` for a right, null
 * where nobody can be asked, and `makeSlip(card)`, null where a wallet would have to sign it. */
export class ConsentCard {
  #shown = "";
  #keeper;
  #acts;
  #alert = element("div", { className: "problem", role: "alert", hidden: true });
  #body = element("div", { className: "body" });

  constructor(leaf, keeper, acts) {
    this.leaf = leaf;
    this.#keeper = keeper;
    this.#acts = acts;
    this.heading = element("h3", { id: `consent-${leaf.slice(2, 14)}`, tabIndex: -1 });
    this.root = element(
      "li",
      { className: "consent", "aria-labelledby": this.heading.id, "data-leaf": leaf },
      this.heading,
      this.#body,
      this.#alert,
    );
  }

  /** Shows the consent as the node told it, with the entry's own parts. */
  show(held, entry) {
    const shown = JSON.stringify(held);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.held = held;
    this.entry = entry;
    this.purpose = (held.document && purposeOf(held.document)) ?? say("consents.unknownPurpose");
    this.heading.textContent = this.purpose;
    this.root.dataset.state = held.status.state;
    const isOpen = (name) => this.#body.querySelector(`details.${name}`)?.open ?? false;
    const hadFocus = this.#body.contains(document.activeElement);
    this.#body.replaceChildren(
      ...[
        stateOf(held.status),
        ...held.status.endings.map(endingOf),
        held.document ? null : element("p", {}, say("consents.erased")),
        factsOf(held, entry, this.#keeper),
        usesOf(held.uses, this.purpose, isOpen("uses")),
        this.#slip(held, isOpen("slip-again")),
        this.#rights(held, isOpen("rights")),
        detailsOf(held, entry, isOpen("proof")),
        this.#withdrawButton(held.status),
      ].filter(Boolean),
    );
    if (hadFocus) this.heading.focus();
  }

  /** Shows another state at once, before the list is read again. */
  showState(state, changes = {}) {
    const status = { ...this.held.status, state, ...changes.status };
    this.show({ ...this.held, ...changes.held, status }, this.entry);
  }

  /** Says what went wrong with this consent; null takes the message away. */
  showProblem(problem) {
    if (problem) showProblem(this.#alert, problem, say("problems.todo"));
    else this.#alert.hidden = true;
  }

  #withdrawButton({ state, endings }) {
    const isOver = ["withdrawal-pending", "withdrawn", "not-anchored"].includes(state);
    if (isOver || endings.some((ending) => ending.endedBy === "holder")) return null;
    const isEnded = endings.length > 0;
    const button = element(
      "button",
      {
        type: "button",
        className: "quiet",
        "aria-label": say("consents.withdrawThis", { purpose: this.purpose }),
      },
      isEnded ? say("consents.withdrawAsWell") : say("consents.withdraw"),
    );
    button.addEventListener("click", () => this.#acts.withdraw(this));
    return button;
  }

  #slip({ status, document }, open) {
    const isOffered = document && this.#acts.makeSlip && WITHDRAWABLE.includes(status.state);
    if (!isOffered) return null;
    return slipOf({ document }, this.leaf, open, () => this.#acts.makeSlip(this));
  }

  #rights({ document }, open) {
    if (!document || !this.#acts.ask) return null;
    return rightsOf(this.purpose, open, (kind) => this.#acts.ask(this, kind));
  }
}

function stateOf({ state }) {
  const known = find(`states.${state}.name`) ? state : "unknown";
  const paragraph = element("p", { className: "state", "data-state": state });
  paragraph.append(
    element("strong", {}, say(`states.${known}.name`)),
    " ",
    element("span", {}, say(`states.${known}.means`, { state })),
  );
  return paragraph;
}

function endingOf({ endedBy, endedAt }) {
  const by = find(`endings.${endedBy}`) ? endedBy : "other";
  return element("p", { className: "ending" }, say(`endings.${by}`, { time: sayTime(endedAt) }));
}

function factsOf(held, entry, keeper) {
  const { document: consented, status } = held;
  const receipt = consented?.receipt;
  const until = sayTime(entry.validUntil) ?? say("consents.noEnd");
  const assurance = find(`assurance.${status.assurance}`) ?? say("assurance.unknown");
  const parties = (receipt?.partyIdentification ?? []).filter(({ partyName }) => partyName);
  const named = (isMeant) => sayList(parties.filter(isMeant).map(({ partyName }) => partyName));
  const isSide = ({ partyType }) => SIDES.includes(partyType);
  return factList([
    [say("consents.provider"), named(({ partyType }) => partyType === PROVIDER)],
    [say("consents.consumer"), named(({ partyType }) => partyType === CONSUMER)],
    [say("consents.who"), named((party) => !isSide(party))],
    [say("consents.issuer"), held.issuerDid ?? entry.issuer],
    [say("consents.keeper"), keeper],
    [say("consents.data"), consented && sayList(dataOf(consented))],
    [say("consents.valid"), say("consents.span", { from: sayTime(entry.validFrom), until })],
    [say("consents.assurance"), assurance],
    [say("guardian.signedAlong"), consented?.guardian],
  ]);
}

function detailsOf(held, entry, open) {
  return element(
    "details",
    { className: "proof", open },
    element("summary", {}, say("consents.details")),
    factList([
      [say("consents.recipients"), held.document?.recipients ?? []],
      [say("consents.leaf"), held.status.leaf],
      [say("consents.holder"), entry.holder],
      [say("consents.notice"), held.document?.notice.reference],
      [say("consents.transaction"), held.transactionHash],
      [say("consents.block"), held.blockNumber],
    ]),
  );
}
