// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// Holds the pause next to the authority, in one storage slot: every act reads both.
abstract contract Pausing is AccessManaged {
    uint64 public pausedUntil;
}

/// Base of every register: an act is carried by the relayer, its authority is a signature inside the call.
/// One act identifier counts once; a signature holds for one chain, contract and identifier until its deadline.
abstract contract Acts is Pausing, EIP712 {
    error DeadlinePassed(bytes32 opId);
    error AlreadyDone(bytes32 opId);
    error NotSignedByRole(uint64 role);
    error Paused(uint64 until);
    error BadPause(uint64 until);

    event PauseSet(bytes32 indexed opId, uint64 until);

    uint64 internal constant ADMIN = 0;
    uint64 internal constant REGISTRAR = 11;
    uint64 internal constant NOTARY = 12;
    uint64 internal constant AUTHORITY = 13;
    uint64 internal constant PAYMENT_OPERATOR = 14;
    uint64 internal constant PAUSER = 15;
    uint64 private constant LONGEST_PAUSE = 3 days;
    uint64 private constant REST_AFTER_PAUSE = 1 days;
    bytes32 private constant PAUSE = keccak256("Pause(bytes32 opId,uint64 until,uint256 deadline)");

    mapping(bytes32 opId => bool) public done;

    constructor(address manager, string memory name) AccessManaged(manager) EIP712(name, "1") {}

    /// An act that starts something: refused while the register is paused.
    modifier act(bytes32 opId, uint256 deadline) {
        _requireOpen(opId, deadline);
        _once(opId);
        _;
    }

    /// An act that ends something or is an authority's: a pause does not stop it.
    modifier lastingAct(bytes32 opId, uint256 deadline) {
        if (block.timestamp > deadline) revert DeadlinePassed(opId);
        _once(opId);
        _;
    }

    /// Stop the acts of this register until a time at most three days away. It expires by itself, cannot be prolonged,
    /// and the next one starts a day after it at the earliest. `until` 0 lifts it early.
    function pause(bytes32 opId, uint64 until, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        _requireRole(PAUSER, keccak256(abi.encode(PAUSE, opId, until, deadline)), signature);
        uint256 time = block.timestamp;
        if (until == 0) {
            if (time >= pausedUntil) revert BadPause(until);
            until = uint64(time);
        } else if (until <= time || until > time + LONGEST_PAUSE || (pausedUntil != 0 && time < pausedUntil + REST_AFTER_PAUSE)) {
            revert BadPause(until);
        }
        pausedUntil = until;
        emit PauseSet(opId, until);
    }

    function _requireOpen(bytes32 opId, uint256 deadline) internal view {
        if (block.timestamp > deadline) revert DeadlinePassed(opId);
        if (block.timestamp < pausedUntil) revert Paused(pausedUntil);
    }

    function _once(bytes32 opId) private {
        if (done[opId]) revert AlreadyDone(opId);
        done[opId] = true;
    }

    function _signer(bytes32 structHash, bytes calldata signature) internal view returns (address) {
        return ECDSA.recover(_hashTypedDataV4(structHash), signature);
    }

    function _requireRole(uint64 role, bytes32 structHash, bytes calldata signature) internal view {
        (bool isMember, uint32 delay) = IAccessManager(authority()).hasRole(role, _signer(structHash, signature));
        if (!isMember || delay != 0) revert NotSignedByRole(role);
    }
}
