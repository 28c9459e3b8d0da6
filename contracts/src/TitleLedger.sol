// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Acts} from "./Acts.sol";
import {OrgActs} from "./OrgActs.sol";
import {OrgRegistry} from "./OrgRegistry.sol";
import {WorkRegistry} from "./WorkRegistry.sol";

/// Who holds which rights of a work in which shares, and what is pledged (质押).
///
/// Rights are bits of the 96-bit mask of the grants. Rows with the same mask are one group; groups share no bit; the
/// shares of a group sum to 10,000, or the group is one row without holder and share: *unknown*, and unsellable.
/// Within a group the holders ascend. Per work the contract keeps the hash of the list; every act brings the list.
///
/// Source: Copyright Law (2020) art. 14: transfer, exclusive licence and pledge need every co-owner; a co-owner alone
/// may give a non-exclusive licence.
contract TitleLedger is OrgActs {
    struct Share { bytes32 holder; uint96 rights; uint16 bps; }
    struct Pledge { bytes32 pledgor; bytes32 pledgee; uint96 rights; }
    struct Title { Share[] shares; Pledge[] pledges; }
    struct Side { bytes32 org; bytes signature; }
    struct Move { bytes32 work; uint96 rights; bytes32 from; bytes32 to; uint16 bps; bytes32 instrument; }
    struct Consent { uint256 deadline; Side[] sides; }

    /// What is asked of the holders: one of them, all of them, or the pledgees only (a sub-licence).
    enum Asked { One, All, Pledgees }
    enum Change { Recorded, Transferred, Pledged, Released, Corrected }

    error StaleTitle(bytes32 work);
    error TitleTaken(bytes32 work);
    error BadTitle(bytes32 work);
    error NotHeld(bytes32 work, bytes32 holder);
    error ConsentMissing(bytes32 org);
    error SidesOutOfOrder();
    error UnknownPledge(bytes32 work);

    event TitleChanged(
        bytes32 indexed opId, bytes32 indexed work, Change change, bytes32 instrument, bytes32 head, Title title
    );

    bytes32 private constant RECORD =
        keccak256("RecordTitle(bytes32 opId,bytes32 work,bytes32 head,bytes32 instrument,uint256 deadline)");
    bytes32 private constant TRANSFER = keccak256(
        "TransferTitle(bytes32 opId,bytes32 work,bytes32 head,uint96 rights,bytes32 from,bytes32 to,uint16 bps,bytes32 instrument,uint256 deadline)"
    );
    bytes32 private constant PLEDGE = keccak256(
        "PledgeTitle(bytes32 opId,bytes32 work,bytes32 head,uint96 rights,bytes32 pledgor,bytes32 pledgee,bytes32 instrument,uint256 deadline)"
    );
    bytes32 private constant RELEASE = keccak256(
        "ReleasePledge(bytes32 opId,bytes32 work,bytes32 head,uint256 index,bytes32 instrument,uint256 deadline)"
    );
    bytes32 private constant CORRECT =
        keccak256("CorrectTitle(bytes32 opId,bytes32 work,bytes32 head,bytes32 decision,uint256 deadline)");
    uint256 private constant MOST_ROWS = 64;
    uint256 private constant MOST_PLEDGES = 16;
    uint256 private constant WHOLE = 10_000;

    WorkRegistry public immutable registry;
    mapping(bytes32 work => bytes32) public titleHead;

    constructor(address manager, OrgRegistry organisations_, WorkRegistry registry_)
        Acts(manager, "asset_hub TitleLedger") OrgActs(organisations_)
    {
        registry = registry_;
    }

    /// Record the first title of a work. The registrar signs and every holder named.
    function record(bytes32 opId, bytes32 work, Title calldata title, bytes32 instrument, Consent calldata consent)
        external restricted act(opId, consent.deadline)
    {
        if (titleHead[work] != 0) revert TitleTaken(work);
        if (title.pledges.length != 0) revert BadTitle(work);
        bytes32 head = keccak256(abi.encode(title));
        Side[] memory sides = consent.sides;
        _requireSigned(keccak256(abi.encode(RECORD, opId, work, head, instrument, consent.deadline)), sides);
        (uint32 registrar,) = registry.tradable(work);
        _requireSide(sides, organisations.orgAt(registrar));
        for (uint256 i = 0; i < title.shares.length; i++) {
            if (title.shares[i].holder != 0) _requireSide(sides, title.shares[i].holder);
        }
        _keep(opId, work, Change.Recorded, instrument, title);
        registry.markTitled(work);
    }

    /// Move shares of some rights from one holder to another: both sign, every co-owner, every pledgee.
    function transferTitle(bytes32 opId, Move calldata move, Title calldata title, Consent calldata consent)
        external restricted act(opId, consent.deadline)
    {
        bytes32 head = _requireTradable(move.work, title);
        Side[] memory sides = consent.sides;
        _requireSigned(
            keccak256(
                bytes.concat(
                    abi.encode(TRANSFER, opId, move.work, head, move.rights, move.from, move.to, move.bps),
                    abi.encode(move.instrument, consent.deadline)
                )
            ),
            sides
        );
        if (move.from == move.to || move.to == 0 || move.bps == 0 || move.rights == 0) revert BadTitle(move.work);
        _requireSide(sides, move.from);
        _requireSide(sides, move.to);
        _requireOwners(move.work, title, move.rights, move.from, true, sides);
        _keep(opId, move.work, Change.Transferred, move.instrument, _moved(title, move));
    }

    /// Pledge some rights of a holder: both sign, every co-owner, every earlier pledgee. `bps` and `to` of the move
    /// are not used for shares: `to` is the pledgee, `bps` is 0.
    function pledge(bytes32 opId, Move calldata move, Title calldata title, Consent calldata consent)
        external restricted act(opId, consent.deadline)
    {
        bytes32 head = _requireTradable(move.work, title);
        Side[] memory sides = consent.sides;
        _requireSigned(
            keccak256(
                bytes.concat(
                    abi.encode(PLEDGE, opId, move.work, head, move.rights, move.from, move.to),
                    abi.encode(move.instrument, consent.deadline)
                )
            ),
            sides
        );
        if (move.from == move.to || move.to == 0 || move.bps != 0 || move.rights == 0) revert BadTitle(move.work);
        _requireSide(sides, move.from);
        _requireSide(sides, move.to);
        _requireOwners(move.work, title, move.rights, move.from, true, sides);
        Pledge[] memory pledges = new Pledge[](title.pledges.length + 1);
        for (uint256 i = 0; i < title.pledges.length; i++) pledges[i] = title.pledges[i];
        pledges[title.pledges.length] = Pledge(move.from, move.to, move.rights);
        _keep(opId, move.work, Change.Pledged, move.instrument, Title(title.shares, pledges));
    }

    /// End a pledge; the pledgee signs.
    function release(
        bytes32 opId, bytes32 work, uint256 index, bytes32 instrument, Title calldata title, uint256 deadline,
        bytes calldata signature
    ) external restricted lastingAct(opId, deadline) {
        registry.requireUnfrozen(work);
        bytes32 head = _requireHead(work, title);
        if (index >= title.pledges.length) revert UnknownPledge(work);
        bytes32 structHash = keccak256(abi.encode(RELEASE, opId, work, head, index, instrument, deadline));
        _requireEnd(title.pledges[index].pledgee, structHash, signature);
        Pledge[] memory pledges = new Pledge[](title.pledges.length - 1);
        for (uint256 i = 0; i < pledges.length; i++) pledges[i] = title.pledges[i < index ? i : i + 1];
        _keep(opId, work, Change.Released, instrument, Title(title.shares, pledges));
    }

    /// Put a court's or authority's decision on record; also where the work is frozen.
    function courtCorrect(
        bytes32 opId, bytes32 work, Title calldata title, bytes32 decision, uint256 deadline, bytes calldata signature
    ) external restricted lastingAct(opId, deadline) {
        bytes32 head = keccak256(abi.encode(title));
        _requireRole(AUTHORITY, keccak256(abi.encode(CORRECT, opId, work, head, decision, deadline)), signature);
        _keep(opId, work, Change.Corrected, decision, title);
        registry.markTitled(work);
    }

    /// Reverts unless the holders and pledgees allow a licence of these rights: `consent` is the encoded title and the
    /// sides that signed `digest`. The licensor's own signature is checked by the caller.
    function requireConsent(
        bytes32 work, uint96 rights, bytes32 licensor, Asked asked, bytes32 digest, bytes calldata consent
    ) external view {
        (Title memory title, Side[] memory sides) = abi.decode(consent, (Title, Side[]));
        if (keccak256(abi.encode(title)) != titleHead[work]) revert StaleTitle(work);
        _requireSignatures(digest, sides);
        if (asked == Asked.Pledgees) _requirePledgees(title, rights, sides, licensor);
        else _requireOwners(work, title, rights, licensor, asked == Asked.All, sides);
    }

    function _requireTradable(bytes32 work, Title calldata title) private view returns (bytes32) {
        registry.tradable(work);
        return _requireHead(work, title);
    }

    function _requireHead(bytes32 work, Title calldata title) private view returns (bytes32 head) {
        head = keccak256(abi.encode(title));
        if (head != titleHead[work]) revert StaleTitle(work);
    }

    function _requireSigned(bytes32 structHash, Side[] memory sides) private view {
        _requireSignatures(_hashTypedDataV4(structHash), sides);
    }

    function _requireSignatures(bytes32 digest, Side[] memory sides) private view {
        for (uint256 i = 0; i < sides.length; i++) {
            if (i > 0 && sides[i].org <= sides[i - 1].org) revert SidesOutOfOrder();
            organisations.requireStart(ECDSA.recover(digest, sides[i].signature), sides[i].org);
        }
    }

    function _requireSide(Side[] memory sides, bytes32 org) private pure {
        for (uint256 i = 0; i < sides.length; i++) {
            if (sides[i].org == org) return;
        }
        revert ConsentMissing(org);
    }

    /// `holder` must hold a share of every one of the rights; if `all`, every co-owner of them must be a side.
    function _requireOwners(
        bytes32 work, Title memory title, uint96 rights, bytes32 holder, bool all, Side[] memory sides
    ) private pure {
        uint96 held = 0;
        for (uint256 i = 0; i < title.shares.length; i++) {
            Share memory share = title.shares[i];
            if (share.rights & rights == 0 || share.bps == 0) continue;
            if (share.holder == holder) held |= share.rights & rights;
            else if (all) _requireSide(sides, share.holder);
        }
        if (held != rights) revert NotHeld(work, holder);
        _requirePledgees(title, rights, sides, holder);
    }

    function _requirePledgees(Title memory title, uint96 rights, Side[] memory sides, bytes32 signer) private pure {
        for (uint256 i = 0; i < title.pledges.length; i++) {
            Pledge memory held = title.pledges[i];
            if (held.rights & rights != 0 && held.pledgee != signer) _requireSide(sides, held.pledgee);
        }
    }

    /// The shares after a move: parts of groups outside its rights stay as they are, parts inside follow behind them.
    function _moved(Title calldata title, Move calldata move) private pure returns (Title memory) {
        Share[] calldata shares = title.shares;
        Share[] memory rows = new Share[](shares.length * 3);
        uint256 length = 0;
        for (uint256 i = 0; i < shares.length; i++) {
            uint96 outside = shares[i].rights & ~move.rights;
            if (outside != 0) rows[length++] = Share(shares[i].holder, outside, shares[i].bps);
        }
        for (uint256 i = 0; i < shares.length;) {
            (i, length) = _moveGroup(shares, move, i, rows, length);
        }
        assembly ("memory-safe") { mstore(rows, length) }
        return Title(rows, title.pledges);
    }

    /// Append the part of the group at `i` that is inside the move's rights; return where the next group starts.
    function _moveGroup(Share[] calldata shares, Move calldata move, uint256 i, Share[] memory rows, uint256 length)
        private pure returns (uint256, uint256)
    {
        uint96 group = shares[i].rights;
        uint96 inside = group & move.rights;
        bool isPlaced = inside == 0;
        for (; i < shares.length && shares[i].rights == group; i++) {
            if (inside == 0) continue;
            (bytes32 holder, uint16 bps) = (shares[i].holder, shares[i].bps);
            if (holder == move.from) {
                if (bps < move.bps) revert NotHeld(move.work, move.from);
                bps -= move.bps;
            }
            if (!isPlaced && holder >= move.to) {
                isPlaced = true;
                if (holder == move.to) bps += move.bps;
                else rows[length++] = Share(move.to, inside, move.bps);
            }
            if (bps != 0) rows[length++] = Share(holder, inside, bps);
        }
        if (!isPlaced) rows[length++] = Share(move.to, inside, move.bps);
        return (i, length);
    }

    function _keep(bytes32 opId, bytes32 work, Change change, bytes32 instrument, Title memory title) private {
        _requireWellFormed(work, title);
        if (instrument == 0) revert BadTitle(work);
        bytes32 head = keccak256(abi.encode(title));
        titleHead[work] = head;
        emit TitleChanged(opId, work, change, instrument, head, title);
    }

    function _requireWellFormed(bytes32 work, Title memory title) private pure {
        uint256 length = title.shares.length;
        if (length == 0 || length > MOST_ROWS || title.pledges.length > MOST_PLEDGES) revert BadTitle(work);
        uint96 covered = 0;
        for (uint256 i = 0; i < length;) {
            uint96 group = title.shares[i].rights;
            if (group == 0 || covered & group != 0) revert BadTitle(work);
            covered |= group;
            i = _requireWholeGroup(work, title.shares, i);
        }
        for (uint256 i = 0; i < title.pledges.length; i++) {
            Pledge memory held = title.pledges[i];
            if (held.rights == 0 || held.pledgee == 0 || held.pledgor == 0) revert BadTitle(work);
        }
    }

    /// Check the group that starts at `i`; return where the next one starts.
    function _requireWholeGroup(bytes32 work, Share[] memory shares, uint256 i) private pure returns (uint256) {
        uint96 group = shares[i].rights;
        uint256 sum = 0;
        uint256 first = i;
        for (; i < shares.length && shares[i].rights == group; i++) {
            if (i > first && shares[i].holder <= shares[i - 1].holder) revert BadTitle(work);
            if ((shares[i].holder == 0) != (shares[i].bps == 0)) revert BadTitle(work);
            sum += shares[i].bps;
        }
        bool isUnknown = sum == 0 && i == first + 1;
        if (!isUnknown && (sum != WHOLE || shares[first].holder == 0)) revert BadTitle(work);
        return i;
    }
}
