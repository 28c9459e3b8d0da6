// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {Acts} from "./Acts.sol";

/// Organisations by an opaque identifier, and which keys speak for them from when until when.
///
/// An organisation adds its own next key with its present one. Who has lost every key is helped by the registrar, who
/// must wait three days in which the organisation's own key, if it still has one, can object.
contract OrgRegistry is Acts {
    enum Status { None, Admitted, Suspended }

    struct Org { Status status; uint32 number; bytes32 credential; }
    struct Key { uint64 validFrom; uint64 validUntil; uint8 purpose; }
    struct NewKey { address key; uint8 purpose; uint64 validFrom; uint64 validUntil; }
    struct Recovery { address key; uint64 readyAt; }

    error UnknownOrg(bytes32 org);
    error OrgTaken(bytes32 org);
    error KeyTaken(address key);
    error UnknownKey(address key);
    error BadKey(address key);
    error NotSignedByOrg(bytes32 org);
    error NotReady(bytes32 org, uint64 readyAt);

    event OrgAdmitted(bytes32 indexed opId, bytes32 indexed org, bytes32 credential, uint32 number);
    event OrgStatusChanged(bytes32 indexed opId, bytes32 indexed org, Status status);
    event KeyAdded(
        bytes32 indexed opId, bytes32 indexed org, address key, uint8 purpose, uint64 validFrom, uint64 validUntil
    );
    event KeyRetired(bytes32 indexed opId, bytes32 indexed org, address key, uint64 validUntil);
    event RecoveryProposed(bytes32 indexed opId, bytes32 indexed org, address key, uint64 readyAt);
    event RecoveryCancelled(bytes32 indexed opId, bytes32 indexed org, address key);

    bytes32 private constant ADMIT =
        keccak256("Admit(bytes32 opId,bytes32 org,bytes32 credential,address key,uint256 deadline)");
    bytes32 private constant SET_STATUS =
        keccak256("SetStatus(bytes32 opId,bytes32 org,uint8 status,uint256 deadline)");
    bytes32 private constant ADD_KEY = keccak256(
        "AddKey(bytes32 opId,bytes32 org,address key,uint8 purpose,uint64 validFrom,uint64 validUntil,uint256 deadline)"
    );
    bytes32 private constant RETIRE_KEY =
        keccak256("RetireKey(bytes32 opId,bytes32 org,address key,uint256 deadline)");
    bytes32 private constant PROPOSE_RECOVERY =
        keccak256("ProposeRecovery(bytes32 opId,bytes32 org,address key,uint256 deadline)");
    bytes32 private constant CANCEL_RECOVERY =
        keccak256("CancelRecovery(bytes32 opId,bytes32 org,address key,uint256 deadline)");
    bytes32 private constant RECOVER =
        keccak256("Recover(bytes32 opId,bytes32 org,address key,uint256 deadline)");

    uint8 public constant PURPOSE_ACTS = 1;
    uint8 public constant PURPOSE_COUNTERSIGN = 2;
    uint64 public constant RECOVERY_WAIT = 3 days;
    uint64 private constant RECOVERY_LAPSES = 30 days;

    uint32 public count;
    mapping(bytes32 org => Org) public orgs;
    mapping(bytes32 org => mapping(address key => Key)) public keys;
    mapping(address key => bytes32 org) public orgOf;
    mapping(uint32 number => bytes32 org) public orgAt;
    mapping(bytes32 org => Recovery) public recoveries;

    constructor(address manager) Acts(manager, "asset_hub OrgRegistry") {}

    function admit(bytes32 opId, bytes32 org, bytes32 credential, address key, uint256 deadline, bytes calldata signature)
        external restricted act(opId, deadline)
    {
        _requireRole(REGISTRAR, keccak256(abi.encode(ADMIT, opId, org, credential, key, deadline)), signature);
        if (orgs[org].status != Status.None || org == 0) revert OrgTaken(org);
        uint32 number = ++count;
        orgs[org] = Org(Status.Admitted, number, credential);
        orgAt[number] = org;
        emit OrgAdmitted(opId, org, credential, number);
        _addKey(opId, org, NewKey(key, PURPOSE_ACTS | PURPOSE_COUNTERSIGN, 0, 0));
    }

    /// Suspend or reinstate; the registrar's act.
    function setStatus(bytes32 opId, bytes32 org, Status status, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        _requireRole(REGISTRAR, keccak256(abi.encode(SET_STATUS, opId, org, uint8(status), deadline)), signature);
        _requireKnown(org);
        if (status == Status.None) revert UnknownOrg(org);
        orgs[org].status = status;
        emit OrgStatusChanged(opId, org, status);
    }

    /// Add a key; a present key signs, and the new one (`proof`) shows that somebody holds it. `validFrom` 0 is now,
    /// `validUntil` 0 is open.
    function addKey(
        bytes32 opId, bytes32 org, NewKey calldata fresh, uint256 deadline, bytes calldata signature, bytes calldata proof
    ) external restricted act(opId, deadline) {
        bytes32 structHash = keccak256(
            abi.encode(ADD_KEY, opId, org, fresh.key, fresh.purpose, fresh.validFrom, fresh.validUntil, deadline)
        );
        if (!speaksFor(_signer(structHash, signature), org)) revert NotSignedByOrg(org);
        if (_signer(structHash, proof) != fresh.key) revert BadKey(fresh.key);
        _addKey(opId, org, fresh);
    }

    /// End a key now; a live key of the organisation signs, or the registrar. What it signed before stays valid.
    function retireKey(bytes32 opId, bytes32 org, address key, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        _requireOrgOrRegistrar(org, keccak256(abi.encode(RETIRE_KEY, opId, org, key, deadline)), signature);
        Key storage held = keys[org][key];
        if (orgOf[key] != org || (held.validUntil != 0 && held.validUntil <= block.timestamp)) revert UnknownKey(key);
        held.validUntil = uint64(block.timestamp);
        if (held.validFrom > block.timestamp) held.validFrom = uint64(block.timestamp);
        emit KeyRetired(opId, org, key, uint64(block.timestamp));
    }

    function proposeRecovery(bytes32 opId, bytes32 org, address key, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        _requireRole(REGISTRAR, keccak256(abi.encode(PROPOSE_RECOVERY, opId, org, key, deadline)), signature);
        _requireKnown(org);
        if (orgOf[key] != 0 || key == address(0)) revert KeyTaken(key);
        uint64 readyAt = uint64(block.timestamp) + RECOVERY_WAIT;
        recoveries[org] = Recovery(key, readyAt);
        emit RecoveryProposed(opId, org, key, readyAt);
    }

    function cancelRecovery(bytes32 opId, bytes32 org, address key, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        _requireOrgOrRegistrar(org, keccak256(abi.encode(CANCEL_RECOVERY, opId, org, key, deadline)), signature);
        if (recoveries[org].key != key || key == address(0)) revert UnknownKey(key);
        delete recoveries[org];
        emit RecoveryCancelled(opId, org, key);
    }

    /// Give an organisation that has lost its keys a new one, when the waiting time has passed without an objection.
    function recover(bytes32 opId, bytes32 org, address key, uint256 deadline, bytes calldata signature)
        external restricted lastingAct(opId, deadline)
    {
        _requireRole(REGISTRAR, keccak256(abi.encode(RECOVER, opId, org, key, deadline)), signature);
        Recovery memory waiting = recoveries[org];
        if (waiting.key != key || key == address(0)) revert UnknownKey(key);
        if (block.timestamp < waiting.readyAt || block.timestamp > waiting.readyAt + RECOVERY_LAPSES) {
            revert NotReady(org, waiting.readyAt);
        }
        delete recoveries[org];
        _addKey(opId, org, NewKey(key, PURPOSE_ACTS | PURPOSE_COUNTERSIGN, 0, 0));
    }

    /// Whether this key may start something for this organisation now.
    function speaksFor(address key, bytes32 org) public view returns (bool) {
        return orgs[org].status == Status.Admitted && _isLive(org, key, PURPOSE_ACTS);
    }

    /// Whether this key may end something for this organisation now: a suspended one still may.
    function mayEnd(address key, bytes32 org) public view returns (bool) {
        return orgs[org].status != Status.None && _isLive(org, key, PURPOSE_ACTS);
    }

    /// Whether this key may countersign a day's head for this organisation now.
    function countersigns(address key, bytes32 org) external view returns (bool) {
        return orgs[org].status == Status.Admitted && _isLive(org, key, PURPOSE_COUNTERSIGN);
    }

    /// Return the organisation's number; reverts unless the key may start something for it.
    function requireStart(address key, bytes32 org) public view returns (uint32) {
        Org storage held = orgs[org];
        if (held.status != Status.Admitted || !_isLive(org, key, PURPOSE_ACTS)) revert NotSignedByOrg(org);
        return held.number;
    }

    /// The same for the two sides of an act; return the number of the first.
    function requireStartOfBoth(address key, bytes32 org, address otherKey, bytes32 otherOrg)
        external view returns (uint32 number)
    {
        number = requireStart(key, org);
        requireStart(otherKey, otherOrg);
    }

    /// Reverts unless the key may end something for this organisation.
    function requireEnd(address key, bytes32 org) external view {
        if (!mayEnd(key, org)) revert NotSignedByOrg(org);
    }

    function _isLive(bytes32 org, address key, uint8 purpose) private view returns (bool) {
        Key memory held = keys[org][key];
        return held.purpose & purpose != 0 && held.validFrom <= block.timestamp
            && (held.validUntil == 0 || block.timestamp < held.validUntil);
    }

    function _requireOrgOrRegistrar(bytes32 org, bytes32 structHash, bytes calldata signature) private view {
        _requireKnown(org);
        address signer = _signer(structHash, signature);
        if (mayEnd(signer, org)) return;
        (bool isMember, uint32 delay) = IAccessManager(authority()).hasRole(REGISTRAR, signer);
        if (!isMember || delay != 0) revert NotSignedByOrg(org);
    }

    function _requireKnown(bytes32 org) private view {
        if (orgs[org].status == Status.None) revert UnknownOrg(org);
    }

    function _addKey(bytes32 opId, bytes32 org, NewKey memory fresh) private {
        if (orgOf[fresh.key] != 0 || fresh.key == address(0)) revert KeyTaken(fresh.key);
        if (fresh.validFrom == 0) fresh.validFrom = uint64(block.timestamp);
        bool isEmpty = fresh.validUntil != 0 && fresh.validUntil <= fresh.validFrom;
        if (fresh.validFrom < block.timestamp || isEmpty || fresh.purpose == 0 || fresh.purpose > 3) {
            revert BadKey(fresh.key);
        }
        orgOf[fresh.key] = org;
        keys[org][fresh.key] = Key(fresh.validFrom, fresh.validUntil, fresh.purpose);
        emit KeyAdded(opId, org, fresh.key, fresh.purpose, fresh.validFrom, fresh.validUntil);
    }
}
