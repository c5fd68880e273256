// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {ICommissionPolicy} from "./ICommissionPolicy.sol";
import {IParticipantRegistry} from "./IParticipantRegistry.sol";

/// @title Data-use agreements
/// @notice An agreement's id is the EIP-712 digest of its terms. A party signs the EIP-712
/// `Acceptance(address organisation,Terms terms)`: the terms, and for whom it takes them, so a
/// signature given for one party never counts for another. The terms travel in calldata and
/// events; the chain keeps one packed slot for the state and one for each party.
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

    /// @notice What the parties agree on, as EIP-712
    /// `Terms(address[] parties,uint64 validFrom,uint64 validUntil,bytes32 policyHash,
    /// bytes32 documentHash,bytes32 rulebook,bytes32 parent,bytes32 salt,PriceLine[] lines)`
    /// `PriceLine(address payee,uint16 category,uint64 unitPrice,uint64 freeUnits)`, without space
    /// or line break.
    /// @param parties Organisation ids, strictly ascending, 2 to 32.
    /// @param validFrom Unix seconds, inclusive.
    /// @param validUntil Unix seconds, exclusive.
    /// @param policyHash SHA-256 of the canonical JSON (RFC 8785) of the ODRL policies.
    /// @param documentHash SHA-256 of the canonical JSON of the contract document as received.
    /// @param rulebook Version of the rulebook; zero if none.
    /// @param parent Id of the agreement that this one supplements; zero if none.
    /// @param salt Any value; tells apart agreements that are otherwise the same.
    /// @param lines Prices, at most 32; every one bills every unit of use.
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

    /// @notice One slot: state 8 | partyCount 8 | signatureCount 8 | validFrom 64 | validUntil 64 |
    /// changedAt 40 | suspensionCount 8 (from the lowest bit). An agreement was once active exactly
    /// if signatureCount equals partyCount.
    /// @param state Where it stands.
    /// @param partyCount Parties of the terms.
    /// @param signatureCount Parties that have signed.
    /// @param validFrom Unix seconds, inclusive.
    /// @param validUntil Unix seconds, exclusive.
    /// @param changedAt Unix seconds of the last change of state.
    /// @param suspensionCount Parties whose suspension is in force.
    struct Agreement {
        State state;
        uint8 partyCount;
        uint8 signatureCount;
        uint64 validFrom;
        uint64 validUntil;
        uint40 changedAt;
        uint8 suspensionCount;
    }

    /// @notice One slot: isParty 8 | signedAt 40 | suspendedAt 40 (from the lowest bit).
    /// @param isParty Whether the organisation is a party of the terms.
    /// @param signedAt Unix seconds; 0 not signed.
    /// @param suspendedAt Unix seconds at which this party asked for a suspension; 0 none in force.
    struct Party {
        bool isParty;
        uint40 signedAt;
        uint40 suspendedAt;
    }

    /// @notice Terms were published for signature.
    event AgreementProposed(bytes32 indexed agreementId, bytes32 indexed parent, Terms terms);
    /// @notice A party signed, by its account `signer`.
    event AgreementSigned(
        bytes32 indexed agreementId,
        address indexed organisation,
        address signer
    );
    /// @notice The last party signed.
    event AgreementActivated(bytes32 indexed agreementId);
    /// @notice A party suspended the agreement.
    event AgreementSuspended(
        bytes32 indexed agreementId,
        address indexed organisation,
        bytes32 reasonHash
    );
    /// @notice A party took its suspension back; others may still be in force.
    event AgreementResumed(bytes32 indexed agreementId, address indexed organisation);
    /// @notice A party ended the agreement for ever.
    event AgreementTerminated(
        bytes32 indexed agreementId,
        address indexed organisation,
        bytes32 reasonHash
    );

    /// @notice The same terms were proposed before; another salt makes another agreement.
    error AgreementRegistry_AlreadyProposed(bytes32 agreementId);
    /// @notice Terms name too few or too many parties.
    error AgreementRegistry_PartyCountInvalid(uint256 count, uint256 minimum, uint256 maximum);
    /// @notice The party at `index` is not above the one before; sort the ids, each once.
    error AgreementRegistry_PartiesNotAscending(uint256 index);
    /// @notice A party is not admitted now.
    error AgreementRegistry_PartyNotAdmitted(address organisation);
    /// @notice A price line pays somebody who is not a party.
    error AgreementRegistry_PayeeNotParty(uint256 line, address payee);
    /// @notice Terms have too many price lines.
    error AgreementRegistry_TooManyLines(uint256 count, uint256 maximum);
    /// @notice The validity is empty or over.
    error AgreementRegistry_ValidityInvalid(uint64 validFrom, uint64 validUntil, uint256 blockTime);
    /// @notice The parent was never active, or one of its parties is missing in the supplement.
    error AgreementRegistry_ParentInvalid(bytes32 parent);
    /// @notice The organisation is not a party of the agreement.
    error AgreementRegistry_NotParty(bytes32 agreementId, address organisation);
    /// @notice The account does not speak (agree) for the organisation.
    error AgreementRegistry_NotAuthorised(address account, address organisation);
    /// @notice The party has signed before.
    error AgreementRegistry_AlreadySigned(bytes32 agreementId, address organisation);
    /// @notice The signature over the party's acceptance is not the signer's, or has a high s.
    error AgreementRegistry_SignatureInvalid(bytes32 agreementId, address signer);
    /// @notice The act does not fit the agreement's state.
    error AgreementRegistry_StateInvalid(bytes32 agreementId, State state);
    /// @notice The party has no suspension in force that it could take back.
    error AgreementRegistry_NotSuspendedBy(bytes32 agreementId, address organisation);

    /// @notice Publishes terms for signature. By an account authorised (agree) for `organisation`,
    /// one of the parties. All parties are admitted, every payee is a party, and every line's
    /// category has a rate now. A parent was once active, and all its parties are among the new.
    function propose(
        address organisation,
        Terms calldata terms
    ) external returns (bytes32 agreementId);

    /// @notice Records a party's signature over its acceptance; the last one activates. Anyone may
    /// submit.
    /// @param termsHash EIP-712 `hashStruct` of the terms; the agreement's id follows from it.
    /// @param signer Account authorised (agree) for `organisation` now.
    /// @param signature 65 bytes r ‖ s ‖ v with low s, or what an ERC-1271 wallet asks for.
    function sign(
        bytes32 termsHash,
        address organisation,
        address signer,
        bytes calldata signature
    ) external;

    /// @notice Suspends an agreement until the same party resumes. By an account that speaks
    /// (agree) for the party.
    /// @param reasonHash SHA-256 of the reason's document; zero if none.
    function suspend(bytes32 agreementId, address organisation, bytes32 reasonHash) external;

    /// @notice Takes the party's suspension back; active again once no party's suspension is in
    /// force. By an account that speaks (agree) for the party.
    function resume(bytes32 agreementId, address organisation) external;

    /// @notice Ends an agreement, also one only proposed, for ever. By an account that speaks
    /// (agree) for a party.
    /// @param reasonHash SHA-256 of the reason's document; zero if none.
    function terminate(bytes32 agreementId, address organisation, bytes32 reasonHash) external;

    /// @notice Whether the agreement is active now and `organisation` one of its parties.
    function isActiveFor(bytes32 agreementId, address organisation) external view returns (bool);

    /// @notice Whether all parties have signed, whatever happened since.
    function wasActivated(bytes32 agreementId) external view returns (bool);

    /// @notice State of an agreement; all zero if unknown.
    function agreementOf(bytes32 agreementId) external view returns (Agreement memory);

    /// @notice An organisation's part in an agreement; all zero if it has none.
    function partyOf(
        bytes32 agreementId,
        address organisation
    ) external view returns (Party memory);

    /// @notice The EIP-712 digest of the terms in this registry's domain.
    function agreementIdOf(Terms calldata terms) external view returns (bytes32);

    /// @notice What a party signs: the EIP-712 digest of its `Acceptance`.
    /// @param termsHash EIP-712 `hashStruct` of the terms.
    function acceptanceDigest(
        bytes32 termsHash,
        address organisation
    ) external view returns (bytes32);

    /// @notice This registry's EIP-712 domain separator, for whoever derives an id from terms
    /// itself.
    function DOMAIN_SEPARATOR() external view returns (bytes32);

    /// @notice Where organisations and their accounts are known.
    function REGISTRY() external view returns (IParticipantRegistry);

    /// @notice Where the commission's rates are known.
    function POLICY() external view returns (ICommissionPolicy);
}
