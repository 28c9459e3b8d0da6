// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GrantLedger} from "../src/GrantLedger.sol";
import {OrgRegistry} from "../src/OrgRegistry.sol";
import {TitleLedger} from "../src/TitleLedger.sol";
import {WorkRegistry} from "../src/WorkRegistry.sol";

/// What halmos proves of GrantLedger.overlap, for all words there are: it is the set definition.
///
/// A grant is the set of its points: a use, a language group and a territory whose bits are set, a day of the window, a
/// count of the segment. (0, 0) is the whole work: every count. A region of a picture has no place in the words at all.
/// A point's bits are given as masks: what is proved of all masks holds of those with one bit.
contract OverlapProof is GrantLedger {
    struct Point { uint96 use; uint32 language; uint256 territory; uint24 day; uint64 count; }

    constructor() GrantLedger(address(1), OrgRegistry(address(2)), WorkRegistry(address(3)), TitleLedger(address(4))) {}

    /// Two sides of one question, whatever the words hold.
    function check_symmetry(uint256 a1, uint256 a2, uint256 a3, uint256 b1, uint256 b2, uint256 b3) external pure {
        assert(overlap(a1, a2, a3, b1, b2, b3) == overlap(b1, b2, b3, a1, a2, a3));
    }

    /// A point that both grants have makes them overlap.
    function check_a_common_point_is_an_overlap(
        uint256 a1, uint256 a2, uint256 a3, uint256 b1, uint256 b2, uint256 b3, Point calldata point
    ) external pure {
        if (!_has(a1, a2, a3, point) || !_has(b1, b2, b3, point)) return;
        assert(overlap(a1, a2, a3, b1, b2, b3));
    }

    /// Where two well-formed grants overlap there is such a point: the later first day, the later first count, and for
    /// each mask a bit that both have.
    function check_an_overlap_has_a_common_point(
        uint256 a1, uint256 a2, uint256 a3, uint256 b1, uint256 b2, uint256 b3
    ) external pure {
        if (!_isMeant(a1, a3) || !_isMeant(b1, b3) || !overlap(a1, a2, a3, b1, b2, b3)) return;
        (uint256 day, uint256 otherDay) = ((a1 >> 104) & 0xffffff, (b1 >> 104) & 0xffffff);
        if (otherDay > day) day = otherDay;
        (uint256 count, uint256 otherCount) = (a3 >> 192, b3 >> 192);
        if (otherCount > count) count = otherCount;
        assert(_isDay(a1, day) && _isDay(b1, day) && _isCount(a3, count) && _isCount(b3, count));
        uint256 uses = (a1 & b1) >> 160;
        uint256 languages = ((a1 & b1) >> 128) & 0xffffffff;
        assert(uses != 0 && languages != 0 && a2 & b2 != 0);
    }

    /// Every mask that is not zero has a bit: what the proof above calls one that both have.
    function check_a_mask_that_is_not_zero_has_a_bit(uint256 mask) external pure {
        if (mask == 0) return;
        uint256 lowest = mask & (~mask + 1);
        assert(lowest != 0 && lowest & (lowest - 1) == 0 && mask & lowest == lowest);
    }

    /// The whole meets every segment that there is, at either side.
    function check_the_whole_meets_every_segment(
        uint256 a1, uint256 a2, uint256 a3, uint256 b1, uint256 b2, uint256 b3
    ) external pure {
        if (a3 >> 128 != 0 || !_isSegment(b3)) return;
        assert(overlap(a1, a2, a3, b1, b2, b3) == overlap(a1, a2, 0, b1, b2, 0));
    }

    /// Number, parent, lapse and flags narrow nothing: nor could a region of a picture that stood there.
    function check_nothing_else_counts(
        uint256 a1, uint256 a2, uint256 a3, uint256 b1, uint256 b2, uint256 b3, uint80 number, uint128 rest
    ) external pure {
        uint256 c1 = (a1 >> 80 << 80) | number;
        uint256 c3 = (a3 >> 128 << 128) | rest;
        assert(overlap(a1, a2, a3, b1, b2, b3) == overlap(c1, a2, c3, b1, b2, b3));
    }

    /// Not true, and halmos must find that out: else the proofs above would say nothing.
    function deny_that_two_grants_can_overlap(uint256 a1, uint256 a2, uint256 a3, uint256 b1, uint256 b2, uint256 b3) external pure {
        if (!_isMeant(a1, a3) || !_isMeant(b1, b3)) return;
        assert(!overlap(a1, a2, a3, b1, b2, b3));
    }

    function _has(uint256 w1, uint256 w2, uint256 w3, Point calldata point) private pure returns (bool) {
        if (point.use == 0 || point.language == 0 || point.territory == 0) return false;
        uint256 bits = uint256(point.use) << 32 | point.language;
        bool isClaimed = (w1 >> 128) & bits == bits && w2 & point.territory == point.territory;
        return isClaimed && _isDay(w1, point.day) && _isSegment(w3) && _isCount(w3, point.count);
    }

    function _isDay(uint256 w1, uint256 day) private pure returns (bool) {
        return (w1 >> 104) & 0xffffff <= day && day < (w1 >> 80) & 0xffffff;
    }

    function _isMeant(uint256 w1, uint256 w3) private pure returns (bool) {
        return (w1 >> 104) & 0xffffff < (w1 >> 80) & 0xffffff && _isSegment(w3);
    }

    function _isSegment(uint256 w3) private pure returns (bool) {
        return w3 >> 128 == 0 || w3 >> 192 < (w3 >> 128) & type(uint64).max;
    }

    function _isCount(uint256 w3, uint256 count) private pure returns (bool) {
        return w3 >> 128 == 0 || (w3 >> 192 <= count && count < (w3 >> 128) & type(uint64).max);
    }
}
