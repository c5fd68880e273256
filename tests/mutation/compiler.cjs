// SPDX-License-Identifier: EUPL-1.2
//
// A compiler that stays: one line of standard JSON in, one line of its answer out. Loading the
// JavaScript build of solc takes longer than compiling a contract with it.

const path = require("node:path");
const readline = require("node:readline");

const solc = require(path.join(process.cwd(), "node_modules/solc"));

readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => process.stdout.write(`${solc.compile(line).replaceAll("\n", " ")}\n`));
