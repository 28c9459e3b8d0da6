// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {OrgRegistry} from "./OrgRegistry.sol";
import {Acts} from "./Acts.sol";
import {OrgActs} from "./OrgActs.sol";

/// Orders and what was paid for them outside. Amounts are salted commitments; nothing here moves money.
///
///   None ──open──► Opened ──attestPaid──► Attested ──confirmPaid, same──► Paid ──deliver──► Delivered ──accept──► Accepted
///                    │                     │    ▲                          ▲                    │                     │
///                    │            confirmPaid   │ attestPaid               │ confirmPaid        │ close               │ close
///                  expire,         differs │    │ (a fresh receipt)        │ same               │ when overdue        │
///                  when overdue            ▼    │                          │                    ▼                     ▼
///                    └──► Expired         Contested ───────────────────────┘                  Closed ◄────────────────┘
///
/// Any state but None, Closed and Expired ──closeTogether (buyer and seller), close (AUTHORITY)──► Closed.
/// Paid, Delivered and Accepted stay what they are when a refund is attested. A contested payment may be contested again.
///
/// One slot per order holds state, time limit, number of refunds and 192 bits of the digest over the order and its
/// first attestation; every later act brings both along (`facts`, `held`) and is refused when they do not fit.
contract SettlementLedger is OrgActs {
    enum State { None, Opened, Attested, Contested, Paid, Delivered, Accepted, Closed, Expired }

    /// What both sides sign: `amount` and `ceiling` commit to the price and to the most the buyer will ever pay;
    /// `acceptWithin` seconds after delivery the buyer's silence counts as acceptance.
    struct Order {
        bytes32 buyer; bytes32 seller; bytes32 terms; bytes32 amount; bytes32 ceiling; uint32 acceptWithin; uint16 maxRefunds;
    }

    /// The first attestation: all zero before it.
    struct Held { bytes32 receipt; uint64 paidAt; address attester; }

    struct Payment { bytes32 amount; bytes32 receipt; uint64 paidAt; }
    struct Refund { bytes32 amount; bytes32 receipt; uint64 paidAt; uint16 number; }
    struct Head { uint192 digest; State state; uint40 due; uint16 refunds; }

    error OrderTaken(bytes32 order);
    error Malformed();
    error NotInState(bytes32 order, State state);
    error StaleWitness(bytes32 order);
    error AmountDiffers(bytes32 order);
    error ReceiptTaken(bytes32 receipt);
    error SameKey(address key);
    error TooManyRefunds(bytes32 order);
    error NotInOrder(bytes32 order, uint16 number);
    error NotDue(bytes32 order);

    event Opened(bytes32 indexed opId, bytes32 indexed order, Order facts, uint40 payBy);
    event PaymentAttested(bytes32 indexed opId, bytes32 indexed order, bytes32 indexed receipt, uint64 paidAt, address attester);
    event PaymentConfirmed(bytes32 indexed opId, bytes32 indexed order, bytes32 indexed receipt, address attester);
    event PaymentContested(bytes32 indexed opId, bytes32 indexed order, Payment payment, address attester);
    event Refunded(bytes32 indexed opId, bytes32 indexed order, bytes32 indexed receipt, Refund refund);
    event Delivered(bytes32 indexed opId, bytes32 indexed order, bytes32 delivery, uint40 acceptBy);
    event Accepted(bytes32 indexed opId, bytes32 indexed order);
    event Closed(bytes32 indexed opId, bytes32 indexed order, bytes32 reason, State from);
    event Expired(bytes32 indexed opId, bytes32 indexed order);


    bytes32 private constant OPEN = keccak256(
        "Open(bytes32 opId,bytes32 order,bytes32 buyer,bytes32 seller,bytes32 terms,bytes32 amount,bytes32 ceiling,uint32 acceptWithin,uint16 maxRefunds,uint40 payBy,uint256 deadline)"
    );
    bytes32 private constant PAYMENT = keccak256(
        "Payment(bytes32 opId,bytes32 order,bytes32 amount,bytes32 receipt,uint64 paidAt,uint256 deadline)"
    );
    bytes32 private constant CONFIRMATION = keccak256(
        "Confirmation(bytes32 opId,bytes32 order,bytes32 amount,bytes32 receipt,uint64 paidAt,uint256 deadline)"
    );
    bytes32 private constant REFUND = keccak256(
        "Refund(bytes32 opId,bytes32 order,bytes32 amount,bytes32 receipt,uint64 paidAt,uint16 number,uint256 deadline)"
    );
    bytes32 private constant DELIVER = keccak256("Deliver(bytes32 opId,bytes32 order,bytes32 delivery,uint256 deadline)");
    bytes32 private constant ACCEPT = keccak256("Accept(bytes32 opId,bytes32 order,uint256 deadline)");
    bytes32 private constant CLOSE = keccak256("Close(bytes32 opId,bytes32 order,bytes32 reason,uint256 deadline)");
    bytes32 private constant EXPIRE = keccak256("Expire(bytes32 opId,bytes32 order,uint256 deadline)");

    mapping(bytes32 order => Head) public orders;
    mapping(bytes32 receipt => bool) public receiptTaken;

    constructor(address manager, OrgRegistry organisations_)
        Acts(manager, "asset_hub SettlementLedger") OrgActs(organisations_)
    {}

    /// Buyer and seller agree on an order; it can be paid until `payBy` and lapses by `expire` afterwards.
    function open(
        bytes32 opId, bytes32 order, Order calldata facts, uint40 payBy, uint256 deadline, bytes calldata buyer, bytes calldata seller
    ) external restricted act(opId, deadline) {
        Head storage head = orders[order];
        if (order == 0 || head.state != State.None) revert OrderTaken(order);
        if (!_isWellFormed(facts) || payBy <= block.timestamp) revert Malformed();
        bytes32 structHash = keccak256(abi.encode(OPEN, opId, order, facts, payBy, deadline));
        _requireStartOfBoth(facts.buyer, facts.seller, structHash, buyer, seller);
        (head.digest, head.state, head.due) = (_newDigest(facts), State.Opened, payBy);
        emit Opened(opId, order, facts, payBy);
    }

    /// A payment operator says what arrived; the receipt counts once for all orders and refunds.
    function attestPaid(
        bytes32 opId, bytes32 order, Order calldata facts, Held calldata held, Payment calldata payment, uint256 deadline, bytes calldata signature
    ) external restricted lastingAct(opId, deadline) {
        Head memory head = _head(order, facts, held);
        if (head.state != State.Opened && head.state != State.Contested) revert NotInState(order, head.state);
        if (payment.amount != facts.amount) revert AmountDiffers(order);
        _takeReceipt(payment.receipt, payment.paidAt);
        address attester = _paymentOperator(keccak256(abi.encode(PAYMENT, opId, order, payment, deadline)), signature);
        head.digest = digestOf(facts, Held(payment.receipt, payment.paidAt, attester));
        head.state = State.Attested;
        orders[order] = head;
        emit PaymentAttested(opId, order, payment.receipt, payment.paidAt, attester);
    }

    /// A second payment operator says what the bank statement shows: the same makes the order paid, else it is contested.
    function confirmPaid(
        bytes32 opId, bytes32 order, Order calldata facts, Held calldata held, Payment calldata payment, uint256 deadline, bytes calldata signature
    ) external restricted lastingAct(opId, deadline) {
        Head memory head = _head(order, facts, held);
        if (head.state != State.Attested && head.state != State.Contested) revert NotInState(order, head.state);
        address second = _paymentOperator(keccak256(abi.encode(CONFIRMATION, opId, order, payment, deadline)), signature);
        if (second == held.attester) revert SameKey(second);
        if (payment.amount == facts.amount && payment.receipt == held.receipt && payment.paidAt == held.paidAt) {
            orders[order].state = State.Paid;
            emit PaymentConfirmed(opId, order, payment.receipt, second);
        } else {
            orders[order].state = State.Contested;
            emit PaymentContested(opId, order, payment, second);
        }
    }

    /// Two payment operators say what went back. Refunds are numbered from 1, so that none can be left out of a sum.
    function attestRefunded(
        bytes32 opId, bytes32 order, Order calldata facts, Held calldata held, Refund calldata refund, uint256 deadline,
        bytes calldata first, bytes calldata second
    ) external restricted lastingAct(opId, deadline) {
        Head memory head = _head(order, facts, held);
        if (head.state < State.Paid || head.state > State.Accepted) revert NotInState(order, head.state);
        if (refund.number != head.refunds + 1) revert NotInOrder(order, refund.number);
        if (refund.number > facts.maxRefunds) revert TooManyRefunds(order);
        if (refund.amount == 0) revert Malformed();
        _takeReceipt(refund.receipt, refund.paidAt);
        _requireTwoOperators(keccak256(abi.encode(REFUND, opId, order, refund, deadline)), first, second);
        orders[order].refunds = refund.number;
        emit Refunded(opId, order, refund.receipt, refund);
    }

    /// Seller or notary says that the goods were handed over; `delivery` is a salted digest of what was.
    function deliver(
        bytes32 opId, bytes32 order, Order calldata facts, Held calldata held, bytes32 delivery, uint256 deadline, bytes calldata signature
    ) external restricted lastingAct(opId, deadline) {
        Head memory head = _head(order, facts, held);
        if (head.state != State.Paid) revert NotInState(order, head.state);
        if (delivery == 0) revert Malformed();
        bytes32 structHash = keccak256(abi.encode(DELIVER, opId, order, delivery, deadline));
        if (!organisations.mayEnd(_signer(structHash, signature), facts.seller)) _requireRole(NOTARY, structHash, signature);
        head.state = State.Delivered;
        head.due = uint40(block.timestamp + facts.acceptWithin);
        orders[order] = head;
        emit Delivered(opId, order, delivery, head.due);
    }

    /// The buyer takes the goods as what was ordered.
    function accept(
        bytes32 opId, bytes32 order, Order calldata facts, Held calldata held, uint256 deadline, bytes calldata signature
    ) external restricted lastingAct(opId, deadline) {
        Head memory head = _head(order, facts, held);
        if (head.state != State.Delivered) revert NotInState(order, head.state);
        _requireEnd(facts.buyer, keccak256(abi.encode(ACCEPT, opId, order, deadline)), signature);
        orders[order].state = State.Accepted;
        emit Accepted(opId, order);
    }

    /// The notary closes what was accepted, or delivered and left unanswered; an authority closes whatever is open.
    /// `reason` is a salted digest, or 0.
    function close(bytes32 opId, bytes32 order, bytes32 reason, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        Head memory head = orders[order];
        _requireLive(order, head.state);
        bool isDone = head.state == State.Accepted || (head.state == State.Delivered && block.timestamp > head.due);
        bytes32 structHash = keccak256(abi.encode(CLOSE, opId, order, reason, deadline));
        (bool isNotary,) = IAccessManager(authority()).hasRole(NOTARY, _signer(structHash, signature));
        _requireRole(isDone && isNotary ? NOTARY : AUTHORITY, structHash, signature);
        _close(opId, order, reason, head.state);
    }

    /// Buyer and seller end an order that is open, whatever its state.
    function closeTogether(
        bytes32 opId, bytes32 order, Order calldata facts, Held calldata held, bytes32 reason, uint256 deadline,
        bytes calldata buyer, bytes calldata seller
    ) external restricted lastingAct(opId, deadline) {
        Head memory head = _head(order, facts, held);
        _requireLive(order, head.state);
        bytes32 structHash = keccak256(abi.encode(CLOSE, opId, order, reason, deadline));
        _requireEnd(facts.buyer, structHash, buyer);
        _requireEnd(facts.seller, structHash, seller);
        _close(opId, order, reason, head.state);
    }

    /// The notary notes that nothing was paid in time.
    function expire(bytes32 opId, bytes32 order, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        Head memory head = orders[order];
        if (head.state != State.Opened) revert NotInState(order, head.state);
        if (block.timestamp <= head.due) revert NotDue(order);
        _requireRole(NOTARY, keccak256(abi.encode(EXPIRE, opId, order, deadline)), signature);
        orders[order].state = State.Expired;
        emit Expired(opId, order);
    }

    /// The 192 bits that an order's slot holds of its facts and first attestation.
    function digestOf(Order calldata facts, Held memory held) public pure returns (uint192) {
        return uint192(uint256(keccak256(abi.encode(facts, held))));
    }

    /// The digest of an order without any attestation: `digestOf` with the three members of `Held` at zero.
    function _newDigest(Order calldata facts) private pure returns (uint192) {
        return uint192(uint256(keccak256(abi.encode(facts, 0, 0, 0))));
    }

    function _head(bytes32 order, Order calldata facts, Held calldata held) private view returns (Head memory head) {
        head = orders[order];
        if (head.state == State.None) revert NotInState(order, head.state);
        if (head.digest != digestOf(facts, held)) revert StaleWitness(order);
    }

    function _isWellFormed(Order calldata facts) private pure returns (bool) {
        return facts.buyer != facts.seller && facts.terms != 0 && facts.amount != 0 && facts.ceiling != 0;
    }

    function _takeReceipt(bytes32 receipt, uint64 paidAt) private {
        if (receipt == 0 || paidAt == 0 || paidAt > block.timestamp) revert Malformed();
        if (receiptTaken[receipt]) revert ReceiptTaken(receipt);
        receiptTaken[receipt] = true;
    }

    function _paymentOperator(bytes32 structHash, bytes calldata signature) private view returns (address signer) {
        signer = _signer(structHash, signature);
        (bool isMember, uint32 delay) = IAccessManager(authority()).hasRole(PAYMENT_OPERATOR, signer);
        if (!isMember || delay != 0) revert NotSignedByRole(PAYMENT_OPERATOR);
    }

    function _requireTwoOperators(bytes32 structHash, bytes calldata first, bytes calldata second) private view {
        address signer = _paymentOperator(structHash, first);
        if (_paymentOperator(structHash, second) == signer) revert SameKey(signer);
    }

    function _requireLive(bytes32 order, State state) private pure {
        if (state == State.None || state == State.Closed || state == State.Expired) revert NotInState(order, state);
    }

    function _close(bytes32 opId, bytes32 order, bytes32 reason, State from) private {
        orders[order].state = State.Closed;
        emit Closed(opId, order, reason, from);
    }
}
