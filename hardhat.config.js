// SPDX-License-Identifier: EUPL-1.2
import { fileURLToPath } from "node:url";

// The JavaScript build of the compiler; Hardhat wants its path absolute.
const soljson = fileURLToPath(new URL("./node_modules/solc/soljson.js", import.meta.url));

export default {
  paths: { sources: "contracts", tests: { solidity: "tests/solidity" } },
  solidity: {
    version: "0.8.30",
    path: soljson,
    // Governance is OpenZeppelin's as it stands; deployment needs its bytecode.
    npmFilesToBuild: [
      "@openzeppelin/contracts/access/manager/AccessManager.sol",
      "@openzeppelin/contracts/governance/TimelockController.sol",
    ],
    settings: {
      evmVersion: "paris", // no PUSH0, transient storage or mcopy: the chains are not beyond it
      optimizer: { enabled: true, runs: 1_000_000 },
      metadata: { bytecodeHash: "none" },
      outputSelection: { "*": { "*": ["storageLayout"] } },
    },
  },
  // Another EVM than forge's for the same tests; the campaigns are those of foundry.toml. It counts
  // calldata by EIP-7623 whatever the hardfork, so the script leaves out the ceilings of 1,000 and
  // 10,000 leaves, which hold for the rules before it.
  test: {
    solidity: {
      fsPermissions: { readDirectory: ["tests/vectors"] },
      isolate: true,
      fuzz: { runs: 1_000 },
      invariant: {
        runs: 20,
        depth: 64,
        failOnRevert: true,
        dictionaryWeight: 0,
        includeStorage: false,
        includePushBytes: false,
      },
    },
  },
};
