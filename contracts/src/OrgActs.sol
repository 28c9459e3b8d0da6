// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Acts} from "./Acts.sol";
import {OrgRegistry} from "./OrgRegistry.sol";

/// Acts whose authority is an organisation's signature.
abstract contract OrgActs is Acts {
    OrgRegistry public immutable organisations;

    constructor(OrgRegistry organisations_) {
        organisations = organisations_;
    }

    /// Return the organisation's number; reverts unless its key signed and it may start something.
    function _requireStart(bytes32 org, bytes32 structHash, bytes calldata signature) internal view returns (uint32) {
        return organisations.requireStart(_signer(structHash, signature), org);
    }

    /// Reverts unless both organisations signed the same words and may start something.
    function _requireStartOfBoth(
        bytes32 one, bytes32 other, bytes32 structHash, bytes calldata first, bytes calldata second
    ) internal view {
        bytes32 digest = _hashTypedDataV4(structHash);
        organisations.requireStartOfBoth(ECDSA.recover(digest, first), one, ECDSA.recover(digest, second), other);
    }

    function _requireEnd(bytes32 org, bytes32 structHash, bytes calldata signature) internal view {
        organisations.requireEnd(_signer(structHash, signature), org);
    }
}
