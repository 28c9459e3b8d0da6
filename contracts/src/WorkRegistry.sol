// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OrgActs} from "./OrgActs.sol";
import {Acts} from "./Acts.sol";
import {OrgRegistry} from "./OrgRegistry.sol";

/// Works: who registered them, the salted commitment to their statement, their state. One storage slot each.
///
/// A work's name is the hash of its code book's number and its content commitment, so that one content commitment can
/// be registered once per code book. The slot keeps 24 bytes of the statement's commitment; events carry the whole.
contract WorkRegistry is OrgActs {
    enum Status { None, Active, Frozen, Withdrawn }

    struct Work { bytes24 statement; uint32 registrar; uint16 revision; bool isTitled; Status status; }
    struct Claim { bytes32 content; bytes32 statement; }

    error WorkTaken(bytes32 work);
    error UnknownWork(bytes32 work);
    error NotActive(bytes32 work);
    error OtherStatement(bytes32 work);
    error BadClaim();
    error NotTheTitleLedger();

    event WorkRegistered(
        bytes32 indexed opId, bytes32 indexed work, bytes32 registrar, bytes32 content, bytes32 statement,
        uint16 codeBook
    );
    event WorkAmended(bytes32 indexed opId, bytes32 indexed work, bytes32 statement, bytes32 earlier, uint16 revision);
    event WorkStatusChanged(bytes32 indexed opId, bytes32 indexed work, Status status);

    bytes32 private constant REGISTER = keccak256(
        "Register(bytes32 opId,uint16 codeBook,bytes32 content,bytes32 registrar,bytes32 statement,uint256 deadline)"
    );
    bytes32 private constant REGISTER_MANY = keccak256(
        "RegisterMany(bytes32 opId,uint16 codeBook,bytes32 registrar,bytes32 claims,uint256 deadline)"
    );
    bytes32 private constant AMEND =
        keccak256("Amend(bytes32 opId,bytes32 work,bytes32 earlier,bytes32 statement,uint256 deadline)");
    bytes32 private constant SET_STATUS =
        keccak256("SetStatus(bytes32 opId,bytes32 work,uint8 status,uint256 deadline)");
    uint256 private constant LONGEST_BATCH = 250;

    address public immutable titles;
    mapping(bytes32 work => Work) public works;

    constructor(address manager, OrgRegistry organisations_, address titles_)
        Acts(manager, "asset_hub WorkRegistry") OrgActs(organisations_)
    {
        titles = titles_;
    }

    function register(
        bytes32 opId, uint16 codeBook, bytes32 registrar, Claim calldata claim, uint256 deadline, bytes calldata signature
    ) external restricted act(opId, deadline) {
        bytes32 structHash = keccak256(
            abi.encode(REGISTER, opId, codeBook, claim.content, registrar, claim.statement, deadline)
        );
        _register(opId, codeBook, registrar, claim, _requireStart(registrar, structHash, signature));
    }

    /// Register up to 250 works under one signature over the hash of their packed claims.
    function registerMany(
        bytes32 opId, uint16 codeBook, bytes32 registrar, Claim[] calldata claims, uint256 deadline,
        bytes calldata signature
    ) external restricted act(opId, deadline) {
        if (claims.length == 0 || claims.length > LONGEST_BATCH) revert BadClaim();
        bytes32 structHash = keccak256(
            abi.encode(REGISTER_MANY, opId, codeBook, registrar, keccak256(abi.encode(claims)), deadline)
        );
        uint32 number = _requireStart(registrar, structHash, signature);
        for (uint256 i = 0; i < claims.length; i++) _register(opId, codeBook, registrar, claims[i], number);
    }

    /// Replace the statement; `earlier` is the whole commitment that it replaces, kept in the event.
    function amend(
        bytes32 opId, bytes32 work, bytes32 earlier, bytes32 statement, uint256 deadline, bytes calldata signature
    ) external restricted act(opId, deadline) {
        Work storage held = works[work];
        _requireActive(work, held.status);
        if (held.statement != bytes24(earlier)) revert OtherStatement(work);
        if (statement == 0) revert BadClaim();
        _requireStart(
            organisations.orgAt(held.registrar),
            keccak256(abi.encode(AMEND, opId, work, earlier, statement, deadline)), signature
        );
        held.statement = bytes24(statement);
        held.revision += 1;
        emit WorkAmended(opId, work, statement, earlier, held.revision);
    }

    function setStatus(bytes32 opId, bytes32 work, Status status, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        _requireRole(AUTHORITY, keccak256(abi.encode(SET_STATUS, opId, work, uint8(status), deadline)), signature);
        if (works[work].status == Status.None || status == Status.None) revert UnknownWork(work);
        works[work].status = status;
        emit WorkStatusChanged(opId, work, status);
    }

    /// Note that a title is recorded, from which on its holders license and not the registrar. The title ledger's act.
    function markTitled(bytes32 work) external {
        if (msg.sender != titles) revert NotTheTitleLedger();
        if (works[work].status == Status.None) revert UnknownWork(work);
        works[work].isTitled = true;
    }

    /// Who registered a work that may be traded now; reverts otherwise.
    function registrarOf(bytes32 work) external view returns (bytes32) {
        _requireActive(work, works[work].status);
        return organisations.orgAt(works[work].registrar);
    }

    /// The registrar's number, and whether a title is recorded; reverts unless the work may be traded now.
    function tradable(bytes32 work) external view returns (uint32 registrar, bool isTitled) {
        Work memory held = works[work];
        _requireActive(work, held.status);
        return (held.registrar, held.isTitled);
    }

    /// Reverts for a work that is unknown or frozen; one that was withdrawn may still see things end.
    function requireUnfrozen(bytes32 work) external view {
        Status status = works[work].status;
        if (status == Status.None) revert UnknownWork(work);
        if (status == Status.Frozen) revert NotActive(work);
    }

    /// The name of the work that this content commitment is in this code book.
    function workOf(uint16 codeBook, bytes32 content) public pure returns (bytes32) {
        return keccak256(abi.encode(codeBook, content));
    }

    function _register(bytes32 opId, uint16 codeBook, bytes32 registrar, Claim calldata claim, uint32 number) private {
        if (codeBook == 0 || claim.content == 0 || claim.statement == 0) revert BadClaim();
        bytes32 work = workOf(codeBook, claim.content);
        if (works[work].status != Status.None) revert WorkTaken(work);
        works[work] = Work(bytes24(claim.statement), number, 1, false, Status.Active);
        emit WorkRegistered(opId, work, registrar, claim.content, claim.statement, codeBook);
    }

    function _requireActive(bytes32 work, Status status) private pure {
        if (status == Status.None) revert UnknownWork(work);
        if (status != Status.Active) revert NotActive(work);
    }
}
