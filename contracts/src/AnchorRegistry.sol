// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Acts} from "./Acts.sol";

/// Merkle roots with the time they were first seen; a root counts once and its time never changes.
contract AnchorRegistry is Acts {
    struct Anchor { uint64 time; uint32 count; uint8 kind; }

    error RootTaken(bytes32 root);
    error EmptyAnchor();

    event Anchored(bytes32 indexed opId, bytes32 indexed root, uint32 count, uint8 kind);

    bytes32 private constant ANCHOR =
        keccak256("Anchor(bytes32 opId,bytes32 root,uint32 count,uint8 kind,uint256 deadline)");

    mapping(bytes32 root => Anchor) public anchors;

    constructor(address manager) Acts(manager, "asset_hub AnchorRegistry") {}

    function anchor(bytes32 opId, bytes32 root, uint32 count, uint8 kind, uint256 deadline, bytes calldata signature)
        external restricted act(opId, deadline)
    {
        _requireRole(NOTARY, keccak256(abi.encode(ANCHOR, opId, root, count, kind, deadline)), signature);
        if (root == 0 || count == 0) revert EmptyAnchor();
        if (anchors[root].time != 0) revert RootTaken(root);
        anchors[root] = Anchor(uint64(block.timestamp), count, kind);
        emit Anchored(opId, root, count, kind);
    }

    /// Whether a commitment is under an anchored root; leaves are hashed twice.
    function verify(bytes32 root, bytes32 commitment, bytes32[] calldata path) external view returns (bool) {
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(commitment))));
        return anchors[root].time != 0 && MerkleProof.verifyCalldata(path, root, leaf);
    }
}
