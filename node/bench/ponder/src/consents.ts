// The plain insert that Ponder's documentation recommends: it asks for no row before, and Ponder
// gathers the rows and copies them in by batches.
import { ponder } from "ponder:registry";
import { ending } from "ponder:schema";

ponder.on("ConsentRegistry:ConsentEnded", async ({ event, context }) => {
  await context.db.insert(ending).values({
    who: event.args.who,
    leaf: event.args.leaf,
    endedAt: event.block.timestamp,
  });
});
