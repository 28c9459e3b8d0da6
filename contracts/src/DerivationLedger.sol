// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Acts} from "./Acts.sol";
import {GrantLedger} from "./GrantLedger.sol";
import {OrgActs} from "./OrgActs.sol";
import {OrgRegistry} from "./OrgRegistry.sol";
import {WorkRegistry} from "./WorkRegistry.sol";

/// Which works a work was made from. A work is linked once, before anything is derived from it, so that no cycle can
/// be written; a work without parents has depth 1, every other one more than its deepest parent, at most 32.
contract DerivationLedger is OrgActs {
    struct Parent { bytes32 work; uint256 licence; }

    error AlreadyPlaced(bytes32 work);
    error BadParents(bytes32 work);
    error TooDeep(bytes32 work);
    error NotLicensed(uint256 licence);

    event Linked(bytes32 indexed opId, bytes32 indexed work, uint8 depth, bytes32 segments, Parent[] parents);

    bytes32 private constant LINK =
        keccak256("Link(bytes32 opId,bytes32 work,bytes32 parents,bytes32 segments,uint256 deadline)");
    uint256 private constant MOST_PARENTS = 16;
    uint256 private constant DEEPEST = 32;

    WorkRegistry public immutable registry;
    GrantLedger public immutable grants;
    /// 248 bits of the hash of parents and segments (0 for a work that only has children), 8 bits depth.
    mapping(bytes32 work => bytes32) public links;

    constructor(address manager, OrgRegistry organisations_, WorkRegistry registry_, GrantLedger grants_)
        Acts(manager, "asset_hub DerivationLedger") OrgActs(organisations_)
    {
        registry = registry_;
        grants = grants_;
    }

    /// Name the parents of a work, ascending; the work's registrar signs. `licence` 0: no licence of this ledger was
    /// needed; `segments` is the root over which parts were used, 0 when the whole was.
    function link(
        bytes32 opId, bytes32 work, Parent[] calldata parents, bytes32 segments, uint256 deadline, bytes calldata signature
    ) external restricted act(opId, deadline) {
        if (links[work] != 0) revert AlreadyPlaced(work);
        bytes32 digest = keccak256(abi.encode(parents));
        bytes32 registrar = registry.registrarOf(work);
        _requireStart(registrar, keccak256(abi.encode(LINK, opId, work, digest, segments, deadline)), signature);
        uint8 depth = _depthBelow(work, parents);
        links[work] = bytes32((uint256(keccak256(abi.encode(digest, segments))) & ~uint256(0xff)) | depth);
        emit Linked(opId, work, depth, segments, parents);
    }

    /// 0 for a work without parents and children.
    function depthOf(bytes32 work) public view returns (uint8) {
        return uint8(uint256(links[work]));
    }

    function _depthBelow(bytes32 work, Parent[] calldata parents) private returns (uint8) {
        if (parents.length == 0 || parents.length > MOST_PARENTS) revert BadParents(work);
        uint256 deepest = 0;
        for (uint256 i = 0; i < parents.length; i++) {
            bytes32 parent = parents[i].work;
            if (parent == work || (i > 0 && parent <= parents[i - 1].work)) revert BadParents(work);
            registry.requireUnfrozen(parent);
            uint256 licence = parents[i].licence;
            if (licence != 0 && grants.stateOf(licence) != GrantLedger.State.Live) revert NotLicensed(licence);
            uint256 depth = depthOf(parent);
            if (depth == 0) links[parent] = bytes32(depth = 1);
            if (depth > deepest) deepest = depth;
        }
        if (deepest >= DEEPEST) revert TooDeep(work);
        return uint8(deepest + 1);
    }
}
