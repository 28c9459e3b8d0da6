// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OrgRegistry} from "./OrgRegistry.sol";
import {Acts} from "./Acts.sol";
import {OrgActs} from "./OrgActs.sol";

/// Royalty statements per licensor and period: a Merkle-sum root over the lines, a salted commitment to the total.
/// A statement is never overwritten unseen: revisions count up by one, name their reason and keep the earlier root in the log.
contract StatementLedger is OrgActs {
    struct Statement { bytes32 root; bytes32 total; uint64 publishedAt; uint32 revision; uint32 objections; }
    struct Revision { uint32 number; bytes32 root; bytes32 total; bytes32 reason; }

    error StatementTaken(bytes32 licensor, uint32 period);
    error UnknownStatement(bytes32 licensor, uint32 period);
    error NotNextRevision(uint32 revision);
    error NotThatRevision(uint32 revision);
    error Malformed();

    event Published(bytes32 indexed opId, bytes32 indexed licensor, uint32 indexed period, bytes32 root, bytes32 total);
    event Revised(bytes32 indexed opId, bytes32 indexed licensor, uint32 indexed period, Revision next, bytes32 earlier);
    event Objected(bytes32 indexed opId, bytes32 indexed licensor, uint32 indexed period, uint32 revision, bytes32 grounds);

    bytes32 private constant PUBLISH =
        keccak256("Publish(bytes32 opId,bytes32 licensor,uint32 period,bytes32 root,bytes32 total,uint256 deadline)");
    bytes32 private constant REVISE = keccak256(
        "Revise(bytes32 opId,bytes32 licensor,uint32 period,uint32 number,bytes32 root,bytes32 total,bytes32 reason,uint256 deadline)"
    );
    bytes32 private constant OBJECTION =
        keccak256("Objection(bytes32 opId,bytes32 licensor,uint32 period,uint32 revision,bytes32 grounds,uint256 deadline)");

    mapping(bytes32 licensor => mapping(uint32 period => Statement)) public statements;

    constructor(address manager, OrgRegistry organisations_)
        Acts(manager, "asset_hub StatementLedger") OrgActs(organisations_)
    {}

    function publish(
        bytes32 opId, bytes32 licensor, uint32 period, bytes32 root, bytes32 total, uint256 deadline, bytes calldata signature
    ) external restricted act(opId, deadline) {
        _requireRole(NOTARY, keccak256(abi.encode(PUBLISH, opId, licensor, period, root, total, deadline)), signature);
        if (licensor == 0 || period == 0 || root == 0 || total == 0) revert Malformed();
        if (statements[licensor][period].revision != 0) revert StatementTaken(licensor, period);
        statements[licensor][period] = Statement(root, total, uint64(block.timestamp), 1, 0);
        emit Published(opId, licensor, period, root, total);
    }

    /// Replace a statement by its next revision; `reason` is a salted digest of why.
    function revise(
        bytes32 opId, bytes32 licensor, uint32 period, Revision calldata next, uint256 deadline, bytes calldata signature
    ) external restricted act(opId, deadline) {
        _requireRole(NOTARY, keccak256(abi.encode(REVISE, opId, licensor, period, next, deadline)), signature);
        Statement storage held = _find(licensor, period);
        bytes32 earlier = held.root;
        if (next.number != held.revision + 1) revert NotNextRevision(next.number);
        if (next.root == 0 || next.total == 0 || next.reason == 0 || next.root == earlier) revert Malformed();
        (held.root, held.total) = (next.root, next.total);
        (held.publishedAt, held.revision) = (uint64(block.timestamp), next.number);
        emit Revised(opId, licensor, period, next, earlier);
    }

    /// The licensor objects to the revision that stands; `grounds` is a salted digest.
    function objection(
        bytes32 opId, bytes32 licensor, uint32 period, uint32 revision, bytes32 grounds, uint256 deadline, bytes calldata signature
    ) external restricted lastingAct(opId, deadline) {
        bytes32 structHash = keccak256(abi.encode(OBJECTION, opId, licensor, period, revision, grounds, deadline));
        _requireEnd(licensor, structHash, signature);
        Statement storage held = _find(licensor, period);
        if (revision != held.revision) revert NotThatRevision(revision);
        if (grounds == 0) revert Malformed();
        held.objections += 1;
        emit Objected(opId, licensor, period, revision, grounds);
    }

    function _find(bytes32 licensor, uint32 period) private view returns (Statement storage held) {
        held = statements[licensor][period];
        if (held.revision == 0) revert UnknownStatement(licensor, period);
    }
}
