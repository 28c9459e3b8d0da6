"""`python -m asset_hub` is `asset-hub`."""

from asset_hub.cli import main

main()
