// What if a learner prefers the wallet's own address as holder? Then the wallet signs each message
// itself, and may withdraw by a transaction of its own, where the chain takes it.

import { keccak_256 } from "@noble/hashes/sha3.js";

import { PageProblem } from "../problems.js";
import { toHex, utf8ToBytes } from "../protocol/bytes.js";
import { sendTransaction } from "../wallets.js";
import { NodeSession } from "./node_session.js";
import { signByAccount } from "./seed.js";

const WITHDRAW = toHex(keccak_256(utf8ToBytes("withdraw(bytes32)")).subarray(0, 4));
const PAUSE_MS = 500;
const WAIT_MS_MAX = 60_000;

/** The learner at this node by one address, which every consent given so has in common. It answers
 * what `LearnerSession` answers. */
export class OwnAddress extends NodeSession {
  #wallet;
  #account;
  #chainId;
  #isKnown = false;
  #isForgotten = false;
  isSilent = false;

  /** `sends`: a withdrawal is first tried as the wallet's own transaction. */
  constructor({ wallet, account }, chainId, sends, node = "") {
    super(chainId, node);
    this.#wallet = wallet;
    this.#account = account;
    this.#chainId = chainId;
    this.sends = sends;
  }

  get nextAddress() {
    return this.#account.toLowerCase();
  }

  /** The one key that there is, {known, tried, complete}: the wallet is asked to prove it, and not
   * again once the node knows it. */
  async scan() {
    if (!this.#isKnown) await this.proveAgain();
    return { known: this.#isKnown ? 1 : 0, tried: 1, complete: true };
  }

  holds(address) {
    return this.#isKnown && address === this.nextAddress;
  }

  sign(_address, message) {
    return signByAccount(this.#wallet, this.#account, message);
  }

  /** One answer has a key of its own for each consent, so this address signs one of them. */
  takeSigners(count) {
    if (count > 1) throw new PageProblem("addressOnce");
    return [{ address: this.nextAddress, sign: (message) => this.sign(null, message) }];
  }

  takeGuardian() {
    return this.takeSigners(1)[0];
  }

  /** Withdraws by the wallet's own transaction: what the ledger has then, or null where wallet or
   * chain do not take it. Throws PageProblem if the learner declines. */
  async sendWithdrawal(leaf, registry) {
    const data = WITHDRAW + leaf.slice(2);
    let transactionHash;
    try {
      const transaction = { from: this.#account, to: registry, data, value: "0x0" };
      transactionHash = await sendTransaction(this.#wallet, transaction, this.#chainId);
    } catch (error) {
      if (error.name === "declined") throw error;
      return null;
    }
    const ending = await this.#endingOf(leaf, transactionHash);
    return { state: "withdrawn", transactionHash, ...ending };
  }

  forget() {
    this.#isForgotten = true;
    this.end();
  }

  async proveAgain() {
    await this.begin();
    const signature = await signByAccount(this.#wallet, this.#account, this.message);
    [this.#isKnown] = await this.askKnown([{ holder: this.nextAddress, signature }]);
  }

  async #endingOf(leaf, transactionHash) {
    for (const end = Date.now() + WAIT_MS_MAX; Date.now() < end && !this.#isForgotten;) {
      const { consents } = await this.consents();
      const held = consents.find(({ status }) => status.leaf === leaf);
      const ending = held?.status.endings.find(({ endedBy }) => endedBy === "holder");
      if (ending) return ending;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    throw new PageProblem("transactionSlow", { transactionHash });
  }
}
