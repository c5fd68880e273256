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
};
