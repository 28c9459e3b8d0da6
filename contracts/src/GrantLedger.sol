// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Acts} from "./Acts.sol";
import {OrgRegistry} from "./OrgRegistry.sol";
import {WorkRegistry} from "./WorkRegistry.sol";

/// Licences as three words each, and the rule that no two exclusive ones overlap.
///
/// word 1: 96 bits right×medium, 32 bits languages, 24 bits first day, 24 bits day after the last, 80 bits number.
/// word 2: territories. word 3: segment [from, to) as two 64-bit counts (0, 0 = the whole), 128 bits flags.
/// Days are counted from 1970-01-01 in Beijing. The lowest two flag bits are the kind: 0 普通, 1 排他, 2 独占.
///
/// Per work the contract keeps two heads. Every sale brings the list of live exclusives along (the witness), the
/// contract checks it against the head and scans it; a non-exclusive sale only appends to its rolling hash.
contract GrantLedger is Acts {
    struct Grant { bytes32 work; bytes32 licensor; bytes32 licensee; uint256 w1; uint256 w2; uint256 w3; bytes32 terms; }

    struct Signed { uint256 deadline; bytes licensor; bytes licensee; }
    struct Witness { uint256[] exclusives; uint256[] nonExclusives; }

    error NotSignedByOrg(bytes32 org);
    error StaleWitness(bytes32 work, bool ofExclusives);
    error Overlaps(bytes32 work, uint256 licence);
    error Malformed();
    error NotTheRegistrar(bytes32 work, bytes32 licensor);
    error NumberTaken(uint256 licence);

    event Granted(
        bytes32 indexed opId, bytes32 indexed work, uint256 indexed licence, bytes32 licensor, bytes32 licensee,
        uint256 w1, uint256 w2, uint256 w3, bytes32 terms, bytes32 exclusiveHead, bytes32 nonExclusiveHead
    );

    bytes32 private constant GRANT = keccak256(
        "Grant(bytes32 opId,bytes32 work,bytes32 licensor,bytes32 licensee,uint256 w1,uint256 w2,uint256 w3,bytes32 terms,bool subjectTo,bytes32 disclosed,uint256 deadline)"
    );
    uint256 private constant BEIJING = 8 hours;
    uint256 private constant KIND = 3;
    uint256 private constant NUMBER = (1 << 80) - 1;

    OrgRegistry public immutable organisations;
    WorkRegistry public immutable registry;
    mapping(bytes32 work => bytes32) public exclusiveHead;
    mapping(bytes32 work => bytes32) public nonExclusiveHead;
    mapping(uint256 licence => bytes32 terms) public termsOf;

    constructor(address manager, OrgRegistry organisations_, WorkRegistry registry_) Acts(manager, "asset_hub GrantLedger") {
        organisations = organisations_;
        registry = registry_;
    }

    /// Record a 普通 licence. `exclusives` is the list behind the exclusive head, three words each.
    function grantNonExclusive(
        bytes32 opId, Grant calldata grant, uint256[] calldata exclusives, Signed calldata signed
    ) external restricted act(opId, signed.deadline) {
        if (grant.w3 & KIND != 0) revert Malformed();
        _check(opId, grant, false, 0, signed);
        _checkExclusives(grant, exclusives);
        bytes32 head = keccak256(abi.encode(nonExclusiveHead[grant.work], grant.w1, grant.w2, grant.w3));
        nonExclusiveHead[grant.work] = head;
        _finish(opId, grant, exclusiveHead[grant.work], head);
    }

    /// Record a 排他 or 独占 licence. Strict: `nonExclusives` is the whole list behind their head, and none may overlap.
    /// Subject to: the signers name that head (`disclosed`), and the licences behind it go on.
    function grantExclusive(
        bytes32 opId, Grant calldata grant, bool subjectTo, bytes32 disclosed, Witness calldata witness, Signed calldata signed
    ) external restricted act(opId, signed.deadline) {
        if (grant.w3 & KIND == 0 || grant.w3 & KIND == KIND) revert Malformed();
        _check(opId, grant, subjectTo, disclosed, signed);
        _checkExclusives(grant, witness.exclusives);
        if (disclosed != nonExclusiveHead[grant.work]) revert StaleWitness(grant.work, false);
        if (!subjectTo) _checkNonExclusives(grant, witness.nonExclusives);
        bytes32 head = _append(grant, witness.exclusives);
        exclusiveHead[grant.work] = head;
        _finish(opId, grant, head, nonExclusiveHead[grant.work]);
    }

    /// Whether two grants of one work claim something in common.
    function overlap(uint256 a1, uint256 a2, uint256 a3, uint256 b1, uint256 b2, uint256 b3) public pure returns (bool) {
        if ((a1 & b1) >> 160 == 0 || ((a1 & b1) >> 128) & 0xffffffff == 0 || a2 & b2 == 0) return false;
        if (_start(a1) >= _end(b1) || _start(b1) >= _end(a1)) return false;
        (uint256 from, uint256 to) = _segment(a3);
        (uint256 otherFrom, uint256 otherTo) = _segment(b3);
        return from < otherTo && otherFrom < to;
    }

    function _check(
        bytes32 opId, Grant calldata grant, bool subjectTo, bytes32 disclosed, Signed calldata signed
    ) private view {
        if (registry.registrarOf(grant.work) != grant.licensor) revert NotTheRegistrar(grant.work, grant.licensor);
        if (!_isWellFormed(grant)) revert Malformed();
        if (termsOf[grant.w1 & NUMBER] != 0) revert NumberTaken(grant.w1 & NUMBER);
        bytes32 structHash = keccak256(
            bytes.concat(
                abi.encode(GRANT, opId, grant.work, grant.licensor, grant.licensee, grant.w1),
                abi.encode(grant.w2, grant.w3, grant.terms, subjectTo, disclosed, signed.deadline)
            )
        );
        if (!organisations.speaksFor(_signer(structHash, signed.licensor), grant.licensor)) {
            revert NotSignedByOrg(grant.licensor);
        }
        if (!organisations.speaksFor(_signer(structHash, signed.licensee), grant.licensee)) {
            revert NotSignedByOrg(grant.licensee);
        }
    }

    function _isWellFormed(Grant calldata grant) private pure returns (bool) {
        uint256 from = grant.w3 >> 192;
        uint256 to = (grant.w3 >> 128) & type(uint64).max;
        return grant.w1 >> 160 != 0 && (grant.w1 >> 128) & 0xffffffff != 0 && grant.w2 != 0 && grant.terms != 0
            && grant.w1 & NUMBER != 0 && _start(grant.w1) < _end(grant.w1) && (from < to || (from == 0 && to == 0));
    }

    function _checkExclusives(Grant calldata grant, uint256[] calldata words) private view {
        if (words.length % 3 != 0 || _hash(words) != exclusiveHead[grant.work]) revert StaleWitness(grant.work, true);
        _scan(grant, words);
    }

    function _checkNonExclusives(Grant calldata grant, uint256[] calldata words) private view {
        if (words.length % 3 != 0) revert StaleWitness(grant.work, false);
        bytes32 head = 0;
        for (uint256 i = 0; i < words.length; i += 3) {
            head = keccak256(abi.encode(head, words[i], words[i + 1], words[i + 2]));
        }
        if (head != nonExclusiveHead[grant.work]) revert StaleWitness(grant.work, false);
        _scan(grant, words);
    }

    function _scan(Grant calldata grant, uint256[] calldata words) private pure {
        for (uint256 i = 0; i < words.length; i += 3) {
            if (overlap(grant.w1, grant.w2, grant.w3, words[i], words[i + 1], words[i + 2])) {
                revert Overlaps(grant.work, words[i] & NUMBER);
            }
        }
    }

    /// The list of exclusives without those whose last day has passed, and with the new one.
    function _append(Grant calldata grant, uint256[] calldata words) private view returns (bytes32) {
        uint256 today = (block.timestamp + BEIJING) / 1 days;
        uint256[] memory kept = new uint256[](words.length + 3);
        uint256 count = 0;
        for (uint256 i = 0; i < words.length; i += 3) {
            if (_end(words[i]) <= today) continue;
            kept[count] = words[i];
            kept[count + 1] = words[i + 1];
            kept[count + 2] = words[i + 2];
            count += 3;
        }
        kept[count] = grant.w1;
        kept[count + 1] = grant.w2;
        kept[count + 2] = grant.w3;
        assembly ("memory-safe") { mstore(kept, add(count, 3)) }
        return keccak256(abi.encodePacked(kept));
    }

    function _finish(bytes32 opId, Grant calldata grant, bytes32 exclusive, bytes32 nonExclusive) private {
        termsOf[grant.w1 & NUMBER] = grant.terms;
        emit Granted(
            opId, grant.work, grant.w1 & NUMBER, grant.licensor, grant.licensee, grant.w1, grant.w2, grant.w3,
            grant.terms, exclusive, nonExclusive
        );
    }

    function _hash(uint256[] calldata words) private pure returns (bytes32) {
        return words.length == 0 ? bytes32(0) : keccak256(abi.encodePacked(words));
    }

    function _start(uint256 w1) private pure returns (uint256) { return (w1 >> 104) & 0xffffff; }

    function _end(uint256 w1) private pure returns (uint256) { return (w1 >> 80) & 0xffffff; }

    function _segment(uint256 w3) private pure returns (uint256 from, uint256 to) {
        from = w3 >> 192;
        to = (w3 >> 128) & type(uint64).max;
        if (from == 0 && to == 0) to = type(uint64).max;
    }
}
