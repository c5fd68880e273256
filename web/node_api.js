// How does a page ask its node? JSON over HTTP; every failure becomes a problem in words.

import { NodeProblem, PageProblem } from "./problems.js";

const TIMEOUT_MS = 20_000;

/** The header by which a session's token is shown. */
export function bearer(token) {
  return { Authorization: `Bearer ${token}` };
}

/** GET a path; the answer's JSON. Throws PageProblem or NodeProblem. */
export function ask(path, headers) {
  return send("GET", path, undefined, headers);
}

/** POST a JSON value to a path; the answer's JSON. Throws PageProblem or NodeProblem. */
export function tell(path, body, headers) {
  return send("POST", path, body, headers);
}

async function send(method, path, body, shown = {}) {
  const headers = { Accept: "application/json", ...shown };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new PageProblem("unreachable");
  }
  let value = null;
  try {
    value = await response.json();
  } catch {
    // no JSON: told below, by its status
  }
  if (value === null || typeof value !== "object") {
    throw new PageProblem("unreadable", { status: response.status });
  }
  if (!response.ok) throw new NodeProblem(response.status, value);
  return value;
}
