// Where is the reader, what happens, what went wrong? One step at a time, told to screen readers.

import { byId, showProblem } from "./dom.js";
import { inWords } from "./problems.js";
import { say } from "./texts.js";

/** Says what happens now. */
export function announce(text) {
  byId("status").textContent = text;
}

/** Shows the step with this name and no other, and moves to its heading. What the page says of
 * itself makes room once the reader has begun. */
export function showStep(name) {
  for (const each of document.querySelectorAll(".about")) each.open = name === "keys";
  for (const each of document.querySelectorAll("[data-step]")) {
    each.hidden = each.dataset.step !== name;
  }
  byId(`title-${name}`).focus();
}

/** Runs an act of the reader; what goes wrong is shown, and the page stays where it was. */
export async function attempt(act) {
  const place = byId("problem");
  place.hidden = true;
  try {
    await act();
  } catch (error) {
    announce("");
    showProblem(place, inWords(error), say("problems.todo"));
    place.scrollIntoView({ block: "nearest" });
  }
}
