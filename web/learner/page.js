// The learner's page, step by step: come by one's keys, see the consents, withdraw. What is secret
// lives in the variables of these modules and is wiped on "forget", when the page closes, or in
// time.

import { byId, onPress } from "../dom.js";
import { inWords } from "../problems.js";
import { announce, attempt, showStep } from "../progress.js";
import { say } from "../texts.js";
import { ConsentList } from "./consent_list.js";
import { OperatorChoice } from "./operator_choice.js";
import { readPlace } from "./place.js";
import { SignIn, VISIT_MS } from "./sign_in.js";

const { operator, ledger } = readPlace();
const timeUp = () => forget(say("consents.timeUp"));
const signIn = new SignIn(operator, { onReady: openList, onTimeUp: timeUp });
const choice = new OperatorChoice(operator, ledger, signIn);

/** For each operator whose keys are here: {session, found, list}, by its id. */
const visits = new Map();
/** Ends them all in time, counted from the first. */
let timer = null;

function forget(message) {
  signIn.forget();
  clearTimeout(timer);
  timer = null;
  for (const id of visits.keys()) end(id);
  byId("problem").hidden = true;
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  byId("back-to-consents").hidden = true;
  choice.reset();
  announce(message);
}

function end(id) {
  visits.get(id)?.session.forget();
  visits.get(id)?.list.close();
  visits.delete(id);
}

async function openList(session, found, note) {
  signIn.release();
  timer ??= setTimeout(timeUp, VISIT_MS);
  const { chosen } = choice;
  end(chosen.id);
  const keeper = chosen.id === operator.id ? null : chosen.did;
  visits.set(chosen.id, { session, found, list: new ConsentList(session, ledger, chosen, keeper) });
  byId("back-to-consents").hidden = false;
  showStep("consents");
  announce(note);
  await readLists({ note });
}

function isHere(visit) {
  return [...visits.values()].includes(visit);
}

async function lookAgain(visit) {
  visit.found = await visit.session.scan((count) => {
    if (isHere(visit)) announce(say("consents.looking", { count }));
  });
}

/** Reads all lists; an operator that does not answer keeps back no other's. */
async function readLists({ note = "", again = false } = {}) {
  const before = [...visits.values()];
  let count = 0;
  let isSilent = false;
  for (const visit of before) {
    try {
      if (again) await lookAgain(visit);
      count += await visit.list.read();
    } catch (error) {
      if (!isHere(visit)) return;
      if (before.length === 1) throw error;
      visit.list.showProblem(inWords(error));
      isSilent = true;
    }
  }
  if (!before.every(isHere)) return;
  byId("nothing-here").hidden = count > 0 || isSilent;
  const cut = before.find(({ found }) => !found.complete)?.found;
  const incomplete = cut ? say("consents.incomplete", { count: cut.tried }) : "";
  const found = count > 0 ? say("consents.found", { count }) : say("consents.none");
  announce([note, found, incomplete].filter(Boolean).join(" "));
}

function lookElsewhere() {
  choice.reset();
  byId("title-operators").focus();
}

onPress(byId("refresh-button"), () => attempt(() => readLists({ again: true })));
byId("elsewhere-button").addEventListener("click", lookElsewhere);
byId("back-to-consents").addEventListener("click", () => showStep("consents"));
for (const button of document.querySelectorAll(".forget")) {
  button.addEventListener("click", () => forget(say("consents.forgotten")));
}
window.addEventListener("pagehide", () => forget(""));

byId("without-scripts").remove();
byId("app").hidden = false;
