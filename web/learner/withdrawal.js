// How is one consent withdrawn? Signed here by its own one-time key, sent, and followed until the
// ledger has it. What is signed is computed from the entry, never taken from the node.

import { ask, tell } from "../node_api.js";
import { fromHex } from "../protocol/bytes.js";
import { decodeEntry, leafOf } from "../protocol/entries.js";
import { withdrawalMessage } from "../protocol/typed_data.js";
import { PageProblem } from "../problems.js";

const FIRST_PAUSE_MS = 500;
const PAUSE_MS_MAX = 5_000;
const OWN_NODE = "";
/** The problems after which nobody knows whether anything arrived. */
export const NO_ANSWER = ["unreachable", "unreadable"];

/** The leaf and the parts of a consent that the node lists. Throws PageProblem unless leaf, entry
 * and one of the learner's keys belong together. */
export function readHeld(held, session) {
  const bytes = fromHex(held.entry);
  const entry = decodeEntry(bytes);
  const leaf = leafOf(bytes);
  if (entry === null || leaf !== held.status.leaf || !session.holds(entry.holder)) {
    throw new PageProblem("mistrusted");
  }
  return { entry, leaf };
}

/** Signs and sends the withdrawal: {withdrawal, node}, where it stands then, and at which node.
 *
 * Where the wallet was to send it and the chain does not take that, it is signed and relayed like
 * others. Where another operator's node does not answer, this page's own takes it to the ledger:
 * any operator's does. Sending it twice is harmless.
 */
export async function withdraw(held, session, { chainId, registry }) {
  const { entry, leaf } = readHeld(held, session);
  const sent = session.sends ? await session.sendWithdrawal(leaf, registry) : null;
  if (sent !== null) return { withdrawal: sent, node: session.node };
  const signature = await session.sign(entry.holder, withdrawalMessage(leaf, chainId, registry));
  const signed = { entry: held.entry, signature };
  const send = async (node) => ({ withdrawal: await tell(`${node}/v1/withdrawals`, signed), node });
  try {
    return await send(session.node);
  } catch (error) {
    if (session.node === OWN_NODE || !NO_ANSWER.includes(error.name)) throw error;
    return send(OWN_NODE);
  }
}

/** Asks a node again and again where a withdrawal stands that it has taken, until it is on the
 * ledger or `signal` aborts.
 *
 * `onState(withdrawal)` hears every answer, `onSilence()` every time that none came.
 */
export async function follow(leaf, signal, onState, onSilence, node = OWN_NODE) {
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (signal.aborted) return;
    pause = Math.min(pause * 1.5, PAUSE_MS_MAX);
    let withdrawal;
    try {
      withdrawal = await ask(`${node}/v1/withdrawals/${leaf}`);
    } catch {
      if (!signal.aborted) onSilence();
      continue;
    }
    if (signal.aborted) return;
    onState(withdrawal);
    if (withdrawal.state === "withdrawn") return;
  }
}
