// How is a request of a person to an organisation shown? What was asked, until when the answer is
// due, and what it is.

import { element } from "../dom.js";
import { factList } from "../fact_list.js";
import { find, say, sayTime } from "../texts.js";

/** An item for a list; `about` names the consent, if it is about one that is known. */
export function requestItem(request, about = {}) {
  return element("li", {}, ...requestParts(request, about));
}

/** The same as parts: a heading line and the facts. */
export function requestParts(request, { purpose, issuerDid } = {}) {
  const { kind, organisation, receivedAt, rightsRequestId, reason } = request;
  const asked = find(`rights.kinds.${kind}`) ?? kind;
  return [
    element("p", {}, element("strong", {}, asked), element("br"), stateOf(request)),
    factList([
      [say("rights.about"), purpose],
      [say("rights.organisation"), issuerDid ?? organisation],
      [say("rights.receivedAt"), sayTime(receivedAt)],
      [say("rights.extended"), request.extensionReason],
      [say("rights.reason"), reason],
      [say("rights.number"), rightsRequestId],
    ]),
  ];
}

function stateOf({ state, dueAt, overdue, extendedAt, answeredAt }) {
  if (state !== "received") return say(`rights.states.${state}`, { time: sayTime(answeredAt) });
  const due = sayTime(dueAt);
  if (overdue) return say("rights.overdue", { due });
  return extendedAt === null ? say("rights.due", { due }) : say("rights.dueLater", { due });
}
