// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Acts} from "./Acts.sol";
import {OrgRegistry} from "./OrgRegistry.sol";

/// Works by an opaque identifier: who registered them, the salted commitment to the statement, their state.
contract WorkRegistry is Acts {
    enum Status { None, Active, Frozen, Withdrawn }

    struct Work { bytes32 registrar; bytes32 commitment; Status status; uint32 revision; }

    error WorkTaken(bytes32 work);
    error UnknownWork(bytes32 work);
    error NotActive(bytes32 work);
    error NotSignedByOrg(bytes32 org);

    event WorkRegistered(bytes32 indexed opId, bytes32 indexed work, bytes32 indexed registrar, bytes32 commitment);
    event WorkAmended(bytes32 indexed opId, bytes32 indexed work, bytes32 commitment, bytes32 earlier, uint32 revision);
    event WorkStatusChanged(bytes32 indexed opId, bytes32 indexed work, Status status);

    bytes32 private constant REGISTER =
        keccak256("Register(bytes32 opId,bytes32 work,bytes32 registrar,bytes32 commitment,uint256 deadline)");
    bytes32 private constant AMEND =
        keccak256("Amend(bytes32 opId,bytes32 work,bytes32 commitment,uint256 deadline)");
    bytes32 private constant SET_STATUS =
        keccak256("SetStatus(bytes32 opId,bytes32 work,uint8 status,uint256 deadline)");

    OrgRegistry public immutable organisations;
    mapping(bytes32 work => Work) public works;

    constructor(address manager, OrgRegistry organisations_) Acts(manager, "asset_hub WorkRegistry") {
        organisations = organisations_;
    }

    function register(bytes32 opId, bytes32 work, bytes32 registrar, bytes32 commitment, uint256 deadline, bytes calldata signature)
        external restricted act(opId, deadline)
    {
        _requireOrg(registrar, keccak256(abi.encode(REGISTER, opId, work, registrar, commitment, deadline)), signature);
        if (works[work].status != Status.None || work == 0) revert WorkTaken(work);
        works[work] = Work(registrar, commitment, Status.Active, 1);
        emit WorkRegistered(opId, work, registrar, commitment);
    }

    function amend(bytes32 opId, bytes32 work, bytes32 commitment, uint256 deadline, bytes calldata signature)
        external restricted act(opId, deadline)
    {
        Work storage held = works[work];
        if (held.status == Status.None) revert UnknownWork(work);
        if (held.status != Status.Active) revert NotActive(work);
        _requireOrg(held.registrar, keccak256(abi.encode(AMEND, opId, work, commitment, deadline)), signature);
        bytes32 earlier = held.commitment;
        held.commitment = commitment;
        held.revision += 1;
        emit WorkAmended(opId, work, commitment, earlier, held.revision);
    }

    function setStatus(bytes32 opId, bytes32 work, Status status, uint256 deadline, bytes calldata signature)
        external restricted act(opId, deadline)
    {
        _requireRole(AUTHORITY, keccak256(abi.encode(SET_STATUS, opId, work, uint8(status), deadline)), signature);
        if (works[work].status == Status.None || status == Status.None) revert UnknownWork(work);
        works[work].status = status;
        emit WorkStatusChanged(opId, work, status);
    }

    /// Who registered a work that may be traded now; reverts otherwise.
    function registrarOf(bytes32 work) external view returns (bytes32) {
        Work storage held = works[work];
        if (held.status == Status.None) revert UnknownWork(work);
        if (held.status != Status.Active) revert NotActive(work);
        return held.registrar;
    }

    function _requireOrg(bytes32 org, bytes32 structHash, bytes calldata signature) private view {
        if (!organisations.speaksFor(_signer(structHash, signature), org)) revert NotSignedByOrg(org);
    }
}
