// What can be asked about one consent, besides its withdrawal? Erasure of its record, and an
// objection to the use of its data: the organisation must answer in time.

import { byId, element } from "../dom.js";
import { say } from "../texts.js";
import { confirmIn } from "./confirm_dialog.js";

const KINDS = ["erasures", "objections"];

/** The buttons of one consent; `onAsk(kind)` is called when one is pressed. */
export function rightsOf(purpose, open, onAsk) {
  const buttons = KINDS.map((kind) => {
    const button = element(
      "button",
      {
        type: "button",
        className: "quiet",
        "aria-label": say(`rights.ask.${kind}.this`, { purpose }),
      },
      say(`rights.ask.${kind}.button`),
    );
    button.addEventListener("click", () => onAsk(kind));
    return button;
  });
  return element(
    "details",
    { className: "rights", open },
    element("summary", {}, say("rights.title")),
    element("p", {}, say("rights.explain")),
    element("div", { className: "actions" }, ...buttons),
  );
}

/** Asks whether to send it, and why: {reason}, null unless the learner is sure. */
export async function askInDialog(kind, purpose) {
  byId("rights-title").textContent = say(`rights.ask.${kind}.title`);
  byId("rights-effect").textContent = say(`rights.ask.${kind}.effect`);
  byId("rights-purpose").textContent = purpose;
  const field = byId("rights-reason");
  field.value = "";
  if (!(await confirmIn("rights"))) return null;
  return { reason: field.value.trim() || null };
}
