// A consent request, from its link to its answer. Nothing is granted before the records are sent,
// and what is sent again after a silence is the same to the byte: the node takes it once.

import { byId, element, onPress } from "../dom.js";
import { confirmIn } from "../learner/confirm_dialog.js";
import { purposeOf } from "../learner/document.js";
import { readPlace } from "../learner/place.js";
import { SignIn } from "../learner/sign_in.js";
import { PageProblem } from "../problems.js";
import { announce, attempt, showStep } from "../progress.js";
import { say, sayList } from "../texts.js";
import { offerIdentities } from "./identity.js";
import { takeTurn } from "./key_turn.js";
import { offerNewKeys } from "./new_keys.js";
import { BY_AN_IDENTITY, chosenDocuments, showQuestion } from "./question.js";
import { grant, isToken, readRequest, refuse } from "./request.js";
import { Signing } from "./signing.js";
import { showSlips } from "./slip_list.js";

const CLOSED = {
  "consent-request-not-found": "unknown",
  "consent-request-answered": "answered",
  "consent-request-expired": "expired",
};

const token = location.hash.slice(1);
const { operator, ledger } = readPlace();
const signIn = new SignIn(operator, { onReady: sign, onTimeUp: backToQuestion });

let asked = null;
/** Who signs which documents; another one begins with each yes. */
let signing = null;
/** Whose keys were asked for last. Whoever waits for an answer sees that it is not this turn's. */
let turn = null;
/** What was signed: [{record, leaf, slip}]. */
let signed = [];
/** Lets another tab take the keys that come next. */
let endTabsTurn = () => {};

async function open() {
  if (!isToken(token)) return close("unknown");
  announce(say("requests.loading"));
  await unlessClosed(async () => {
    asked = await readRequest(token, ledger);
    if (asked.state !== "sent") return close(asked.state === "expired" ? "expired" : "answered");
    showQuestion(asked);
    showStep("question");
    announce("");
  }).finally(() => {
    byId("open-again").hidden = false;
  });
}

async function accept() {
  const documents = chosenDocuments(asked);
  if (documents.length === 0) throw new PageProblem("nothingChosen");
  // Read before the dialogue: the second press of a double click may land on what lay beneath it.
  const hasGuardian = byId("guardian-asked").checked;
  const names = documents.map((each) => element("li", {}, purposeOf(each)));
  byId("accept-purposes").replaceChildren(...names);
  if (!(await confirmIn("accept"))) return;
  signing = new Signing(asked, documents, hasGuardian);
  if (asked.minimumAssurance === BY_AN_IDENTITY) showStep("identity");
  else askForKeys();
}

function useIdentity(identity) {
  if (signing === null) return;
  signing.identity = identity;
  askForKeys();
}

/** Whose keys are wanted now, the learner's or the guardian's, stands in the step's title. */
function askForKeys() {
  const { turn: whose } = signing;
  turn = {};
  byId("title-keys").textContent = whose ? say(`guardian.turns.${whose}.title`) : say("ways.title");
  byId("turn").textContent = whose ? say(`guardian.turns.${whose}.explain`) : "";
  byId("turn").hidden = whose === null;
  signIn.forget();
  byId("problem").hidden = true;
  showStep("keys");
  announce("");
}

async function decline() {
  if (!(await confirmIn("decline"))) return;
  announce(say("requests.sending"));
  await unlessClosed(async () => {
    await answering(() => refuse(token));
    showStep("refused");
    announce("");
  });
}

/** With the keys at hand: one of them signs each consent, and its slip, here in the page. */
async function sign(session) {
  const own = turn;
  if (session.isSilent && signing.turn !== "guardian" && !(await takeKeys(session, own))) return;
  if (!signing.take(session)) return askForKeys();
  if (!session.isSilent) announce(say("ownAddress.asking"));
  const made = await signing.sign();
  if (turn !== own) return;
  signed = made;
  signIn.forget();
  showStep("sending");
  await send();
}

/** Waits until no other tab takes one-time keys, and sees which are in use by then; false if the
 * learner turned to something else meanwhile. */
async function takeKeys(session, own) {
  announce(say("requests.waiting"));
  endTabsTurn();
  const end = await takeTurn(operator.id);
  if (turn === own) await session.scan(() => {});
  if (turn === own) endTabsTurn = end;
  else end();
  return turn === own;
}

async function send() {
  byId("send-again").hidden = true;
  announce(say("requests.sending"));
  await unlessClosed(async () => {
    await answering(() => grant(token, signed));
    showGranted();
    forgetKeys();
    showStep("granted");
    announce("");
  }).finally(() => {
    byId("send-again").hidden = false;
  });
}

function showGranted() {
  const others = asked.purposes.filter(({ document }) => !signing.documents.includes(document));
  const purposes = sayList(others.map(({ purpose }) => purpose));
  byId("title-granted").textContent = say("requests.granted", { count: signed.length });
  byId("not-given").hidden = purposes === null;
  byId("not-given").textContent = say("requests.notGiven", { purposes });
  byId("guardian-keeps").hidden = !signing.hasGuardian;
  showSlips(signed);
}

/** Runs an act on the request; that it is over, or was never one, is told in its own step. */
async function unlessClosed(act) {
  try {
    await act();
  } catch (error) {
    if (!(error.slug in CLOSED)) throw error;
    close(CLOSED[error.slug]);
  }
}

/** Sends an answer; whether one arrived that got no reply is not known. */
async function answering(act) {
  try {
    await act();
  } catch (error) {
    if (["unreachable", "unreadable"].includes(error.name)) throw new PageProblem("noAnswer");
    throw error;
  }
}

function close(why) {
  forgetKeys();
  byId("title-closed").textContent = say(`requests.closed.${why}.title`);
  byId("closed-means").textContent = say(`requests.closed.${why}.means`);
  showStep("closed");
  announce("");
}

function forgetKeys() {
  endTabsTurn();
  signIn.forget();
  signing?.forget();
  signing = null;
  turn = null;
  signed = [];
}

function backToQuestion() {
  forgetKeys();
  byId("problem").hidden = true;
  showStep("question");
  announce("");
}

// The token goes along to the same page in another language; another token is another request.
for (const link of document.querySelectorAll(".languages a")) link.hash = location.hash;
window.addEventListener("hashchange", () => location.reload());
window.addEventListener("pagehide", forgetKeys);
// A page that the browser brings back from memory may ask what is answered since.
window.addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

onPress(byId("open-again"), () => attempt(open));
onPress(byId("accept-button"), () => attempt(accept));
onPress(byId("decline-button"), () => attempt(decline));
onPress(byId("send-again"), () => attempt(send));
offerNewKeys(signIn, operator);
offerIdentities(() => asked, useIdentity);
byId("print-button").addEventListener("click", () => window.print());
for (const [kind, act] of [
  ["forget", askForKeys],
  ["to-question", backToQuestion],
]) {
  for (const button of document.getElementsByClassName(kind)) button.addEventListener("click", act);
}

byId("without-scripts").remove();
byId("app").hidden = false;
attempt(open);
