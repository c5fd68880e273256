"""Wiring: makes the parts of a node from its settings."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from indexer.chain import Chain
from indexer.runner import Indexer, Source
from node.config import Settings
from node.contracts import ALL_CONTRACTS, Deployment, load_deployment
from node.db import INDEXER_ROLE, role_engine
from protocol.identifiers import organisation_id
from protocol.types import OrganisationId


class NodeNotReady(Exception):
    """Something that the node needs has not been set up."""


@dataclass(frozen=True, slots=True)
class Node:
    """What is the same for all processes of a node."""

    settings: Settings
    deployment: Deployment
    operator: OrganisationId


def require_database_url(settings: Settings) -> str:
    """The database's address; raises NodeNotReady."""
    if settings.database_url is None:
        raise NodeNotReady("DATABASE_URL is not set: `ptx-ledger run` brings a database with it.")
    return settings.database_url


def load_node(settings: Settings) -> Node:
    """The node as it was prepared; raises DeploymentMissing."""
    deployment = load_deployment(settings.deployment_file)
    return Node(settings, deployment, organisation_id(settings.operator_did))


def make_source(node: Node) -> Source:
    """What the indexer follows."""
    if node.settings.chain_url is None:
        raise NodeNotReady("CHAIN_URL is not set: `ptx-ledger run` brings a chain with it.")
    deployment = node.deployment
    return Source(
        chain=Chain(node.settings.chain_url),
        addresses={name: deployment.address_bytes(name) for name in ALL_CONTRACTS},
        first_block=deployment.block_number,
        chain_id=deployment.chain_id,
        finality_blocks=node.settings.finality_blocks,
    )


def indexer_engine(settings: Settings) -> Engine:
    """Connections under the indexer's own database role."""
    return role_engine(require_database_url(settings), INDEXER_ROLE)


def make_indexer(node: Node) -> Indexer:
    """The indexer of the node."""
    return Indexer(indexer_engine(node.settings), make_source(node))
