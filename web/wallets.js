// Which wallets are in this browser, and how are they asked? EIP-6963 finds them, EIP-1193 asks.

import { PageProblem } from "./problems.js";
import { toHex, utf8ToBytes } from "./protocol/bytes.js";
import { withLedgersV } from "./protocol/wallet_signatures.js";

const DECLINED = 4001;
const NOT_AUTHORISED = 4100;
const UNSUPPORTED = [4200, -32601];
const STILL_OPEN = -32002;
const NAME_LENGTH_MAX = 60;

/** Calls `onFound(wallet)` for each wallet that announces itself, now or later. */
export function discoverWallets(onFound) {
  const known = new Set();
  window.addEventListener("eip6963:announceProvider", ({ detail }) => {
    if (!detail?.info?.uuid || !detail.provider || known.has(detail.info.uuid)) return;
    known.add(detail.info.uuid);
    const { name, icon } = detail.info;
    onFound({
      name: String(name ?? "").slice(0, NAME_LENGTH_MAX),
      icon: /^data:image\//.test(icon ?? "") ? icon : null,
      provider: detail.provider,
    });
  });
  window.dispatchEvent(new Event("eip6963:requestProvider"));
}

/** The address of the first account that the wallet shows to this page. */
export async function connect(wallet) {
  const accounts = await request(wallet, "eth_requestAccounts", []);
  const account = Array.isArray(accounts) ? accounts[0] : undefined;
  if (!/^0x[0-9a-fA-F]{40}$/.test(account ?? "")) throw new PageProblem("walletLocked");
  return account;
}

/** The wallet's signature of a text that it shows (EIP-191), 0x-hex with v as the ledger has it. */
export async function signText(wallet, account, text) {
  return withLedgersV(await request(wallet, "personal_sign", [toHex(utf8ToBytes(text)), account]));
}

/** The wallet's signature of typed data, 0x-hex with v as the ledger has it.
 *
 * Some wallets sign only for the network that they are set to; such a one is asked to change it.
 */
export async function signTypedData(wallet, account, message) {
  const { chainId } = message.domain;
  const parameters = [account, JSON.stringify(message)];
  const ask = async () =>
    withLedgersV(await request(wallet, "eth_signTypedData_v4", parameters, chainId));
  try {
    return await ask();
  } catch (error) {
    if (error.name !== "walletNetwork") throw error;
    await switchNetwork(wallet, chainId);
    return ask();
  }
}

/** Sends a transaction {from, to, data} without value; its hash. Never on another network. */
export async function sendTransaction(wallet, transaction, chainId) {
  if (Number(await request(wallet, "eth_chainId", [])) !== chainId) {
    await switchNetwork(wallet, chainId);
    const switched = Number(await request(wallet, "eth_chainId", []));
    if (switched !== chainId) throw new PageProblem("walletNetwork", { chainId });
  }
  return request(wallet, "eth_sendTransaction", [transaction], chainId);
}

/** The receipt of a transaction; null while it is in no block. */
export function receiptOf(wallet, hash) {
  return request(wallet, "eth_getTransactionReceipt", [hash]);
}

async function switchNetwork(wallet, chainId) {
  const parameters = [{ chainId: `0x${chainId.toString(16)}` }];
  try {
    await wallet.provider.request({ method: "wallet_switchEthereumChain", params: parameters });
  } catch (error) {
    if (error?.code === DECLINED) throw new PageProblem("declined");
    throw new PageProblem("walletNetwork", { chainId });
  }
}

async function request(wallet, method, parameters, chainId) {
  try {
    return await wallet.provider.request({ method, params: parameters });
  } catch (error) {
    throw problemOf(error, chainId);
  }
}

function problemOf(error, chainId) {
  const code = error?.code;
  const detail = String(error?.message ?? error ?? "");
  if (code === DECLINED) return new PageProblem("declined");
  if (code === STILL_OPEN) return new PageProblem("walletBusy");
  if (code === NOT_AUTHORISED) return new PageProblem("walletLocked");
  if (chainId !== undefined && /chain ?id/i.test(detail)) {
    return new PageProblem("walletNetwork", { chainId });
  }
  if (UNSUPPORTED.includes(code)) return new PageProblem("walletUnable");
  return new PageProblem("walletFailed", { detail });
}
