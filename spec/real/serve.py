"""Runs one of the real servers on loopback, in its own virtual environment.

    serve.py app|v0|agent PORT

Patches the servers only where they could not run as plain processes on one machine.
"""

import os
import pathlib
import socket
import sys

CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
STARTUP_TIMEOUT = 300  # seconds for the server of a sandbox


def hide_container():
    """Hides that this is a container: the servers would look for their sandboxes on its host."""
    path_exists, exists = pathlib.Path.exists, os.path.exists
    pathlib.Path.exists = lambda self, **how: str(self) not in CONTAINER_MARKS and path_exists(self, **how)
    os.path.exists = lambda path: path not in CONTAINER_MARKS and exists(path)


def report_idle_as_running():
    """Reports idle processes as running: the app server takes them for not started yet."""
    import psutil

    status = psutil.Process.status

    def shown(self):
        state = status(self)
        idle = (psutil.STATUS_SLEEPING, psutil.STATUS_DISK_SLEEP, psutil.STATUS_IDLE)
        return psutil.STATUS_RUNNING if state in idle else state

    psutil.Process.status = shown


def free_port(_):
    """Returns a free port: several servers on this machine would count up to the same one."""
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


def adapt_process_sandboxes():
    from openhands.app_server.utils import environment

    environment.is_running_in_docker = lambda: False
    from openhands.app_server.sandbox import process_sandbox_service as sandboxes

    ready = sandboxes.ProcessSandboxService._wait_for_server_ready

    async def wait(self, port, timeout=STARTUP_TIMEOUT):
        return await ready(self, port, max(timeout, STARTUP_TIMEOUT))

    sandboxes.ProcessSandboxService._wait_for_server_ready = wait
    sandboxes.ProcessSandboxService._find_unused_port = free_port


def disable_plugins():
    """Runs V0's sandbox without Jupyter and VS Code, which it would have to install."""
    from openhands.agenthub.codeact_agent.codeact_agent import CodeActAgent
    from openhands.runtime.impl.local.local_runtime import LocalRuntime

    CodeActAgent.sandbox_plugins = []
    begin = LocalRuntime.__init__

    def begin_headless(self, *given, **named):
        begin(self, *given, **dict(named, headless_mode=True))

    LocalRuntime.__init__ = begin_headless


def main():
    what, port = sys.argv[1], int(sys.argv[2])
    hide_container()
    report_idle_as_running()
    if what == "agent":
        from openhands.agent_server.__main__ import main as serve

        sys.argv = ["agent-server", "--host", "127.0.0.1", "--port", str(port)]
        return serve()
    if what == "app":
        adapt_process_sandboxes()
        from openhands.app_server.app import app
    else:
        disable_plugins()
        from openhands.server.listen import app
    import uvicorn

    return uvicorn.run(app, host="127.0.0.1", port=port, log_level="info")


if __name__ == "__main__":
    main()
