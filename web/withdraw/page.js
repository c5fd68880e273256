// Withdraws by slip: read here, shown, and sent only once the reader has seen that it is for good.

import { byId, onPress, onSubmit, showProblem } from "../dom.js";
import { factList } from "../fact_list.js";
import { saveFile } from "../files.js";
import { readPlace } from "../learner/place.js";
import { follow } from "../learner/withdrawal.js";
import { ask, tell } from "../node_api.js";
import { PageProblem, Problem } from "../problems.js";
import { announce, attempt, showStep } from "../progress.js";
import { toHex } from "../protocol/bytes.js";
import { say, sayTime } from "../texts.js";
import { readGivenSlip } from "./given_slip.js";

const { ledger } = readPlace();

/** The slip that is shown, and its withdrawal as far as it is known. A new slip begins another
 * visit, so that what is still followed for an old one ends. */
let visit = { ends: new AbortController() };

async function look() {
  const [file] = byId("slip-file").files;
  const given = await readGivenSlip(file, byId("slip-text").value, ledger);
  const own = { ...given, ends: new AbortController() };
  visit.ends.abort();
  visit = own;
  announce(say("withdrawal.looking"));
  const [issuer, withdrawal] = await Promise.all([issuerOf(own.slip), stateOf(own.slip)]);
  if (visit !== own) return;
  const { agreementId, validFrom, validUntil, holder } = own.slip.entry;
  const until = sayTime(validUntil) ?? say("consents.noEnd");
  const facts = factList([
    [say("consents.issuer"), issuer],
    [say("consents.valid"), say("consents.span", { from: sayTime(validFrom), until })],
    [say("requests.agreement"), agreementId],
    [say("consents.leaf"), own.slip.leaf],
    [say("consents.holder"), holder],
  ]);
  byId("slip-facts").replaceChildren(facts);
  announce("");
  if (withdrawal === null) return showStep("check");
  showWithdrawal(withdrawal);
}

async function withdraw() {
  const own = visit;
  announce(say("withdraw.sending"));
  let withdrawal;
  try {
    withdrawal = await tell("/v1/withdrawals", { slip: toHex(own.bytes) });
  } catch (error) {
    if (["unreachable", "unreadable"].includes(error.name)) throw new PageProblem("uncertain");
    throw error;
  }
  if (visit === own) showWithdrawal(withdrawal);
}

/** Shows where the withdrawal stands, and follows it until the ledger has it. */
function showWithdrawal(withdrawal) {
  const own = visit;
  tellState(withdrawal);
  showStep("withdrawn");
  if (withdrawal.state === "withdrawn") return;
  follow(own.slip.leaf, own.ends.signal, tellState, () => announce(say("withdraw.waiting")));
}

function tellState(withdrawal) {
  const { state, endedAt, transactionHash, blockNumber, failure } = withdrawal;
  const isDone = state === "withdrawn";
  visit.withdrawal = withdrawal;
  byId("title-withdrawn").textContent = say(`states.${state}.name`);
  byId("withdrawn-means").textContent = isDone
    ? say("withdrawal.endedAt", { time: sayTime(endedAt) })
    : say(`states.${state}.means`);
  const facts = [
    [say("consents.leaf"), visit.slip.leaf],
    [say("consents.transaction"), transactionHash],
    [say("consents.block"), blockNumber],
  ];
  byId("withdrawn-facts").replaceChildren(factList(facts));
  byId("receipt").hidden = !isDone;
  announce(say(isDone ? "withdraw.done" : "withdraw.accepted"));
  const place = byId("problem");
  place.hidden = !failure;
  if (!failure) return;
  const problem = new Problem(say("withdraw.failure", failure), failure.remedy);
  showProblem(place, problem, say("problems.todo"));
}

function saveReceipt() {
  const { slip, withdrawal } = visit;
  const { leaf, state, endedBy, endedAt, transactionHash, blockNumber } = withdrawal;
  const facts = { leaf, state, endedBy, endedAt, transactionHash, blockNumber };
  const receipt = { ...facts, chainId: slip.chainId, registry: slip.registry };
  const name = say("withdrawal.receiptName", { leaf: leaf.slice(2, 18) });
  saveFile(name, `${JSON.stringify(receipt, null, 2)}\n`, "application/json");
}

/** Who recorded the consent: its DID, or its number where the node does not know it. */
async function issuerOf({ entry }) {
  try {
    return (await ask(`/v1/participants/${entry.issuer}`)).did;
  } catch {
    return entry.issuer;
  }
}

/** Where its withdrawal stands, whichever node it was sent to; null if there is none. */
async function stateOf({ leaf, entry }) {
  try {
    return await ask(`/v1/withdrawals/${leaf}?holder=${entry.holder}`);
  } catch (error) {
    if (error.slug === "withdrawal-not-found") return null;
    throw error;
  }
}

function startOver() {
  visit.ends.abort();
  visit = { ends: new AbortController() };
  byId("slip-form").reset();
  byId("problem").hidden = true;
  showStep("slip");
  announce("");
}

onSubmit(byId("slip-form"), () => attempt(look));
onPress(byId("withdraw-button"), () => attempt(withdraw));
onPress(byId("receipt"), () => attempt(saveReceipt));
for (const button of document.querySelectorAll(".start-over")) {
  button.addEventListener("click", startOver);
}

byId("without-scripts").remove();
byId("app").hidden = false;
