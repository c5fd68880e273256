// How does a learner come by their one-time keys? By a passkey, a wallet or a recovery file: each
// gives the same seed each time, and the keys that hold a consent here are looked for at once. Or
// the wallet's own address is the key, for whoever prefers that.

import { byId, element, onPress, onSubmit } from "../dom.js";
import { PageProblem } from "../problems.js";
import { announce, attempt, showStep } from "../progress.js";
import { organisationId } from "../protocol/typed_data.js";
import { say } from "../texts.js";
import { connectFarWallet, isFarWalletOffered } from "./far_wallet.js";
import { OwnAddress } from "./own_address.js";
import { canUsePasskeys, seedOfPasskey } from "./passkey.js";
import { seedOfFile } from "./recovery_file.js";
import { askForSeed } from "./seed.js";
import { LearnerSession } from "./session.js";
import { connect, discoverWallets } from "../wallets.js";

const WALLETS_PAUSE_MS = 600;
export const VISIT_MS = 30 * 60 * 1000;

/** The steps "keys", "sign" and "repeat" of a page. `onReady(session, found, note)` gets the keys;
 * `onTimeUp()` hears when they have been here for long enough. */
export class SignIn {
  #operator;
  #node;
  #openSession;
  #onReady;
  #onTimeUp;
  /** What this visit has. "Forget" begins another one, so whoever waited for an answer sees that
   * `#visit` is no longer its own. */
  #visit = {};

  constructor(operator, { onReady, onTimeUp }) {
    this.#onReady = onReady;
    this.#onTimeUp = onTimeUp;
    this.choose(operator);
    this.#press("sign-button", () => this.#sign());
    this.#press("repeat-button", () => this.#repeat());
    this.#press("own-address-button", () => this.#useOwnAddress());
    this.#press("passkey-button", () => this.use(() => seedOfPasskey(this.#operator)));
    this.#press("far-wallet-button", () => this.#connectFar());
    byId("far-wallet").hidden = !isFarWalletOffered();
    onSubmit(byId("file-form"), () => attempt(() => this.use(() => this.#openFile())));
    byId("passkey-none").hidden = canUsePasskeys();
    byId("passkey-some").hidden = !canUsePasskeys();
    discoverWallets((wallet) => this.#offerWallet(wallet));
    setTimeout(() => {
      byId("wallet-looking").hidden = true;
      byId("wallet-none").hidden = byId("wallet-list").childElementCount > 0;
    }, WALLETS_PAUSE_MS);
  }

  /** The next keys are those that one has with this operator, whose name is shown before anything
   * is asked for. `node` is the address of the node that is asked with them, by default the page's
   * own; `openSession(seed)` makes their session. */
  choose(operator, { node = "", openSession } = {}) {
    this.forget();
    this.#operator = operator;
    this.#node = node;
    this.#openSession = openSession ?? ((seed) => new LearnerSession(seed, operator.chainId, node));
    for (const each of document.querySelectorAll(".chosen-operator")) {
      each.textContent = operator.did;
    }
    for (const each of document.querySelectorAll(".way [autocomplete=username]")) {
      each.defaultValue = operator.did;
    }
  }

  /** Lets go of the session that `onReady` was given: from then on it is the caller's to wipe. */
  release() {
    clearTimeout(this.#visit.timer);
    this.#visit = {};
  }

  /** Wipes the keys, and what was typed to come by them. */
  forget() {
    this.#begin({});
    for (const form of document.querySelectorAll(".way form")) form.reset();
  }

  /** Signs in with the seed that `askSeed` comes by, which is sure to be the same each time. */
  async use(askSeed) {
    this.#checkOperator();
    const own = this.#begin({});
    const seed = await askSeed();
    if (await this.#open(own, seed)) await this.#onReady(own.session, own.found, "");
  }

  #press(id, act) {
    onPress(byId(id), () => attempt(act));
  }

  #begin(visit) {
    clearTimeout(this.#visit.timer);
    this.#visit.session?.forget();
    this.#visit = visit;
    return visit;
  }

  #checkOperator() {
    const { did, id } = this.#operator;
    if (organisationId(did) !== id.toLowerCase()) throw new PageProblem("wrongOperator");
  }

  async #openFile() {
    const [file] = byId("file-input").files;
    if (!file) throw new PageProblem("fileMissing");
    announce(say("file.opening"));
    return seedOfFile(await file.text(), byId("file-passphrase").value, this.#operator);
  }

  #offerWallet(wallet) {
    const name = wallet.name || say("wallet.unnamed");
    const icon = wallet.icon ? element("img", { src: wallet.icon, alt: "", width: 28 }) : null;
    const button = element("button", { type: "button" }, icon, say("wallet.choose", { name }));
    onPress(button, () => attempt(() => this.#connect(wallet, name)));
    byId("wallet-none").hidden = true;
    byId("wallet-looking").hidden = true;
    byId("wallet-list").append(element("li", {}, button));
  }

  async #connectFar() {
    const own = this.#begin({});
    const wallet = await connectFarWallet(this.#operator.chainId);
    if (this.#visit === own) await this.#connect(wallet, wallet.name);
  }

  async #connect(wallet, name) {
    announce(say("wallet.asking", { name }));
    const own = this.#begin({ wallet, name });
    own.account = await connect(wallet);
    if (this.#visit !== own) return;
    const account = `${own.account.slice(0, 6)}…${own.account.slice(-4)}`;
    byId("sign-button").textContent = say("sign.button", { name });
    byId("repeat-button").textContent = say("sign.repeatButton", { name });
    byId("own-address").open = false;
    showStep("sign");
    announce(say("wallet.connected", { name, account }));
  }

  async #sign() {
    this.#checkOperator();
    const own = this.#visit;
    announce(say("sign.asking", own));
    const seed = await askForSeed(own.wallet, own.account, this.#operator);
    if (!(await this.#open(own, seed))) return;
    // A wallet whose keys are found again signs alike each time; only an empty scan leaves it open.
    if (own.found.known > 0) {
      await this.#onReady(own.session, own.found, "");
    } else {
      showStep("repeat");
      announce("");
    }
  }

  async #repeat() {
    const own = this.#visit;
    announce(say("sign.asking", own));
    const again = await askForSeed(own.wallet, own.account, this.#operator);
    if (this.#visit !== own) return;
    if (!own.session.isMadeFrom(again)) {
      this.forget();
      showStep("keys");
      throw new PageProblem("unstableWallet");
    }
    await this.#onReady(own.session, own.found, say("sign.repeatEqual"));
  }

  async #useOwnAddress() {
    const own = this.#visit;
    const sends = document.getElementById("own-address-sends");
    const { chainId } = this.#operator;
    const session = new OwnAddress(own, chainId, sends?.checked ?? false, this.#node);
    if (sends) {
      // Only where consents are looked for is there anything to prove before.
      announce(say("sign.asking", own));
      own.found = await session.scan();
      if (this.#visit !== own) return;
    }
    own.session = session;
    own.timer = setTimeout(() => this.#onTimeUp(), VISIT_MS);
    await this.#onReady(session, own.found, "");
  }

  /** Looks for the keys in use; false if the visit is over meanwhile. */
  async #open(own, seed) {
    const session = this.#openSession(seed);
    try {
      own.found = await session.scan((count) => {
        if (this.#visit === own) announce(say("consents.looking", { count }));
      });
      if (this.#visit === own) own.session = session;
    } finally {
      if (own.session !== session) session.forget();
    }
    if (own.session !== session) return false;
    own.timer = setTimeout(() => this.#onTimeUp(), VISIT_MS);
    return true;
  }
}
