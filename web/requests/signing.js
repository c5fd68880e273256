// Who signs what? The learner alone, or a minor and then a parent or guardian; and where a proven
// identity is asked for, that too. Secrets are wiped as soon as all have signed, or on "forget".

import { PageProblem } from "../problems.js";
import { grantDocument } from "../protocol/records.js";

/** One yes to some documents of a request, until it is signed. */
export class Signing {
  #asked;
  #holders = null;
  #guardians = null;

  constructor(asked, documents, hasGuardian) {
    this.#asked = asked;
    this.documents = documents;
    this.hasGuardian = hasGuardian;
    this.identity = null;
  }

  /** Whose keys come next: "learner" or "guardian"; null where the learner signs alone. */
  get turn() {
    if (!this.hasGuardian) return null;
    return this.#holders === null ? "learner" : "guardian";
  }

  /** Takes the keys of whoever's turn it is; whether these were the last ones. Throws PageProblem
   * for a guardian who comes with the learner's own keys. */
  take(session) {
    const count = this.documents.length;
    if (this.turn !== "guardian") {
      wipe(this.#holders);
      this.#holders = session.takeSigners(count);
      return !this.hasGuardian;
    }
    if (session.nextAddress === this.#holders[0].address)
      throw new PageProblem("guardianIsLearner");
    wipe(this.#guardians);
    this.#guardians = this.#holders.map(({ address }) => session.takeGuardian(address));
    return true;
  }

  /** The consents, signed: [{record, leaf, slip}]. One after the other, as wallets ask. */
  async sign() {
    const made = [];
    for (const [place, document] of this.documents.entries()) {
      const holder = this.#holders[place];
      const guardian = this.#guardians?.[place];
      const signers = { holder, guardian, identity: this.identity };
      made.push(await grantDocument(this.#asked, document, signers));
    }
    this.forget();
    return made;
  }

  /** Wipes what is secret. */
  forget() {
    wipe(this.#holders);
    wipe(this.#guardians);
  }
}

function wipe(signers) {
  for (const { secret } of signers ?? []) secret?.fill(0);
}
