// What is the learner asked? Who asks for what, how long, under which notice, how sure it will be.

import { byId, element } from "../dom.js";
import { factList } from "../fact_list.js";
import { dataOf } from "../learner/document.js";
import { say, sayList, sayTime } from "../texts.js";

export const BY_AN_IDENTITY = "identified";

/** Shows a request that is open. No purpose is ticked before the learner ticks it. */
export function showQuestion(asked) {
  const { asking, notice } = asked;
  byId("title-question").textContent = say("requests.asks", { name: asking.name });
  byId("not-admitted").hidden = asking.admitted;
  byId("purposes").replaceChildren(...asked.purposes.map(choice));
  const span = { from: sayTime(asked.validFrom), until: sayTime(asked.validUntil) };
  byId("facts").replaceChildren(
    factList([
      [say("requests.whoAsks"), [asking.name, asking.did]],
      [say("requests.recipients"), asked.recipients.map(named(asked.recipientNames))],
      [say("consents.valid"), say("consents.span", span)],
      [say("consents.notice"), noticeLink(notice)],
      [say("consents.assurance"), say(`requests.assurance.${asked.minimumAssurance}`)],
      [say("requests.answerBy"), sayTime(asked.expiresAt)],
    ]),
  );
  byId("facts-to-check").replaceChildren(
    factList([
      [say("requests.noticeDigest"), notice.sha256],
      [say("requests.agreement"), asked.agreementId],
      [say("requests.organisation"), asking.organisationId],
    ]),
  );
  const guardian = byId("guardian-asked");
  guardian.checked = asked.guardianSigns;
  guardian.disabled = asked.guardianSigns;
  byId("identity-needed").hidden = asked.minimumAssurance !== BY_AN_IDENTITY;
}

/** The documents of the purposes that are ticked. */
export function chosenDocuments(asked) {
  const ticked = document.querySelectorAll("#purposes input:checked");
  return [...ticked].map(({ value }) => asked.purposes[Number(value)].document);
}

function choice({ purpose, document: wanted }, place) {
  const data = sayList(dataOf(wanted));
  const input = element("input", { type: "checkbox", id: `purpose-${place}`, value: place });
  const words = element("span", {}, purpose);
  if (data) {
    words.append(element("span", { className: "small" }, say("requests.withData", { data })));
  }
  return element("li", {}, element("label", { htmlFor: input.id }, input, words));
}

/** Organisations by their names, where the node knows one. */
function named(names) {
  return (did, place) => (names[place] ? `${names[place]} (${did})` : did);
}

function noticeLink({ reference, version }) {
  const text = say("requests.noticeVersion", { version });
  if (!/^https?:\/\//.test(reference)) return `${reference}, ${text}`;
  const link = { href: reference, target: "_blank", rel: "noopener noreferrer" };
  return element("span", {}, element("a", link, reference), `, ${text}`);
}
