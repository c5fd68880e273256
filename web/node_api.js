// How does a page ask a node? JSON over HTTP; every failure becomes a problem in words. A path asks
// the page's own node, an address another operator's.

import { NodeProblem, PageProblem } from "./problems.js";

const TIMEOUT_MS = 20_000;

/** The header by which a session's token is shown. */
export function bearer(token) {
  return { Authorization: `Bearer ${token}` };
}

/** GET a path or an address; the answer's JSON. Throws PageProblem or NodeProblem. */
export function ask(path, headers) {
  return send("GET", path, undefined, headers);
}

/** POST a JSON value to one; the answer's JSON. Throws PageProblem or NodeProblem. */
export function tell(path, body, headers) {
  return send("POST", path, body, headers);
}

/** GET a file; its Blob, whatever it is. Throws PageProblem or NodeProblem. */
export async function askFile(path, headers) {
  const response = await reach("GET", path, undefined, { Accept: "*/*", ...headers });
  if (!response.ok) await readAnswer(response);
  try {
    return await response.blob();
  } catch {
    throw new PageProblem("unreachable");
  }
}

async function send(method, path, body, shown) {
  return readAnswer(await reach(method, path, body, { Accept: "application/json", ...shown }));
}

async function reach(method, path, body, shown) {
  // The node's own words, too, in the page's language.
  const headers = { "Accept-Language": document.documentElement.lang, ...shown };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(path, {
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
}

async function readAnswer(response) {
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
