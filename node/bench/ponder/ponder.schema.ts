// One row an event: who ended which leaf, and when.
import { onchainTable, primaryKey } from "ponder";

export const ending = onchainTable(
  "ending",
  (t) => ({
    who: t.hex().notNull(),
    leaf: t.hex().notNull(),
    endedAt: t.bigint().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.who, table.leaf] }) }),
);
