// Asks an organisation without keys: what is wanted, how it reaches the person. The answer gives a
// link that shows where the request stands; its token stands behind the #, where no log has it.

import { byId, element, onPress, onSubmit } from "../dom.js";
import { ask, tell } from "../node_api.js";
import { PageProblem } from "../problems.js";
import { announce, attempt, showStep } from "../progress.js";
import { organisationId } from "../protocol/typed_data.js";
import { say } from "../texts.js";
import { requestParts } from "./request_item.js";

const TOKEN = /^[\w-]{43}$/;
const ADDRESS = /^https?:\/\//;
const PAGE_MAX = 100;
const PAGES_MAX = 10;

/** The token of the request that is shown. */
let token = location.hash.slice(1);

/** The DIDs of the organisations that the list offers, by what it calls them. */
const offered = new Map();

/** Offers the organisations of the data space, so that nobody has to type a DID: those of this node
 * by their names, with the DID where several have the same one. */
async function offerNames() {
  let after = "";
  for (let page = 0; page < PAGES_MAX && after !== null; page += 1) {
    const from = after && `&after=${after}`;
    const { items, next } = await ask(`/v1/participants?limit=${PAGE_MAX}${from}`);
    for (const { did, name } of items) {
      offered.set(name && !offered.has(name) ? name : name ? `${name} (${did})` : did, did);
    }
    after = next;
  }
  byId("organisations").append(...[...offered.keys()].map((value) => element("option", { value })));
}

async function send() {
  const named = byId("rights-organisation").value.trim();
  const did = offered.get(named) ?? named;
  const [kind, message, contact] = ["kind", "message", "contact"].map((name) =>
    byId(`rights-${name}`).value.trim(),
  );
  if (!did || !message || !contact) throw new PageProblem("rightsIncomplete");
  announce(say("rights.sending"));
  byId("rights-elsewhere").hidden = true;
  const id = organisationId(did);
  let answer;
  try {
    answer = await tell(`/v1/organisations/${id}/rights-requests`, { kind, message, contact });
  } catch (error) {
    throw error.slug === "participant-not-found" ? await lookElsewhere(did, id) : error;
  }
  token = answer.token;
  history.replaceState(null, "", `#${token}`);
  byId("rights-form").reset();
  await show(answer.request);
}

/** Why an organisation is not asked here; the address of one with a node of its own is shown. */
async function lookElsewhere(did, id) {
  let serviceAddress;
  try {
    ({ serviceAddress } = await ask(`/v1/participants/${id}`));
  } catch (error) {
    const isUnknown = error.slug === "participant-not-found";
    return isUnknown ? new PageProblem("rightsUnknown", { did }) : error;
  }
  if (!ADDRESS.test(serviceAddress ?? "")) return new PageProblem("rightsNowhere", { did });
  const link = byId("rights-elsewhere-link");
  link.href = `${serviceAddress.replace(/\/$/, "")}/rights`;
  link.textContent = link.href;
  byId("rights-elsewhere").hidden = false;
  return new PageProblem("rightsElsewhere", { did });
}

async function follow() {
  announce(say("withdrawal.looking"));
  await show(await ask("/v1/rights-requests/by-token", { "Reference-Token": token }));
}

async function show(request) {
  const { did } = await ask(`/v1/participants/${request.organisation}`);
  byId("rights-state").replaceChildren(...requestParts(request, { issuerDid: did }));
  byId("rights-link").href = byId("rights-link").textContent = location.href;
  showStep("state");
  announce("");
}

function startOver() {
  history.replaceState(null, "", location.pathname + location.search);
  byId("problem").hidden = true;
  showStep("ask");
  announce("");
}

window.addEventListener("hashchange", () => location.reload());
onSubmit(byId("rights-form"), () => attempt(send));
onPress(byId("rights-again"), () => attempt(follow));
byId("rights-another").addEventListener("click", startOver);
byId("without-scripts").remove();
byId("app").hidden = false;
attempt(TOKEN.test(token) ? follow : offerNames);
