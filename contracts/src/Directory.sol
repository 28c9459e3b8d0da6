// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {Acts} from "./Acts.sol";

/// Where each register is: a new address is proposed, takes effect a week later at the earliest, and can be frozen for
/// good. An administrator signs; because the waiting time is here, the manager's delay for administrators is not asked.
contract Directory is Acts {
    struct Place { address target; uint32 version; uint64 activatedAt; bool isFrozen; }
    struct Proposal { address target; uint64 readyAt; }

    error NotProposed(bytes32 name);
    error NotReady(bytes32 name, uint64 readyAt);
    error Frozen(bytes32 name);
    error NoContract(address target);

    event Proposed(bytes32 indexed opId, bytes32 indexed name, address target, uint64 readyAt);
    event Activated(bytes32 indexed opId, bytes32 indexed name, address target, uint32 version);
    event NameFrozen(bytes32 indexed opId, bytes32 indexed name);

    bytes32 private constant PROPOSE =
        keccak256("Propose(bytes32 opId,bytes32 name,address target,uint256 deadline)");
    bytes32 private constant ACTIVATE =
        keccak256("Activate(bytes32 opId,bytes32 name,address target,uint256 deadline)");
    bytes32 private constant FREEZE = keccak256("Freeze(bytes32 opId,bytes32 name,uint256 deadline)");
    uint64 public constant WAIT = 7 days;

    mapping(bytes32 name => Place) public places;
    mapping(bytes32 name => Proposal) public proposals;

    constructor(address manager) Acts(manager, "asset_hub Directory") {}

    /// Propose an address; a second proposal replaces the first and waits anew. The zero address withdraws it.
    function propose(bytes32 opId, bytes32 name, address target, uint256 deadline, bytes calldata signature)
        external restricted act(opId, deadline)
    {
        _requireAdmin(keccak256(abi.encode(PROPOSE, opId, name, target, deadline)), signature);
        if (places[name].isFrozen || name == 0) revert Frozen(name);
        if (target != address(0) && target.code.length == 0) revert NoContract(target);
        uint64 readyAt = uint64(block.timestamp) + WAIT;
        proposals[name] = Proposal(target, readyAt);
        emit Proposed(opId, name, target, readyAt);
    }

    function activate(bytes32 opId, bytes32 name, address target, uint256 deadline, bytes calldata signature)
        external restricted act(opId, deadline)
    {
        _requireAdmin(keccak256(abi.encode(ACTIVATE, opId, name, target, deadline)), signature);
        Proposal memory waiting = proposals[name];
        if (places[name].isFrozen) revert Frozen(name);
        if (target == address(0) || waiting.target != target) revert NotProposed(name);
        if (block.timestamp < waiting.readyAt) revert NotReady(name, waiting.readyAt);
        delete proposals[name];
        uint32 version = places[name].version + 1;
        places[name] = Place(target, version, uint64(block.timestamp), false);
        emit Activated(opId, name, target, version);
    }

    /// Fix a name to its present address for good.
    function freeze(bytes32 opId, bytes32 name, uint256 deadline, bytes calldata signature)
        external restricted act(opId, deadline)
    {
        _requireAdmin(keccak256(abi.encode(FREEZE, opId, name, deadline)), signature);
        if (places[name].isFrozen || places[name].target == address(0)) revert Frozen(name);
        places[name].isFrozen = true;
        delete proposals[name];
        emit NameFrozen(opId, name);
    }

    function _requireAdmin(bytes32 structHash, bytes calldata signature) private view {
        (bool isMember,) = IAccessManager(authority()).hasRole(ADMIN, _signer(structHash, signature));
        if (!isMember) revert NotSignedByRole(ADMIN);
    }
}
