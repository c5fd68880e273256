// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

/// @title Data-use agreements
/// @notice An agreement's id is the EIP-712 digest of its terms, so whoever signs the id has signed the terms. The terms
/// travel in calldata and events; the chain keeps one packed slot for the state and one for each party.
interface IAgreementRegistry {
    /// @notice What one commons (or the service on top of it) costs.
    /// @param payee Organisation id of a party.
    /// @param category Number of the commons category, which gives the commission's rate.
    /// @param unitPrice Base units of the usage token (6 decimals) for one unit of use.
    /// @param freeUnits Units of use in each period that cost nothing.
    struct PriceLine {
        address payee;
        uint16 category;
        uint64 unitPrice;
        uint64 freeUnits;
    }

    /// @notice What the parties sign, as EIP-712
    /// `Terms(address[] parties,uint64 validFrom,uint64 validUntil,bytes32 policyHash,bytes32 documentHash,bytes32 rulebook,bytes32 parent,bytes32 salt,PriceLine[] lines)`.
    /// @param parties Organisation ids, strictly ascending, 2 to 32.
    /// @param validFrom Unix seconds, inclusive.
    /// @param validUntil Unix seconds, exclusive.
    /// @param policyHash SHA-256 of the canonical JSON (RFC 8785) of the ODRL policies.
    /// @param documentHash SHA-256 of the canonical JSON of the contract document as received.
    /// @param rulebook Version of the rulebook; zero if none.
    /// @param parent Id of the agreement that this one supplements; zero if none.
    struct Terms {
        address[] parties;
        uint64 validFrom;
        uint64 validUntil;
        bytes32 policyHash;
        bytes32 documentHash;
        bytes32 rulebook;
        bytes32 parent;
        bytes32 salt;
        PriceLine[] lines;
    }

    /// @notice Where an agreement stands. Expiry is a matter of time and needs no transaction.
    enum State {
        Unknown,
        Proposed,
        Active,
        Suspended,
        Terminated
    }

    /// @notice One slot: state 8 | partyCount 8 | signatureCount 8 | validFrom 64 | validUntil 64 | changedAt 40
    /// (from the lowest bit).
    /// @param changedAt Unix seconds of the last change of state.
    struct Agreement {
        State state;
        uint8 partyCount;
        uint8 signatureCount;
        uint64 validFrom;
        uint64 validUntil;
        uint40 changedAt;
    }

    /// @notice One slot: isParty 8 | signedAt 40 | suspendedAt 40 (from the lowest bit).
    /// @param suspendedAt Unix seconds at which this party asked for a suspension; 0 none in force.
    struct Party {
        bool isParty;
        uint40 signedAt;
        uint40 suspendedAt;
    }

    event AgreementProposed(bytes32 indexed agreementId, bytes32 indexed parent, Terms terms);
    event AgreementSigned(
        bytes32 indexed agreementId, address indexed organisation, address signer
    );
    event AgreementActivated(bytes32 indexed agreementId);
    event AgreementSuspended(
        bytes32 indexed agreementId, address indexed organisation, bytes32 reasonHash
    );
    event AgreementResumed(bytes32 indexed agreementId, address indexed organisation);
    event AgreementTerminated(
        bytes32 indexed agreementId, address indexed organisation, bytes32 reasonHash
    );

    error AgreementRegistry_AlreadyProposed(bytes32 agreementId);
    error AgreementRegistry_PartyCountInvalid(uint256 count, uint256 minimum, uint256 maximum);
    error AgreementRegistry_PartiesNotAscending(uint256 index);
    error AgreementRegistry_PartyNotAdmitted(address organisation);
    error AgreementRegistry_PayeeNotParty(uint256 line, address payee);
    error AgreementRegistry_TooManyLines(uint256 count, uint256 maximum);
    error AgreementRegistry_ValidityInvalid(uint64 validFrom, uint64 validUntil, uint256 blockTime);
    error AgreementRegistry_ParentInvalid(bytes32 parent);
    error AgreementRegistry_NotParty(bytes32 agreementId, address organisation);
    error AgreementRegistry_AlreadySigned(bytes32 agreementId, address organisation);
    error AgreementRegistry_SignatureInvalid(bytes32 agreementId, address signer);
    error AgreementRegistry_StateInvalid(bytes32 agreementId, State state);
    error AgreementRegistry_NotSuspendedBy(bytes32 agreementId, address organisation);

    /// @notice Publishes terms for signature. By an account authorised (agree) for `organisation`, one of the parties.
    /// Every line's category must have a rate.
    function propose(
        address organisation,
        Terms calldata terms
    ) external returns (bytes32 agreementId);

    /// @notice Records a party's signature over the id; the last one activates. Anyone may submit.
    /// @param signer Account authorised (agree) for `organisation` now.
    /// @param signature 65 bytes r ‖ s ‖ v with low s, or what an ERC-1271 wallet asks for.
    function sign(
        bytes32 agreementId,
        address organisation,
        address signer,
        bytes calldata signature
    ) external;

    /// @notice Suspends an active agreement until the same party resumes. By an account that speaks (agree) for the party.
    function suspend(bytes32 agreementId, address organisation, bytes32 reasonHash) external;

    /// @notice Takes the party's suspension back; active again once no party's suspension is in force.
    function resume(bytes32 agreementId, address organisation) external;

    /// @notice Ends an agreement for ever. By an account that speaks (agree) for a party.
    function terminate(bytes32 agreementId, address organisation, bytes32 reasonHash) external;

    /// @notice Whether the agreement is active now and `organisation` one of its parties.
    function isActiveFor(bytes32 agreementId, address organisation) external view returns (bool);

    function agreementOf(bytes32 agreementId) external view returns (Agreement memory);

    function partyOf(
        bytes32 agreementId,
        address organisation
    ) external view returns (Party memory);

    /// @notice The EIP-712 digest of the terms in this registry's domain.
    function agreementIdOf(Terms calldata terms) external view returns (bytes32);
}
