"""Acts of the governance: every admin function is called by the timelock, so an act is scheduled by
a proposer and executed once its delay has passed (OpenZeppelin TimelockController)."""

from __future__ import annotations

import secrets
import time

from web3 import Web3
from web3.contract.contract import ContractFunction

from node.contracts import Deployment
from node.multi_signature import MultiSignature
from node.wallet import Receipt

NO_PREDECESSOR = b"\0" * 32
DELAY_WAIT_SECONDS_MAX = 60


class DelayTooLong(Exception):
    """The timelock's delay is longer than anyone would wait for at a prompt."""


def execute_through_timelock(
    proposer: MultiSignature, deployment: Deployment, function: ContractFunction
) -> tuple[Receipt, Receipt]:
    """Schedules one act by the proposer's owners and executes it, as anyone may; both receipts.

    Raises TransactionReverted with the decoded reason, or DelayTooLong (the act is then scheduled).
    """
    timelock = deployment.contract(proposer.web3, "TimelockController")
    delay = timelock.functions.getMinDelay().call()
    act = (function.address, 0, Web3.to_bytes(hexstr=function._encode_transaction_data()))
    salt = secrets.token_bytes(32)
    scheduled = proposer.call(timelock.functions.schedule(*act, NO_PREDECESSOR, salt, delay))
    if delay > DELAY_WAIT_SECONDS_MAX:
        raise DelayTooLong(
            f"Scheduled; the timelock's delay is {delay} s. Execute it after that, salt "
            f"0x{salt.hex()}."
        )
    time.sleep(delay)
    return scheduled, proposer.wallet.call(timelock.functions.execute(*act, NO_PREDECESSOR, salt))
