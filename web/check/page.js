// Checks a proof file, or the copy that a learner took along, consent by consent: read and computed
// here, sent to nobody. Only if the reader wants it, the node is asked whether what a proof file
// proves was withdrawn since; it learns the leaf and the one-time address.

import { byId, element, onPress, onSubmit } from "../dom.js";
import { factList } from "../fact_list.js";
import { dataOf, purposeOf } from "../learner/document.js";
import { ask } from "../node_api.js";
import { PageProblem } from "../problems.js";
import { announce, attempt, showStep } from "../progress.js";
import { entryOf, proofsHeld, verifyBundle, verifyRecord } from "../protocol/proof_bundle.js";
import { find, say, sayList, sayTime } from "../texts.js";
import { kindOf } from "./given_file.js";

const BYTES_MAX = 16 * 1024 * 1024;

/** What the file says, once it is read. */
let bundle = null;

async function look() {
  const [file] = byId("proof-file").files;
  if (!file) throw new PageProblem("proofMissing");
  const value = await read(file);
  const kind = kindOf(value);
  if (kind === "export") return showCopy(value);
  if (kind !== "proof") throw new PageProblem("noProof", { seems: say(`check.seems.${kind}`) });
  showProof(value);
}

function showProof(value) {
  bundle = value;
  const sections = verifyBundle(bundle);
  const isRefuted = sections.some(isFailed);
  const isRead = sections.length > 1;
  byId("title-checked").textContent = isRefuted ? say("check.refuted") : say("check.holds");
  byId("checked-means").textContent = isRefuted ? say("check.refutedMeans") : say("check.means");
  byId("checked-facts").replaceChildren(isRead ? factsOf(bundle, sections) : "");
  byId("checked-sections").replaceChildren(...sections.map(sectionItem));
  byId("since").hidden = isRefuted;
  byId("since-answer").textContent = "";
  showStep("checked");
  announce("");
}

/** A learner's export, of which each record proves what a record can. */
function showCopy({ chainId, registry, asOf, consents }) {
  bundle = null;
  const checked = consents.map(({ status, record }) => ({
    record,
    leaf: status.leaf,
    sections: record && verifyRecord({ chainId, registry, record, leaf: status.leaf }),
  }));
  const isRefuted = checked.some(({ sections }) => sections?.some(isFailed));
  byId("title-copy").textContent = isRefuted ? say("check.refuted") : say("check.copyHolds");
  byId("copy-means").textContent = isRefuted ? say("check.refutedMeans") : say("check.copyMeans");
  byId("copy-as-of").textContent = say("check.copyAsOf", {
    count: consents.length,
    time: wording(() => sayTime(asOf.blockTime)),
  });
  byId("copy-consents").replaceChildren(...checked.map(copiedConsent));
  showStep("copy");
  announce("");
}

function copiedConsent({ record, leaf, sections }) {
  const purpose = wording(() => purposeOf(record.document)) ?? say("check.copyUnnamed");
  const found = sections
    ? element("ul", { className: "results" }, ...sections.map(sectionItem))
    : element("p", {}, say("check.copyErased"));
  const facts = factList([[say("consents.leaf"), leaf]]);
  return element("li", {}, element("h3", {}, purpose), facts, found);
}

function isFailed({ result }) {
  return result === "failed";
}

async function read(file) {
  try {
    if (file.size <= BYTES_MAX) return JSON.parse(await file.text());
  } catch {
    // told below
  }
  throw new PageProblem("proofUnreadable");
}

function factsOf({ record, asOf, inclusion, leaf }, sections) {
  const { validFrom, validUntil } = entryOf(bundle);
  const { document } = record;
  const isGuarded = sections.some(({ name }) => name === "guardian-signature");
  const until = sayTime(validUntil) ?? say("consents.noEnd");
  return factList([
    [say("check.purpose"), wording(() => purposeOf(document))],
    [say("consents.data"), wording(() => sayList(dataOf(document)))],
    [say("consents.valid"), say("consents.span", { from: sayTime(validFrom), until })],
    [say("consents.issuer"), inclusion.issuer],
    [say("guardian.signedAlong"), isGuarded ? document.guardian : null],
    [say("consents.leaf"), leaf],
    [say("check.asOf"), wording(() => sayTime(asOf.blockTime))],
  ]);
}

/** What a file that may be damaged says, or nothing. */
function wording(words) {
  try {
    return words();
  } catch {
    return null;
  }
}

function sectionItem({ name, result }) {
  const isHeld = bundle && result === "not-checked" && proofsHeld(bundle).includes(name);
  const why = find(`check.sections.${name}.${isHeld ? "held" : result}`, {
    block: bundle?.asOf?.blockNumber,
    endings: endingsSaid(),
  });
  const state = element("strong", {}, say(`check.results.${result}`));
  return element("li", { "data-result": result }, state, " ", why ?? name);
}

function endingsSaid() {
  const told = Object.entries(bundle?.endings ?? {}).filter(([, time]) => time !== null);
  const words = told.map(([name, time]) =>
    wording(() => say(`check.endings.${name}`, { time: sayTime(time) })),
  );
  return words.length === 0 ? say("check.notEnded") : words.filter(Boolean).join(" ");
}

async function askSince() {
  const { holder } = entryOf(bundle);
  announce(say("withdrawal.looking"));
  let answer;
  try {
    const { state, endedAt } = await ask(`/v1/withdrawals/${bundle.leaf}?holder=${holder}`);
    const isDone = state === "withdrawn";
    answer = isDone
      ? say("check.withdrawnAt", { time: sayTime(endedAt) })
      : say("check.withdrawalPending");
  } catch (error) {
    if (error.slug !== "withdrawal-not-found") throw error;
    answer = say("check.notWithdrawn");
  }
  byId("since-answer").textContent = answer;
  announce("");
}

function startOver() {
  bundle = null;
  byId("proof-form").reset();
  byId("problem").hidden = true;
  showStep("proof");
  announce("");
}

onSubmit(byId("proof-form"), () => attempt(look));
onPress(byId("since-button"), () => attempt(askSince));
for (const button of document.querySelectorAll(".start-over")) {
  button.addEventListener("click", startOver);
}

byId("without-scripts").remove();
byId("app").hidden = false;
