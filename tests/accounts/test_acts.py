"""No permission is missed: each is in its package's TABLE, in the application's tuple, and has words."""

import importlib

from asset_hub.accounts import Permission
from asset_hub.accounts.acts import ACT_NAMES
from asset_hub.app import PERMISSIONS
from tests.architecture.test_tree import PROJECT, product_modules


def _modules_of_permissions() -> list[str]:
    paths = [path.relative_to(PROJECT).with_suffix("") for path in product_modules() if path.name == "permissions.py"]
    return sorted(".".join(path.parts) for path in paths)


def test_every_permission_of_every_package_is_in_the_application() -> None:
    written = [
        value
        for name in _modules_of_permissions()
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, Permission)
    ]

    assert len(_modules_of_permissions()) >= 6
    assert sorted(one.action for one in written) == sorted(one.action for one in PERMISSIONS)
    assert len({one.action for one in PERMISSIONS}) == len(PERMISSIONS)


def test_every_act_has_words() -> None:
    assert sorted(ACT_NAMES) == sorted(one.action for one in PERMISSIONS if not one.is_public)
