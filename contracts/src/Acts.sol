// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// Base of every register: an act is carried by the relayer, its authority is a signature inside the call.
/// One act identifier counts once; a signature holds for one chain, contract and identifier until its deadline.
abstract contract Acts is AccessManaged, EIP712 {
    error DeadlinePassed(bytes32 opId);
    error AlreadyDone(bytes32 opId);
    error NotSignedByRole(uint64 role);

    uint64 internal constant REGISTRAR = 11;
    uint64 internal constant NOTARY = 12;
    uint64 internal constant AUTHORITY = 13;

    mapping(bytes32 opId => bool) public done;

    constructor(address manager, string memory name) AccessManaged(manager) EIP712(name, "1") {}

    modifier act(bytes32 opId, uint256 deadline) {
        if (block.timestamp > deadline) revert DeadlinePassed(opId);
        if (done[opId]) revert AlreadyDone(opId);
        done[opId] = true;
        _;
    }

    function _signer(bytes32 structHash, bytes calldata signature) internal view returns (address) {
        return ECDSA.recover(_hashTypedDataV4(structHash), signature);
    }

    function _requireRole(uint64 role, bytes32 structHash, bytes calldata signature) internal view {
        (bool isMember, uint32 delay) = IAccessManager(authority()).hasRole(role, _signer(structHash, signature));
        if (!isMember || delay != 0) revert NotSignedByRole(role);
    }
}
