"""An allowance by signature (ERC-2612), the same for the ledger's token and its peer."""

from __future__ import annotations

from eth_account import Account
from web3.contract import Contract
from web3.contract.contract import ContractFunction

from node.wallet import Wallet

PERMIT = {
    "Permit": [
        {"name": "owner", "type": "address"},
        {"name": "spender", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
    ]
}
DEADLINE = 2**40


def sign_permit(owner: Wallet, token: Contract, spender: str, amount: int) -> ContractFunction:
    """The call that carries the owner's signature to the token."""
    name = token.functions.name().call()
    signed = Account.sign_typed_data(
        owner.account.key,
        domain_data={
            "name": name,
            "version": "1",
            "chainId": owner.web3.eth.chain_id,
            "verifyingContract": token.address,
        },
        message_types=PERMIT,
        message_data={
            "owner": owner.address,
            "spender": spender,
            "value": amount,
            "nonce": token.functions.nonces(owner.address).call(),
            "deadline": DEADLINE,
        },
    )
    r, s = signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")
    return token.functions.permit(owner.address, spender, amount, DEADLINE, signed.v, r, s)
