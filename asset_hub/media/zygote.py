"""The warm parent of the limited children: a process of its own that reads requests and forks one child for each.

It decodes nothing itself. A child answers on the pipe that came with its request, in lines of JSON, because
what it says may be what a hostile file made it say.
"""

import array
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path

from asset_hub.media import sandbox

MAX_REQUEST = 1 << 16


def serve(channel: socket.socket) -> None:
    """Fork a child per request until the other end closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sandbox.die_with_parent()
    from asset_hub.media.tasks import TASKS

    warm = tuple(TASKS)
    while True:
        request, handles = _receive(channel)
        if not request:
            return
        if os.fork() == 0:
            channel.close()
            os._exit(_answer(request, handles[0], warm))
        os.close(handles[0])


def _receive(channel: socket.socket) -> tuple[bytes, list[int]]:
    handles = array.array("i")
    request, ancillary, _flags, _address = channel.recvmsg(MAX_REQUEST, socket.CMSG_LEN(handles.itemsize))
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            handles.frombytes(data[: len(data) - len(data) % handles.itemsize])
    return request, list(handles)


def _answer(request: bytes, pipe: int, _warm: tuple[str, ...]) -> int:
    from asset_hub.core.errors import AssetHubError
    from asset_hub.media.tasks import TASKS

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sandbox.die_with_parent()
    order = json.loads(request)

    def say(message: dict[str, object]) -> None:
        os.write(pipe, json.dumps(message).encode() + b"\n")

    try:
        sandbox.limit_resources(seconds=order["seconds"])
        for name in ("TMPDIR", "HOME"):
            os.environ[name] = order["writable"][0] if order["writable"] else "/nonexistent"
        sandbox.limit_rights(
            readable=[Path(os.fsdecode(bytes.fromhex(p))) for p in order["readable"]],
            writable=[Path(p) for p in order["writable"]],
        )
        result = TASKS[order["task"]](order["args"], lambda share: say({"progress": share}))
        say({"result": result})
    except AssetHubError as error:
        say({"refused": error.slug, "message": error.message, "params": {k: str(v) for k, v in error.params.items()}})
    except MemoryError:
        say({"refused": "decode-stopped", "message": "", "params": {}})
    except BaseException as error:  # noqa: BLE001 - the child ends here; its parent must hear why
        traceback.print_exc()
        say(
            {
                "refused": "media-refused",
                "message": "{reason}",
                "params": {"reason": f"{type(error).__name__}: {error}"[:500]},
            }
        )
    return 0


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
