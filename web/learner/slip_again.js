// The withdrawal slip of a consent that is still in force, signed again by its own key: whoever has
// lost the first one takes another. Both do the same, once.

import { element } from "../dom.js";
import { slipCard } from "../requests/slip_list.js";
import { say } from "../texts.js";

/** Opens to the slip; `makeSlip()` signs it then, and not before. */
export function slipOf(held, leaf, open, makeSlip) {
  const place = element("div", {});
  const details = element(
    "details",
    { className: "slip-again" },
    element("summary", {}, say("slips.again")),
    place,
  );
  details.addEventListener("toggle", () => {
    if (!details.open || place.hasChildNodes()) return;
    const signed = { record: held, leaf, slip: makeSlip() };
    const list = element("ul", { className: "slips" }, slipCard(signed));
    place.append(element("p", {}, say("slips.warning")), list);
  });
  details.open = open;
  return details;
}
