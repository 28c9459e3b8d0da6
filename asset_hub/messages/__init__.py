"""Notices to people, in the page; written in the transaction of what they tell about."""

from asset_hub.messages.notices import Notice, count_unread, list_notices, mark_read, notify

__all__ = ["Notice", "count_unread", "list_notices", "mark_read", "notify"]
