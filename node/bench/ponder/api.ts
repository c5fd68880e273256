// Ponder does not start without an API of at least nothing. It wants this file at src/api/index.ts,
// where node/bench/ponder.py puts it.
import { Hono } from "hono";

export default new Hono();
