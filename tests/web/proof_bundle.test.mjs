// Does the page say the same of a proof file as protocol/bundle_verification.py, section by
// section?

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { kindOf } from "../../web/check/given_file.js";
import { fromHex } from "../../web/protocol/bytes.js";
import { verifyInclusion } from "../../web/protocol/merkle.js";
import { proofsHeld, verifyBundle, verifyRecord } from "../../web/protocol/proof_bundle.js";

const VECTORS = new URL("../vectors/", import.meta.url);
const read = (path) => JSON.parse(readFileSync(new URL(path, VECTORS), "utf8"));
const said = (bundle) =>
  Object.fromEntries(verifyBundle(bundle).map(({ name, result }) => [name, result]));

const trees = readdirSync(new URL("merkle/", VECTORS)).filter((name) => name.startsWith("tree-"));

for (const file of trees) {
  test(`every leaf of ${file} stands under its root, and nowhere else`, () => {
    const { size, leaves, root, paths } = read(`merkle/${file}`);
    leaves.forEach((leaf, index) => {
      const path = paths[index].map(fromHex);
      const at = (place, of = size) =>
        verifyInclusion(fromHex(leaf), place, of, path, fromHex(root));
      assert.ok(at(index));
      for (let other = -1; other <= size; other += 1) {
        if (other !== index) assert.ok(!at(other), `leaf ${index} at ${other}`);
      }
      assert.ok(!at(index + 0.5));
      const longer = [...path, fromHex(root)];
      assert.ok(!verifyInclusion(fromHex(leaf), index, size, longer, fromHex(root)));
    });
  });
}

for (const name of ["signed", "attested", "ended", "guarded"]) {
  test(`the ${name} bundle is what Python finds`, () => {
    const { bundle, sections } = read(`proof_bundles/${name}.json`);
    assert.deepEqual(said(bundle), sections);
    assert.ok(!Object.values(sections).includes("failed"));
  });
}

test("who signs along is told, and is nobody but a second person", () => {
  const { sections } = read("proof_bundles/guarded.json");
  assert.equal(sections["guardian-signature"], "ok");
  assert.ok(!("guardian-signature" in read("proof_bundles/signed.json").sections));
  const own = read("proof_bundles/guarded_by_holder.json");
  assert.equal(own.sections.record, "failed");
  assert.deepEqual(said(own.bundle), own.sections);
});

for (const file of ["damaged", "damaged_guarded"]) {
  const { of, cases } = read(`proof_bundles/${file}.json`);
  for (const { damage, changes, sections } of cases) {
    test(`${of}, ${damage}: the same sections fail as in Python`, () => {
      const { bundle } = read(`proof_bundles/${of}.json`);
      changes.forEach((change) => damageAt(bundle, change));
      assert.ok(Object.values(sections).includes("failed"));
      assert.deepEqual(said(bundle), sections);
    });
  }
}

/** Without a value, what stands at the path is taken away. */
function damageAt(bundle, { path, value }) {
  const place = path.slice(0, -1).reduce((part, step) => part[step], bundle);
  if (value === undefined) delete place[path.at(-1)];
  else place[path.at(-1)] = value;
}

test("what is no bundle at all fails as a whole, and throws nothing", () => {
  for (const value of [null, 1, "text", [], {}, { format: "ptx-proof-bundle", version: 1 }]) {
    assert.deepEqual(said(value), { format: "failed" });
  }
});

for (const name of ["signed", "attested", "guarded"]) {
  test(`a record of the ${name} bundle that stands alone proves what it proves there`, () => {
    const { bundle, sections } = read(`proof_bundles/${name}.json`);
    const { chainId, registry, record, leaf } = bundle;
    const alone = verifyRecord({ chainId, registry, record, leaf });
    assert.deepEqual(alone.at(-1), { name: "leaf", result: "ok" });
    for (const { name, result } of alone) assert.equal(result, sections[name], name);
    const failed = (value) => verifyRecord(value).filter(({ result }) => result === "failed");
    const document = { ...record.document, recipients: ["did:web:evil.example"] };
    const changed = { ...record, document };
    assert.equal(failed({ chainId, registry, record: changed, leaf })[0].name, "record");
    assert.equal(failed({ chainId: chainId + 1, registry, record, leaf })[0].name, "leaf");
    assert.equal(failed({ chainId, registry, record: {}, leaf })[0].name, "record");
  });
}

test("a good file of another kind is called by its kind", () => {
  const { bundle } = read("proof_bundles/signed.json");
  const consents = [{ status: { leaf: bundle.leaf }, record: bundle.record }];
  const copy = { operatorDid: "did:web:one.example", asOf: bundle.asOf, consents };
  const kinds = [
    [bundle, "proof"],
    [{ format: bundle.format }, "proof"],
    [copy, "export"],
    [{ ...copy, consents: [{}] }, "other"],
    [bundle.record, "record"],
    [{ kind: "recovery", salt: "0x", nonce: "0x", sealed: "0x" }, "keys"],
    [{ leaf: bundle.leaf, endedBy: null, endedAt: 1 }, "receipt"],
    ...[null, 1, "text", [1, 2], {}].map((value) => [value, "other"]),
  ];
  for (const [value, kind] of kinds) assert.equal(kindOf(value), kind, JSON.stringify(value));
});

test("proofs of the chain are named where they are, and not believed", () => {
  const { bundle } = read("proof_bundles/signed.json");
  assert.deepEqual(proofsHeld(bundle), []);
  const more = { ...bundle, blockHeader: "0x00", seals: {} };
  assert.deepEqual(proofsHeld(more), ["block-header", "seals"]);
  assert.equal(said(more)["block-header"], "not-checked");
});
