// What Ponder reads, from the environment: node/bench/ponder.py sets it.
import { createConfig } from "ponder";
import { parseAbi } from "viem";

const { CHAIN_ID, CHAIN_URL, CONTRACT, DATABASE_URL } = process.env;
const { FIRST_BLOCK, LAST_BLOCK, LOGS_BLOCK_RANGE } = process.env;

export default createConfig({
  database: { kind: "postgres", connectionString: DATABASE_URL },
  chains: {
    ledger: {
      id: Number(CHAIN_ID),
      rpc: CHAIN_URL,
      ethGetLogsBlockRange: Number(LOGS_BLOCK_RANGE),
    },
  },
  contracts: {
    ConsentRegistry: {
      chain: "ledger",
      abi: parseAbi(["event ConsentEnded(address indexed who, bytes32 indexed leaf)"]),
      address: CONTRACT as `0x${string}`,
      startBlock: Number(FIRST_BLOCK),
      endBlock: Number(LAST_BLOCK),
    },
  },
});
