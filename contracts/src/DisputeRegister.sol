// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OrgRegistry} from "./OrgRegistry.sol";
import {Acts} from "./Acts.sol";
import {OrgActs} from "./OrgActs.sol";

/// Disputes about a work or a licence: who said what by when, and what was decided. Texts stay outside, by digest.
///
///   None ──open──► Open ──respond, in time──► Answered ──decide──► Decided ──appeal, in time──► Appealed ──decide──► Final
///                   │                                                 ▲  │                                             │
///                   └──────────decide, when overdue───────────────────┘  └──close, when overdue──► Closed ◄──close─────┘
///
/// Open, Answered ──withdraw (claimant)──► Closed. Any state but None and Closed ──settle (both)──► Closed.
/// An interim order changes no state: it sets or lifts `frozen` until the case is closed. This register calls no other:
/// the service freezes the work itself, in WorkRegistry, beside it.
contract DisputeRegister is OrgActs {
    enum State { None, Open, Answered, Decided, Appealed, Final, Closed }
    enum Subject { None, Work, Licence }

    struct Claim { Subject kind; bytes32 subject; bytes32 claimant; bytes32 respondent; bytes32 evidence; uint40 respondBy; }
    struct Case {
        bytes32 subject; bytes32 claimant; bytes32 respondent; bytes32 evidence; bytes32 decision;
        State state; Subject kind; bool frozen; uint40 due;
    }

    error CaseTaken(bytes32 id);
    error Malformed();
    error NotInState(bytes32 id, State state);
    error TooSoon(bytes32 id);
    error TooLate(bytes32 id);
    error NotAParty(bytes32 org);

    event CaseOpened(bytes32 indexed opId, bytes32 indexed id, bytes32 indexed subject, Claim claim);
    event Responded(bytes32 indexed opId, bytes32 indexed id, bytes32 answer, bytes32 evidence);
    event InterimOrdered(bytes32 indexed opId, bytes32 indexed id, bool frozen, bytes32 order);
    event CaseDecided(bytes32 indexed opId, bytes32 indexed id, bytes32 decision, uint40 appealBy);
    event Appealed(bytes32 indexed opId, bytes32 indexed id, bytes32 org, bytes32 grounds, bytes32 evidence);
    event CaseClosed(bytes32 indexed opId, bytes32 indexed id, bytes32 outcome, State from);

    /// The least time that a side is left to answer or to appeal.
    uint256 public constant LEAST_TERM = 7 days;

    bytes32 private constant OPEN = keccak256(
        "Open(bytes32 opId,bytes32 id,uint8 kind,bytes32 subject,bytes32 claimant,bytes32 respondent,bytes32 evidence,uint40 respondBy,uint256 deadline)"
    );
    bytes32 private constant RESPOND = keccak256("Respond(bytes32 opId,bytes32 id,bytes32 answer,uint256 deadline)");
    bytes32 private constant INTERIM = keccak256("Interim(bytes32 opId,bytes32 id,bool frozen,bytes32 order,uint256 deadline)");
    bytes32 private constant DECIDE = keccak256("Decide(bytes32 opId,bytes32 id,bytes32 decision,uint40 appealBy,uint256 deadline)");
    bytes32 private constant APPEAL = keccak256("Appeal(bytes32 opId,bytes32 id,bytes32 org,bytes32 grounds,uint256 deadline)");
    bytes32 private constant CLOSE = keccak256("Close(bytes32 opId,bytes32 id,bytes32 outcome,uint256 deadline)");
    bytes32 private constant WITHDRAW = keccak256("Withdraw(bytes32 opId,bytes32 id,bytes32 outcome,uint256 deadline)");
    bytes32 private constant SETTLE = keccak256("Settle(bytes32 opId,bytes32 id,bytes32 outcome,uint256 deadline)");

    mapping(bytes32 id => Case) public cases;

    constructor(address manager, OrgRegistry organisations_)
        Acts(manager, "asset_hub DisputeRegister") OrgActs(organisations_)
    {}

    /// The claimant brings a case against another organisation, which may answer until `respondBy`.
    function open(bytes32 opId, bytes32 id, Claim calldata claim, uint256 deadline, bytes calldata signature)
        external restricted act(opId, deadline)
    {
        if (cases[id].state != State.None || id == 0) revert CaseTaken(id);
        if (!_isWellFormed(claim)) revert Malformed();
        _requireStart(claim.claimant, keccak256(abi.encode(OPEN, opId, id, claim, deadline)), signature);
        cases[id] = Case(
            claim.subject, claim.claimant, claim.respondent, claim.evidence, 0, State.Open, claim.kind, false, claim.respondBy
        );
        emit CaseOpened(opId, id, claim.subject, claim);
    }

    /// The respondent answers; `answer` is the root of its own evidence.
    function respond(bytes32 opId, bytes32 id, bytes32 answer, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        Case storage held = cases[id];
        if (held.state != State.Open) revert NotInState(id, held.state);
        if (block.timestamp > held.due) revert TooLate(id);
        if (answer == 0) revert Malformed();
        _requireEnd(held.respondent, keccak256(abi.encode(RESPOND, opId, id, answer, deadline)), signature);
        held.state = State.Answered;
        emit Responded(opId, id, answer, _add(held, answer));
    }

    /// An authority freezes the subject for the time of the case, or lifts that.
    function interim(bytes32 opId, bytes32 id, bool frozen, bytes32 order, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        Case storage held = cases[id];
        _requireLive(id, held.state);
        if (held.frozen == frozen || order == 0) revert Malformed();
        _requireRole(AUTHORITY, keccak256(abi.encode(INTERIM, opId, id, frozen, order, deadline)), signature);
        held.frozen = frozen;
        emit InterimOrdered(opId, id, frozen, order);
    }

    /// An authority decides: what was answered, or left unanswered; with `appealBy` the first time, 0 on appeal.
    function decide(bytes32 opId, bytes32 id, bytes32 decision, uint40 appealBy, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        Case storage held = cases[id];
        State state = held.state;
        if (state != State.Open && state != State.Answered && state != State.Appealed) revert NotInState(id, state);
        if (state == State.Open && block.timestamp <= held.due) revert TooSoon(id);
        bool isTermGood = state == State.Appealed ? appealBy == 0 : appealBy >= block.timestamp + LEAST_TERM;
        if (decision == 0 || !isTermGood) revert Malformed();
        _requireRole(AUTHORITY, keccak256(abi.encode(DECIDE, opId, id, decision, appealBy, deadline)), signature);
        held.decision = decision;
        (held.state, held.due) = (state == State.Appealed ? State.Final : State.Decided, appealBy);
        emit CaseDecided(opId, id, decision, appealBy);
    }

    /// One of the two sides appeals in time; `grounds` is the root of what it adds.
    function appeal(bytes32 opId, bytes32 id, bytes32 org, bytes32 grounds, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        Case storage held = cases[id];
        if (held.state != State.Decided) revert NotInState(id, held.state);
        if (block.timestamp > held.due) revert TooLate(id);
        if (org != held.claimant && org != held.respondent) revert NotAParty(org);
        if (grounds == 0) revert Malformed();
        _requireEnd(org, keccak256(abi.encode(APPEAL, opId, id, org, grounds, deadline)), signature);
        held.state = State.Appealed;
        emit Appealed(opId, id, org, grounds, _add(held, grounds));
    }

    /// The notary closes a case whose decision can no longer be appealed; an interim freeze ends with it.
    function close(bytes32 opId, bytes32 id, bytes32 outcome, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        Case storage held = cases[id];
        if (held.state != State.Decided && held.state != State.Final) revert NotInState(id, held.state);
        if (held.state == State.Decided && block.timestamp <= held.due) revert TooSoon(id);
        _requireRole(NOTARY, keccak256(abi.encode(CLOSE, opId, id, outcome, deadline)), signature);
        _close(opId, id, outcome, held);
    }

    /// The claimant gives up before a decision.
    function withdraw(bytes32 opId, bytes32 id, bytes32 outcome, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        Case storage held = cases[id];
        if (held.state != State.Open && held.state != State.Answered) revert NotInState(id, held.state);
        _requireEnd(held.claimant, keccak256(abi.encode(WITHDRAW, opId, id, outcome, deadline)), signature);
        _close(opId, id, outcome, held);
    }

    /// Both sides end the case, by a settlement or by taking a decision as it is.
    function settle(
        bytes32 opId, bytes32 id, bytes32 outcome, uint256 deadline, bytes calldata claimant, bytes calldata respondent
    ) external restricted lastingAct(opId, deadline) {
        Case storage held = cases[id];
        _requireLive(id, held.state);
        bytes32 structHash = keccak256(abi.encode(SETTLE, opId, id, outcome, deadline));
        _requireEnd(held.claimant, structHash, claimant);
        _requireEnd(held.respondent, structHash, respondent);
        _close(opId, id, outcome, held);
    }

    function _isWellFormed(Claim calldata claim) private view returns (bool) {
        return claim.kind != Subject.None && claim.subject != 0 && claim.evidence != 0 && claim.respondent != 0
            && claim.claimant != claim.respondent && claim.respondBy >= block.timestamp + LEAST_TERM;
    }

    function _requireLive(bytes32 id, State state) private pure {
        if (state == State.None || state == State.Closed) revert NotInState(id, state);
    }

    /// Chain a further evidence root to what the case already holds.
    function _add(Case storage held, bytes32 root) private returns (bytes32 evidence) {
        evidence = keccak256(abi.encode(held.evidence, root));
        held.evidence = evidence;
    }

    function _close(bytes32 opId, bytes32 id, bytes32 outcome, Case storage held) private {
        State from = held.state;
        if (outcome == 0) revert Malformed();
        (held.state, held.frozen) = (State.Closed, false);
        emit CaseClosed(opId, id, outcome, from);
    }
}
