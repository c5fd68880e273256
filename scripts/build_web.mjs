// Bundles the pages: web/<page>/*.js and web/styles into web/static/build, ready to be served.
// Prints each file with its size as it travels, compressed.

import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));
const outdir = `${root}web/static/build`;

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: {
    me: "web/learner/page.js",
    requests: "web/requests/page.js",
    withdraw: "web/withdraw/page.js",
    rights: "web/rights/page.js",
    check: "web/check/page.js",
    handover: "web/handover/page.js",
    page: "web/styles/page.css",
    learner: "web/styles/learner.css",
    governance: "web/styles/governance.css",
    styleguide: "web/styles/styleguide.css",
    sign_in: "web/organisation/sign_in.js",
    sign_agreement: "web/organisation/sign_agreement.js",
    wallet_signature: "web/organisation/wallet_signature.js",
    wallet_calls: "web/organisation/wallet_calls.js",
    refused_form: "web/organisation/refused_form.js",
    organisation: "web/styles/organisation.css",
    docs: "web/docs/page.js",
  },
  outdir,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  charset: "utf8",
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
});

for (const path of Object.keys(metafile.outputs)) {
  const bytes = readFileSync(`${root}${path}`);
  const compressed = gzipSync(bytes, { level: 9 }).length;
  process.stdout.write(`${basename(path)}: ${bytes.length} bytes, ${compressed} compressed\n`);
}
