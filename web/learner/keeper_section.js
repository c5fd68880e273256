// What does one operator keep for the learner, as a whole? Of when it is, a copy of everything to
// take along, and what was asked of organisations there, with its deadline.

import { element, onPress, showProblem } from "../dom.js";
import { saveFile } from "../files.js";
import { inWords } from "../problems.js";
import { announce } from "../progress.js";
import { say, sayTime } from "../texts.js";
import { requestItem } from "../rights/request_item.js";

const TYPES = { json: "application/json", pdf: "application/pdf" };

/** The section of an operator, for one session with its keys. */
export class KeeperSection {
  #session;
  #asOf = element("p", { className: "small" });
  #problem = element("div", { className: "problem", role: "alert", hidden: true });
  #asked = element("div", { hidden: true });

  constructor(session, operator) {
    this.#session = session;
    const heading = element("h3", { id: `keeper-${operator.id}` }, say("keeper.title"));
    heading.append(" ", element("code", {}, operator.did));
    this.root = element(
      "section",
      { className: "keeper", "aria-labelledby": heading.id },
      heading,
      this.#problem,
      this.#asOf,
      session.isFiled ? element("p", {}, say("keeper.filed")) : this.#exports(operator),
      this.#asked,
    );
  }

  showAsOf(time) {
    this.#asOf.textContent = say("consents.asOf", { time: sayTime(time) });
  }

  /** Says what went wrong here; null takes the message away. */
  showProblem(problem) {
    if (problem) showProblem(this.#problem, problem, say("problems.todo"));
    else this.#problem.hidden = true;
  }

  /** `about(leaf)` names the consent and its issuer: {purpose, issuerDid}. */
  showRequests(requests, about) {
    const items = requests.map((request) => requestItem(request, about(request.leaf)));
    this.#asked.hidden = items.length === 0;
    this.#asked.replaceChildren(
      element("h4", {}, say("rights.asked")),
      element("ul", { className: "asked" }, ...items),
    );
  }

  #exports(operator) {
    const buttons = [
      ["json", say("keeper.json")],
      ["pdf", say("keeper.pdf")],
    ].map(([format, words]) => {
      const button = element("button", { type: "button", className: "quiet" }, words);
      onPress(button, () => this.#export(format, operator));
      return button;
    });
    return element(
      "div",
      {},
      element("p", {}, say("keeper.export")),
      element("div", { className: "actions" }, ...buttons),
    );
  }

  async #export(format, { did }) {
    announce(say("keeper.exporting"));
    try {
      const file = await this.#session.exported(format);
      const day = new Date().toISOString().slice(0, 10);
      const name = say("keeper.name", { operator: did.replace(/[^\w.-]/g, "-"), day });
      saveFile(`${name}.${format}`, file, TYPES[format]);
      this.showProblem(null);
      announce(say("keeper.exported"));
    } catch (error) {
      this.showProblem(inWords(error));
      announce("");
    }
  }
}
