// The learner's page, step by step: come by one's keys, see the consents, withdraw. What is secret
// lives in the variables of these modules and is wiped on "forget", when the page closes, or in
// time.

import { byId, onPress } from "../dom.js";
import { announce, attempt, showStep } from "../progress.js";
import { say } from "../texts.js";
import { ConsentList } from "./consent_list.js";
import { readPlace } from "./place.js";
import { SignIn } from "./sign_in.js";

const { operator, ledger } = readPlace();
const signIn = new SignIn(operator, {
  onReady: openList,
  onTimeUp: () => forget(say("consents.timeUp")),
});

/** The session and its list; null as long as there are no keys. */
let visit = null;

function forget(message) {
  signIn.forget();
  visit?.list.close();
  visit = null;
  byId("problem").hidden = true;
  byId("withdraw-dialog").close();
  showStep("keys");
  announce(message);
}

async function openList(session, found, note) {
  visit?.list.close();
  visit = { session, found, list: new ConsentList(session, ledger) };
  showStep("consents");
  announce(note);
  await readList(visit, note);
}

async function lookAgain() {
  const own = visit;
  own.found = await own.session.scan((count) => {
    if (visit === own) announce(say("consents.looking", { count }));
  });
  if (visit === own) await readList(own);
}

async function readList(own, note = "") {
  const count = await own.list.read();
  if (visit !== own) return;
  byId("nothing-here").hidden = count > 0;
  const { tried, complete } = own.found;
  const incomplete = complete ? "" : say("consents.incomplete", { count: tried });
  const found = count > 0 ? say("consents.found", { count }) : say("consents.none");
  announce([note, found, incomplete].filter(Boolean).join(" "));
}

onPress(byId("refresh-button"), () => attempt(lookAgain));
for (const button of document.querySelectorAll(".forget")) {
  button.addEventListener("click", () => forget(say("consents.forgotten")));
}
window.addEventListener("pagehide", () => forget(""));

byId("without-scripts").remove();
byId("app").hidden = false;
