"""Runs one of the real servers on loopback, in its own virtual environment, as the rows need it.

    serve.py app|v0|agent PORT

Changes nothing of the servers but what keeps them from running as plain processes on one machine.
"""

import os
import pathlib
import socket
import sys

CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
PATIENCE = 300  # seconds in which the server of a sandbox may come up


def outside_of_containers():
    """In a container the servers would look for their sandboxes on the container's host."""
    path_exists, exists = pathlib.Path.exists, os.path.exists
    pathlib.Path.exists = lambda self, **how: str(self) not in CONTAINER_MARKS and path_exists(self, **how)
    os.path.exists = lambda path: path not in CONTAINER_MARKS and exists(path)


def sleeping_is_running():
    """The app server takes a process that waits for requests for one that has not started yet."""
    import psutil

    status = psutil.Process.status

    def shown(self):
        state = status(self)
        idle = (psutil.STATUS_SLEEPING, psutil.STATUS_DISK_SLEEP, psutil.STATUS_IDLE)
        return psutil.STATUS_RUNNING if state in idle else state

    psutil.Process.status = shown


def free_port(_):
    """One that no other server counts up to: several of them may run on this machine."""
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


def patient_with_sandboxes():
    from openhands.app_server.utils import environment

    environment.is_running_in_docker = lambda: False
    from openhands.app_server.sandbox import process_sandbox_service as sandboxes

    ready = sandboxes.ProcessSandboxService._wait_for_server_ready

    async def wait(self, port, timeout=PATIENCE):
        return await ready(self, port, max(timeout, PATIENCE))

    sandboxes.ProcessSandboxService._wait_for_server_ready = wait
    sandboxes.ProcessSandboxService._find_unused_port = free_port


def without_plugins():
    """V0's sandbox as a plain process: neither Jupyter nor VS Code, which it would have to install."""
    from openhands.agenthub.codeact_agent.codeact_agent import CodeActAgent
    from openhands.runtime.impl.local.local_runtime import LocalRuntime

    CodeActAgent.sandbox_plugins = []
    begin = LocalRuntime.__init__

    def begin_headless(self, *given, **named):
        begin(self, *given, **dict(named, headless_mode=True))

    LocalRuntime.__init__ = begin_headless


def main():
    what, port = sys.argv[1], int(sys.argv[2])
    outside_of_containers()
    sleeping_is_running()
    if what == "agent":
        from openhands.agent_server.__main__ import main as serve

        sys.argv = ["agent-server", "--host", "127.0.0.1", "--port", str(port)]
        return serve()
    if what == "app":
        patient_with_sandboxes()
        from openhands.app_server.app import app
    else:
        without_plugins()
        from openhands.server.listen import app
    import uvicorn

    return uvicorn.run(app, host="127.0.0.1", port=port, log_level="info")


if __name__ == "__main__":
    main()
