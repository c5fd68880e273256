// Whose one-time keys are to be made, and which node is asked with them? This page's operator,
// unless the learner chooses another one of those that the registry names.

import { byId, onPress, onSubmit } from "../dom.js";
import { ask } from "../node_api.js";
import { PageProblem } from "../problems.js";
import { announce, attempt, showStep } from "../progress.js";
import { organisationId } from "../protocol/typed_data.js";
import { say } from "../texts.js";
import { FiledSession, readExport } from "./filed_session.js";
import { NO_ANSWER } from "./withdrawal.js";

/** The steps "keys", as far as they are about the operator, and "away". */
export class OperatorChoice {
  #own;
  #ledger;
  #signIn;
  #chosen;

  constructor(own, ledger, signIn) {
    this.#own = own;
    this.#ledger = ledger;
    this.#signIn = signIn;
    this.#chosen = own;
    for (const each of this.#choices) {
      onPress(each, () => attempt(() => this.#choose(each.dataset)));
    }
    onPress(byId("away-again"), () => attempt(() => this.#reach()));
    onPress(byId("away-here"), () => attempt(() => this.#askHere()));
    byId("away-back").addEventListener("click", () => this.reset());
    onSubmit(byId("export-form"), () => attempt(() => this.#openExport()));
  }

  /** The operator whose keys come next. */
  get chosen() {
    return this.#chosen;
  }

  /** Back to this page's own operator. */
  reset() {
    this.#take(this.#own);
    showStep("keys");
  }

  get #choices() {
    return [...document.querySelectorAll("#operator-choices button")];
  }

  async #choose({ id, did, origin }) {
    if (id === this.#own.id) return this.reset();
    this.#take({ ...this.#own, id, did, origin });
    await this.#reach();
  }

  #take(operator, asked = { node: operator.origin }) {
    this.#chosen = operator;
    for (const each of this.#choices) {
      each.setAttribute("aria-pressed", String(each.dataset.id === operator.id));
    }
    byId("problem").hidden = true;
    this.#signIn.choose(operator, asked);
    announce(operator === this.#own ? "" : say("operators.chosen", { operator: operator.did }));
  }

  /** Whether the chosen operator's node answers, and is one of this ledger, before the learner is
   * asked for anything. */
  async #reach() {
    const { did, origin } = this.#chosen;
    if (!origin) return this.#showAway(say("operators.noAddress", { operator: did }));
    announce(say("operators.asking", { operator: did }));
    let said;
    try {
      said = await ask(`${origin}/v1/ledger`);
    } catch (error) {
      if (this.#chosen.did !== did) return;
      if (!NO_ANSWER.includes(error.name)) throw error;
      this.#showAway(say("operators.away", { operator: did }));
      return;
    }
    if (this.#chosen.did !== did) return;
    const { operatorDid, chainId, consentRegistry } = said;
    const isOfLedger =
      chainId === this.#ledger.chainId && consentRegistry === this.#ledger.registry.toLowerCase();
    if (operatorDid !== did || !isOfLedger) {
      this.reset();
      throw new PageProblem("operatorMistrusted", { operator: did });
    }
    showStep("keys");
    announce(say("operators.chosen", { operator: did }));
  }

  #showAway(means) {
    byId("away-means").textContent = means;
    showStep("away");
    announce("");
  }

  /** The same keys, shown to this page's own node: it knows the consents whose data its
   * organisations receive. */
  #askHere() {
    this.#take(this.#chosen, { node: "" });
    showStep("keys");
    announce(say("operators.here", { operator: this.#chosen.did }));
  }

  async #openExport() {
    const [file] = byId("export-file").files;
    if (!file) throw new PageProblem("exportMissing");
    const filed = readExport(await file.text(), this.#ledger);
    const id = organisationId(filed.operatorDid);
    const operator = { ...this.#own, id, did: filed.operatorDid };
    this.#take(operator, { openSession: (seed) => new FiledSession(seed, filed) });
    announce(say("filed.opened", { operator: operator.did, count: filed.consents.length }));
    byId("title-keys").focus();
  }
}
