// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Acts} from "./Acts.sol";

/// Organisations by an opaque identifier, and which keys speak for them from when until when.
contract OrgRegistry is Acts {
    enum Status { None, Admitted, Suspended }

    struct Org { Status status; bytes32 credential; }
    struct Key { bytes32 org; uint64 validFrom; uint64 validUntil; }

    error UnknownOrg(bytes32 org);
    error KeyTaken(address key);
    error UnknownKey(address key);

    event OrgAdmitted(bytes32 indexed opId, bytes32 indexed org, bytes32 credential);
    event OrgStatusChanged(bytes32 indexed opId, bytes32 indexed org, Status status);
    event KeyAdded(bytes32 indexed opId, bytes32 indexed org, address key, uint64 validFrom);
    event KeyRetired(bytes32 indexed opId, bytes32 indexed org, address key, uint64 validUntil);

    bytes32 private constant ADMIT =
        keccak256("Admit(bytes32 opId,bytes32 org,bytes32 credential,address key,uint256 deadline)");
    bytes32 private constant SET_STATUS =
        keccak256("SetStatus(bytes32 opId,bytes32 org,uint8 status,uint256 deadline)");
    bytes32 private constant ADD_KEY =
        keccak256("AddKey(bytes32 opId,bytes32 org,address key,uint256 deadline)");
    bytes32 private constant RETIRE_KEY =
        keccak256("RetireKey(bytes32 opId,bytes32 org,address key,uint256 deadline)");

    mapping(bytes32 org => Org) public orgs;
    mapping(address key => Key) public keys;

    constructor(address manager) Acts(manager, "asset_hub OrgRegistry") {}

    function admit(bytes32 opId, bytes32 org, bytes32 credential, address key, uint256 deadline, bytes calldata signature)
        external restricted act(opId, deadline)
    {
        _requireRole(REGISTRAR, keccak256(abi.encode(ADMIT, opId, org, credential, key, deadline)), signature);
        orgs[org] = Org(Status.Admitted, credential);
        emit OrgAdmitted(opId, org, credential);
        _addKey(opId, org, key);
    }

    function setStatus(bytes32 opId, bytes32 org, Status status, uint256 deadline, bytes calldata signature)
        external restricted act(opId, deadline)
    {
        _requireRole(REGISTRAR, keccak256(abi.encode(SET_STATUS, opId, org, uint8(status), deadline)), signature);
        if (orgs[org].status == Status.None || status == Status.None) revert UnknownOrg(org);
        orgs[org].status = status;
        emit OrgStatusChanged(opId, org, status);
    }

    function addKey(bytes32 opId, bytes32 org, address key, uint256 deadline, bytes calldata signature)
        external restricted act(opId, deadline)
    {
        _requireRole(REGISTRAR, keccak256(abi.encode(ADD_KEY, opId, org, key, deadline)), signature);
        if (orgs[org].status == Status.None) revert UnknownOrg(org);
        _addKey(opId, org, key);
    }

    function retireKey(bytes32 opId, bytes32 org, address key, uint256 deadline, bytes calldata signature)
        external restricted act(opId, deadline)
    {
        _requireRole(REGISTRAR, keccak256(abi.encode(RETIRE_KEY, opId, org, key, deadline)), signature);
        if (keys[key].org != org || keys[key].validUntil != 0) revert UnknownKey(key);
        keys[key].validUntil = uint64(block.timestamp);
        emit KeyRetired(opId, org, key, uint64(block.timestamp));
    }

    /// Whether this key may start something for this organisation now.
    function speaksFor(address key, bytes32 org) external view returns (bool) {
        Key storage held = keys[key];
        return held.org == org && org != 0 && orgs[org].status == Status.Admitted
            && held.validFrom <= block.timestamp && held.validUntil == 0;
    }

    function _addKey(bytes32 opId, bytes32 org, address key) private {
        if (keys[key].org != 0 || key == address(0)) revert KeyTaken(key);
        keys[key] = Key(org, uint64(block.timestamp), 0);
        emit KeyAdded(opId, org, key, uint64(block.timestamp));
    }
}
