// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Acts} from "./Acts.sol";
import {OrgActs} from "./OrgActs.sol";
import {OrgRegistry} from "./OrgRegistry.sol";
import {TitleLedger} from "./TitleLedger.sol";
import {WorkRegistry} from "./WorkRegistry.sol";

/// Licences as three words each, and the rule that no two exclusive ones overlap.
///
/// word 1: 96 bits right×medium, 32 bits languages, 24 bits first day, 24 bits day after the last, 80 bits number.
/// word 2: territories. word 3: segment [from, to) as two 64-bit counts (0, 0 = the whole), 80 bits number of the
/// licence it is given under, 40 bits second at which a reservation lapses, 8 bits flags: the lowest two are the kind
/// (0 普通, 1 排他, 2 独占), then "may be sub-licensed", then "is a reservation".
/// Days are counted from 1970-01-01 in Beijing.
///
/// Per work the contract keeps two heads. Every sale brings the list of live exclusives and reservations along (the
/// witness), the contract checks it against the head and scans it; a non-exclusive sale only appends to its rolling
/// hash. Whatever has been terminated stays in its list until `compact`, and blocks nothing.
///
/// An act identifier of a grant ends in the licence's number, so that the number's slot also shows the act was done.
contract GrantLedger is OrgActs {
    enum State { None, Live, Reserved, Ended }

    struct Grant { bytes32 work; bytes32 licensor; bytes32 licensee; uint256 w1; uint256 w2; uint256 w3; bytes32 terms; }

    /// `consent` is empty for a work without a recorded title, else what TitleLedger.requireConsent reads.
    struct Signed { uint256 deadline; bytes licensor; bytes licensee; bytes consent; }
    struct Witness { uint256[] exclusives; uint256[] nonExclusives; }

    error StaleWitness(bytes32 work, bool ofExclusives);
    error Overlaps(bytes32 work, uint256 licence);
    error Malformed();
    error NotTheRegistrar(bytes32 work, bytes32 licensor);
    error NumberTaken(uint256 licence);
    error NotOnRecord(uint256 licence);
    error Exceeds(uint256 licence);
    error ListFull(bytes32 work);

    event Granted(
        bytes32 indexed opId, bytes32 indexed work, uint256 indexed licence, bytes32 licensor, bytes32 licensee,
        uint256 w1, uint256 w2, uint256 w3, bytes32 terms, bytes32 exclusiveHead, bytes32 nonExclusiveHead
    );
    event Reserved(
        bytes32 indexed opId, bytes32 indexed work, uint256 indexed licence, bytes32 licensor, bytes32 licensee,
        uint256 w1, uint256 w2, uint256 w3, bytes32 terms, bytes32 exclusiveHead, bytes32 nonExclusiveHead
    );
    event Confirmed(bytes32 indexed opId, uint256 indexed reservation, uint256 indexed licence);
    event Terminated(bytes32 indexed opId, uint256 indexed licence, bytes32 reason, bool byAuthority);
    event Compacted(bytes32 indexed opId, bytes32 indexed work, bool ofExclusives, bytes32 head);

    bytes32 private constant GRANT = keccak256(
        "Grant(bytes32 opId,bytes32 work,bytes32 licensor,bytes32 licensee,uint256 w1,uint256 w2,uint256 w3,bytes32 terms,bool subjectTo,bytes32 disclosed,uint256 deadline)"
    );
    bytes32 private constant CONFIRM = keccak256(
        "Confirm(bytes32 opId,bytes32 work,bytes32 licensor,bytes32 licensee,uint256 w1,uint256 w2,uint256 w3,bytes32 terms,bool subjectTo,bytes32 disclosed,uint256 reservation,uint256 deadline)"
    );
    bytes32 private constant TERMINATE =
        keccak256("Terminate(bytes32 opId,uint256 licence,bytes32 reason,uint256 deadline)");
    bytes32 private constant COMPACT =
        keccak256("Compact(bytes32 opId,bytes32 work,bool ofExclusives,bytes32 head,uint256 deadline)");

    uint256 private constant BEIJING = 8 hours;
    uint256 private constant KIND = 3;
    uint256 private constant SUBLICENSABLE = 4;
    uint256 private constant RESERVATION = 8;
    uint256 private constant FLAGS = 15;
    uint256 private constant NUMBER = (1 << 80) - 1;
    uint256 private constant LONGEST_HOLD = 30 days;
    uint256 private constant MOST_EXCLUSIVES = 200;

    WorkRegistry public immutable registry;
    TitleLedger public immutable titles;
    mapping(bytes32 work => bytes32) public exclusiveHead;
    mapping(bytes32 work => bytes32) public nonExclusiveHead;
    /// 248 bits of the grant's hash, 8 bits state.
    mapping(uint256 licence => bytes32) public records;

    constructor(address manager, OrgRegistry organisations_, WorkRegistry registry_, TitleLedger titles_)
        Acts(manager, "asset_hub GrantLedger") OrgActs(organisations_)
    {
        registry = registry_;
        titles = titles_;
    }

    /// Record a 普通 licence. `exclusives` is the list behind the exclusive head, three words each.
    function grantNonExclusive(
        bytes32 opId, Grant calldata grant, uint256[] calldata exclusives, Signed calldata signed
    ) external restricted {
        _requireOpen(opId, signed.deadline);
        if (grant.w3 & KIND != 0 || _origin(grant.w3) != 0) revert Malformed();
        _admit(opId, grant, _structHash(opId, grant, false, 0, signed.deadline), TitleLedger.Asked.One, signed);
        _appendNonExclusive(opId, grant, exclusives);
    }

    /// Record a 排他 or 独占 licence. Strict: `nonExclusives` is the whole list behind their head, and none may overlap.
    /// Subject to: the signers name that head (`disclosed`), and the licences behind it go on.
    function grantExclusive(
        bytes32 opId, Grant calldata grant, bool subjectTo, bytes32 disclosed, Witness calldata witness, Signed calldata signed
    ) external restricted {
        _requireOpen(opId, signed.deadline);
        if (grant.w3 & KIND == 0 || _origin(grant.w3) != 0) revert Malformed();
        bytes32 structHash = _structHash(opId, grant, subjectTo, disclosed, signed.deadline);
        _admit(opId, grant, structHash, TitleLedger.Asked.All, signed);
        _appendExclusive(opId, grant, subjectTo, disclosed, witness);
    }

    /// Hold rights for a buyer (预留) until the second in word 3, at most 30 days away: nobody else is licensed meanwhile.
    function reserve(bytes32 opId, Grant calldata grant, uint256[] calldata exclusives, Signed calldata signed)
        external restricted
    {
        _requireOpen(opId, signed.deadline);
        uint256 lapses = _lapses(grant.w3);
        if (grant.w3 & (RESERVATION | SUBLICENSABLE) != RESERVATION || grant.w3 >> 48 & NUMBER != 0) revert Malformed();
        if (lapses <= block.timestamp || lapses > block.timestamp + LONGEST_HOLD) revert Malformed();
        bytes32 structHash = _structHash(opId, grant, false, 0, signed.deadline);
        _admit(opId, grant, structHash, TitleLedger.Asked.All, signed);
        _checkExclusives(grant, exclusives);
        bytes32 head = _append(grant, exclusives);
        exclusiveHead[grant.work] = head;
        _finishReservation(opId, grant, head);
    }

    /// Turn a reservation into a licence inside it, of any kind; the reservation is the whole grant as it was reserved.
    function confirm(
        bytes32 opId, Grant calldata grant, bool subjectTo, bytes32 disclosed, Grant calldata reservation,
        Witness calldata witness, Signed calldata signed
    ) external restricted {
        _requireOpen(opId, signed.deadline);
        uint256 reserved = _requireOnRecord(reservation, State.Reserved);
        if (_origin(grant.w3) != 0) revert Malformed();
        bool isOther = reservation.licensor != grant.licensor || reservation.licensee != grant.licensee;
        if (isOther || _lapses(reservation.w3) <= block.timestamp || !_isInside(grant, reservation)) revert Exceeds(reserved);
        records[reserved] = _withState(records[reserved], State.Ended);
        _admit(
            opId, grant,
            keccak256(
                bytes.concat(
                    abi.encode(CONFIRM, opId, grant.work, grant.licensor, grant.licensee, grant.w1),
                    abi.encode(grant.w2, grant.w3, grant.terms, subjectTo, disclosed, reserved, signed.deadline)
                )
            ),
            grant.w3 & KIND == 0 ? TitleLedger.Asked.One : TitleLedger.Asked.All, signed
        );
        emit Confirmed(opId, reserved, grant.w1 & NUMBER);
        _appendEither(opId, grant, subjectTo, disclosed, witness);
    }

    /// Record a licence given by a licensee inside its own, which must say that it may; word 3 names the parent's number.
    /// A sub-licence cannot be sub-licensed, and falls with its parent.
    function sublicense(
        bytes32 opId, Grant calldata grant, bool subjectTo, bytes32 disclosed, Grant calldata parent,
        Witness calldata witness, Signed calldata signed
    ) external restricted {
        _requireOpen(opId, signed.deadline);
        uint256 number = _requireOnRecord(parent, State.Live);
        if (grant.w3 & (SUBLICENSABLE | RESERVATION) != 0 || _origin(grant.w3) != number << 40) revert Malformed();
        bool isAllowed = parent.w3 & SUBLICENSABLE != 0 && parent.licensee == grant.licensor
            && grant.w3 & KIND <= parent.w3 & KIND && _end(parent.w1) > _today();
        if (!isAllowed || !_isInside(grant, parent)) revert Exceeds(number);
        bytes32 structHash = _structHash(opId, grant, subjectTo, disclosed, signed.deadline);
        _admit(opId, grant, structHash, TitleLedger.Asked.Pledgees, signed);
        _appendEither(opId, grant, subjectTo, disclosed, witness);
    }

    /// End a licence or a reservation; both sides sign, suspended ones too. It blocks nobody from now on.
    function terminate(bytes32 opId, Grant calldata grant, bytes32 reason, Signed calldata signed)
        external restricted lastingAct(opId, signed.deadline)
    {
        uint256 number = grant.w1 & NUMBER;
        State state = stateOf(number);
        if (state == State.None || state == State.Ended) revert NotOnRecord(number);
        _requireOnRecord(grant, state);
        registry.requireUnfrozen(grant.work);
        bytes32 structHash = keccak256(abi.encode(TERMINATE, opId, number, reason, signed.deadline));
        _requireEnd(grant.licensor, structHash, signed.licensor);
        _requireEnd(grant.licensee, structHash, signed.licensee);
        _end(opId, number, reason, false);
    }

    /// End a licence or a reservation by decision of a court or authority, also where the work is frozen.
    function terminateByAuthority(
        bytes32 opId, uint256 licence, bytes32 reason, uint256 deadline, bytes calldata signature
    ) external restricted lastingAct(opId, deadline) {
        State state = stateOf(licence);
        if (state == State.None || state == State.Ended) revert NotOnRecord(licence);
        _requireRole(AUTHORITY, keccak256(abi.encode(TERMINATE, opId, licence, reason, deadline)), signature);
        _end(opId, licence, reason, true);
    }

    /// Drop from a list what has ended, lapsed or been terminated; nothing else can leave it. The registrar's act.
    function compact(
        bytes32 opId, bytes32 work, bool ofExclusives, uint256[] calldata words, uint256 deadline, bytes calldata signature
    ) external restricted act(opId, deadline) {
        bytes32 head = ofExclusives ? exclusiveHead[work] : nonExclusiveHead[work];
        _requireRole(REGISTRAR, keccak256(abi.encode(COMPACT, opId, work, ofExclusives, head, deadline)), signature);
        registry.tradable(work);
        bool isWhole = words.length % 3 == 0 && (ofExclusives ? _hash(words) : _roll(words)) == head;
        if (!isWhole) revert StaleWitness(work, ofExclusives);
        uint256[] memory kept = _living(words);
        head = kept.length == 0 ? bytes32(0) : ofExclusives ? keccak256(abi.encodePacked(kept)) : _rolled(kept);
        if (ofExclusives) exclusiveHead[work] = head;
        else nonExclusiveHead[work] = head;
        emit Compacted(opId, work, ofExclusives, head);
    }

    /// Whether two grants of one work claim something in common.
    function overlap(uint256 a1, uint256 a2, uint256 a3, uint256 b1, uint256 b2, uint256 b3) public pure returns (bool) {
        if ((a1 & b1) >> 160 == 0 || ((a1 & b1) >> 128) & 0xffffffff == 0 || a2 & b2 == 0) return false;
        if (_start(a1) >= _end(b1) || _start(b1) >= _end(a1)) return false;
        (uint256 from, uint256 to) = _segment(a3);
        (uint256 otherFrom, uint256 otherTo) = _segment(b3);
        return from < otherTo && otherFrom < to;
    }

    /// What is recorded under a number. A sub-licence that is live here has still fallen when its parent has ended.
    function stateOf(uint256 licence) public view returns (State) {
        return State(uint8(uint256(records[licence])));
    }

    /// Everything that every new grant must satisfy but for the lists: form, number, work, signatures, consents.
    function _admit(
        bytes32 opId, Grant calldata grant, bytes32 structHash, TitleLedger.Asked asked, Signed calldata signed
    ) private view {
        uint256 number = grant.w1 & NUMBER;
        if (!_isWellFormed(grant) || uint256(opId) & NUMBER != number) revert Malformed();
        if (records[number] != 0) revert NumberTaken(number);
        (uint32 registrar, bool isTitled) = registry.tradable(grant.work);
        bytes32 digest = _hashTypedDataV4(structHash);
        uint32 licensor = organisations.requireStartOfBoth(
            ECDSA.recover(digest, signed.licensor), grant.licensor, ECDSA.recover(digest, signed.licensee), grant.licensee
        );
        if (isTitled) {
            titles.requireConsent(grant.work, uint96(grant.w1 >> 160), grant.licensor, asked, digest, signed.consent);
        } else if (asked != TitleLedger.Asked.Pledgees && licensor != registrar) {
            revert NotTheRegistrar(grant.work, grant.licensor);
        }
    }

    /// keccak256(abi.encode(GRANT, opId, ...grant, subjectTo, disclosed, deadline)): a grant is seven words of calldata.
    function _structHash(bytes32 opId, Grant calldata grant, bool subjectTo, bytes32 disclosed, uint256 deadline)
        private pure returns (bytes32 hash)
    {
        bytes32 typeHash = GRANT;
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, typeHash)
            mstore(add(words, 32), opId)
            calldatacopy(add(words, 64), grant, 224)
            mstore(add(words, 288), subjectTo)
            mstore(add(words, 320), disclosed)
            mstore(add(words, 352), deadline)
            hash := keccak256(words, 384)
        }
    }

    /// keccak256(abi.encode(grant)).
    function _hashOf(Grant calldata grant) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let words := mload(0x40)
            calldatacopy(words, grant, 224)
            hash := keccak256(words, 224)
        }
    }

    function _isWellFormed(Grant calldata grant) private pure returns (bool) {
        uint256 from = grant.w3 >> 192;
        uint256 to = (grant.w3 >> 128) & type(uint64).max;
        return grant.w1 >> 160 != 0 && (grant.w1 >> 128) & 0xffffffff != 0 && grant.w2 != 0 && grant.terms != 0
            && grant.w1 & NUMBER != 0 && _start(grant.w1) < _end(grant.w1) && (from < to || (from == 0 && to == 0))
            && grant.w3 & KIND != KIND && grant.w3 & 0xff <= FLAGS;
    }

    function _appendEither(
        bytes32 opId, Grant calldata grant, bool subjectTo, bytes32 disclosed, Witness calldata witness
    ) private {
        if (grant.w3 & KIND != 0) return _appendExclusive(opId, grant, subjectTo, disclosed, witness);
        if (subjectTo || disclosed != 0) revert Malformed();
        _appendNonExclusive(opId, grant, witness.exclusives);
    }

    function _appendNonExclusive(bytes32 opId, Grant calldata grant, uint256[] calldata exclusives) private {
        _checkExclusives(grant, exclusives);
        bytes32 head = _next(nonExclusiveHead[grant.work], grant.w1, grant.w2, grant.w3);
        nonExclusiveHead[grant.work] = head;
        _finish(opId, grant, exclusiveHead[grant.work], head);
    }

    function _appendExclusive(
        bytes32 opId, Grant calldata grant, bool subjectTo, bytes32 disclosed, Witness calldata witness
    ) private {
        _checkExclusives(grant, witness.exclusives);
        if (disclosed != nonExclusiveHead[grant.work]) revert StaleWitness(grant.work, false);
        if (!subjectTo) {
            uint256[] calldata words = witness.nonExclusives;
            if (words.length % 3 != 0 || _roll(words) != disclosed) revert StaleWitness(grant.work, false);
            _scan(grant, words);
        }
        bytes32 head = _append(grant, witness.exclusives);
        exclusiveHead[grant.work] = head;
        _finish(opId, grant, head, disclosed);
    }

    function _checkExclusives(Grant calldata grant, uint256[] calldata words) private view {
        if (words.length % 3 != 0 || _hash(words) != exclusiveHead[grant.work]) revert StaleWitness(grant.work, true);
        _scan(grant, words);
    }

    function _scan(Grant calldata grant, uint256[] calldata words) private view {
        (uint256 w1, uint256 w2, uint256 w3) = (grant.w1, grant.w2, grant.w3);
        uint256 parent = w3 >> 48 & NUMBER;
        for (uint256 i = 0; i < words.length; i += 3) {
            if (!overlap(w1, w2, w3, words[i], words[i + 1], words[i + 2])) continue;
            if (words[i] & NUMBER == parent || _isDead(words[i], words[i + 2])) continue;
            revert Overlaps(grant.work, words[i] & NUMBER);
        }
    }

    /// Whether something in a list blocks nobody any more, its window aside.
    function _isDead(uint256 w1, uint256 w3) private view returns (bool) {
        if (w3 & RESERVATION != 0 && _lapses(w3) <= block.timestamp) return true;
        if (stateOf(w1 & NUMBER) == State.Ended) return true;
        uint256 parent = w3 >> 48 & NUMBER;
        return parent != 0 && stateOf(parent) == State.Ended;
    }

    function _living(uint256[] calldata words) private view returns (uint256[] memory kept) {
        kept = new uint256[](words.length);
        uint256 length = 0;
        uint256 today = _today();
        for (uint256 i = 0; i < words.length; i += 3) {
            if (_end(words[i]) <= today || _isDead(words[i], words[i + 2])) continue;
            (kept[length], kept[length + 1], kept[length + 2]) = (words[i], words[i + 1], words[i + 2]);
            length += 3;
        }
        assembly ("memory-safe") { mstore(kept, length) }
    }

    /// The list of exclusives without those whose last day has passed or that lapsed, and with the new one.
    function _append(Grant calldata grant, uint256[] calldata words) private view returns (bytes32) {
        uint256 today = _today();
        uint256[] memory kept = new uint256[](words.length + 3);
        uint256 length = 0;
        for (uint256 i = 0; i < words.length; i += 3) {
            uint256 w3 = words[i + 2];
            if (_end(words[i]) <= today || (w3 & RESERVATION != 0 && _lapses(w3) <= block.timestamp)) continue;
            (kept[length], kept[length + 1], kept[length + 2]) = (words[i], words[i + 1], w3);
            length += 3;
        }
        (kept[length], kept[length + 1], kept[length + 2]) = (grant.w1, grant.w2, grant.w3);
        length += 3;
        if (length > 3 * MOST_EXCLUSIVES) revert ListFull(grant.work);
        assembly ("memory-safe") { mstore(kept, length) }
        return keccak256(abi.encodePacked(kept));
    }

    function _finish(bytes32 opId, Grant calldata grant, bytes32 exclusive, bytes32 nonExclusive) private {
        _keep(grant, State.Live);
        emit Granted(
            opId, grant.work, grant.w1 & NUMBER, grant.licensor, grant.licensee, grant.w1, grant.w2, grant.w3,
            grant.terms, exclusive, nonExclusive
        );
    }

    function _finishReservation(bytes32 opId, Grant calldata grant, bytes32 exclusive) private {
        _keep(grant, State.Reserved);
        emit Reserved(
            opId, grant.work, grant.w1 & NUMBER, grant.licensor, grant.licensee, grant.w1, grant.w2, grant.w3,
            grant.terms, exclusive, nonExclusiveHead[grant.work]
        );
    }

    function _keep(Grant calldata grant, State state) private {
        records[grant.w1 & NUMBER] = _withState(_hashOf(grant), state);
    }

    function _end(bytes32 opId, uint256 licence, bytes32 reason, bool byAuthority) private {
        if (reason == 0) revert Malformed();
        records[licence] = _withState(records[licence], State.Ended);
        emit Terminated(opId, licence, reason, byAuthority);
    }

    function _requireOnRecord(Grant calldata grant, State state) private view returns (uint256 number) {
        number = grant.w1 & NUMBER;
        if (records[number] != _withState(_hashOf(grant), state)) revert NotOnRecord(number);
    }

    function _withState(bytes32 record, State state) private pure returns (bytes32) {
        return bytes32((uint256(record) & ~uint256(0xff)) | uint256(state));
    }

    /// Whether one grant claims nothing that the other does not.
    function _isInside(Grant calldata inner, Grant calldata outer) private pure returns (bool) {
        if (inner.work != outer.work || (inner.w1 & ~outer.w1) >> 128 != 0 || inner.w2 & ~outer.w2 != 0) return false;
        if (_start(inner.w1) < _start(outer.w1) || _end(inner.w1) > _end(outer.w1)) return false;
        (uint256 from, uint256 to) = _segment(inner.w3);
        (uint256 outerFrom, uint256 outerTo) = _segment(outer.w3);
        return from >= outerFrom && to <= outerTo;
    }

    function _hash(uint256[] calldata words) private pure returns (bytes32) {
        return words.length == 0 ? bytes32(0) : keccak256(abi.encodePacked(words));
    }

    /// keccak256(abi.encode(head, w1, w2, w3)), always in the same memory: a list has thousands.
    function _next(bytes32 head, uint256 w1, uint256 w2, uint256 w3) private pure returns (bytes32 next) {
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, head)
            mstore(add(words, 32), w1)
            mstore(add(words, 64), w2)
            mstore(add(words, 96), w3)
            next := keccak256(words, 128)
        }
    }

    function _roll(uint256[] calldata words) private pure returns (bytes32 head) {
        for (uint256 i = 0; i < words.length; i += 3) {
            head = _next(head, words[i], words[i + 1], words[i + 2]);
        }
    }

    function _rolled(uint256[] memory words) private pure returns (bytes32 head) {
        for (uint256 i = 0; i < words.length; i += 3) {
            head = _next(head, words[i], words[i + 1], words[i + 2]);
        }
    }

    function _today() private view returns (uint256) { return (block.timestamp + BEIJING) / 1 days; }

    /// The bits that say where a grant comes from: parent's number and the second a reservation lapses, with its flag.
    function _origin(uint256 w3) private pure returns (uint256) {
        return (w3 >> 8 & ((1 << 120) - 1)) | (w3 & RESERVATION);
    }

    function _lapses(uint256 w3) private pure returns (uint256) { return w3 >> 8 & 0xffffffffff; }

    function _start(uint256 w1) private pure returns (uint256) { return (w1 >> 104) & 0xffffff; }

    function _end(uint256 w1) private pure returns (uint256) { return (w1 >> 80) & 0xffffff; }

    function _segment(uint256 w3) private pure returns (uint256 from, uint256 to) {
        from = w3 >> 192;
        to = (w3 >> 128) & type(uint64).max;
        if (from == 0 && to == 0) to = type(uint64).max;
    }
}
