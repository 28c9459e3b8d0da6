// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Acts} from "./Acts.sol";
import {OrgRegistry} from "./OrgRegistry.sol";

/// What a register needs whose acts are signed by organisations. A suspended organisation can end, not start.
abstract contract Parties is Acts {
    error NotSignedByOrg(bytes32 org);

    OrgRegistry public immutable organisations;

    constructor(address manager, string memory name, OrgRegistry organisations_) Acts(manager, name) {
        organisations = organisations_;
    }

    /// The signature of an admitted organisation: what starts something needs it.
    function _requireOrg(bytes32 org, bytes32 structHash, bytes calldata signature) internal view {
        if (!organisations.speaksFor(_signer(structHash, signature), org)) revert NotSignedByOrg(org);
    }

    /// The signature of an organisation, suspended or not: enough for what goes on with or ends something.
    function _requireOrgToEnd(bytes32 org, bytes32 structHash, bytes calldata signature) internal view {
        if (!_mayEndFor(_signer(structHash, signature), org)) revert NotSignedByOrg(org);
    }

    /// The signatures of two admitted organisations under the same words.
    function _requireBoth(bytes32 one, bytes32 other, bytes32 structHash, bytes calldata first, bytes calldata second)
        internal view
    {
        bytes32 digest = _hashTypedDataV4(structHash);
        OrgRegistry registry = organisations;
        if (!registry.speaksFor(ECDSA.recover(digest, first), one)) revert NotSignedByOrg(one);
        if (!registry.speaksFor(ECDSA.recover(digest, second), other)) revert NotSignedByOrg(other);
    }

    function _mayEndFor(address key, bytes32 org) internal view returns (bool) {
        (bytes32 holder, uint64 validFrom, uint64 validUntil) = organisations.keys(key);
        return org != 0 && holder == org && validFrom <= block.timestamp && validUntil == 0;
    }
}
