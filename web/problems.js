// What went wrong, in words, and what can one do about it?
//
//   Error
//   └── Problem            what(), remedy: shown to the learner
//       ├── PageProblem    known to this page: the texts under "problems"
//       └── NodeProblem    told by the node: a problem document (RFC 9457)

import { say } from "./texts.js";

/** An error that has words for a learner. */
export class Problem extends Error {
  constructor(what, remedy) {
    super(what);
    this.remedy = remedy;
  }
}

/** A problem that this page knows by name. */
export class PageProblem extends Problem {
  constructor(name, values) {
    super(say(`problems.${name}.what`, values), say(`problems.${name}.remedy`, values));
    this.name = name;
  }
}

/** A problem that the node told. */
export class NodeProblem extends Problem {
  constructor(status, document) {
    super(document.detail ?? document.title, document.remedy ?? null);
    this.status = status;
    this.values = document.values ?? {};
    this.slug = String(document.type ?? "").replace("/problems/", "");
  }
}

/** Any error as one with words. */
export function inWords(error) {
  if (error instanceof Problem) return error;
  return new PageProblem("unexpected", { detail: error?.message ?? String(error) });
}
