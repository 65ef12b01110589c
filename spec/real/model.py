"""A stub of a language model for the real servers: the part of OpenAI's chat completions that agents use.

The last message of the user holds its commands, in square brackets:

    [say TEXT]     answers with a message and no tool
    [run COMMAND]  runs it in the shell first
    [sleep N]      delays its first answer by N seconds
    [refuse]       answers 401, as a provider with a spent budget does

Without `say` and `refuse`, its last answer calls the tool `finish` with "Done: " and the start of the message. A
request without tools gets a title. Prints its port.
"""

import json
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SHELLS = ("terminal", "execute_bash", "bash")
LONGEST = 200  # characters of the message that an answer repeats


def text_of(content):
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text") or "" for block in content or [] if isinstance(block, dict))


def turn_of(messages):
    """Returns the last message of the user, with context that servers add, and the number of answers since."""
    parts, answered = [], 0
    for message in reversed(messages):
        if message.get("role") == "user":
            parts.insert(0, text_of(message.get("content")))
        elif message.get("role") == "assistant" and parts:
            break
        elif message.get("role") == "assistant":
            answered += 1
    return "\n".join(parts).strip(), answered


def value_for(schema):
    if schema.get("enum"):
        return schema["enum"][0]
    for option in schema.get("anyOf") or []:
        if option.get("type") != "null":
            return value_for(option)
    return {"boolean": False, "integer": 1, "number": 1, "array": [], "object": {}}.get(schema.get("type"), "a step")


def tool_call(tools, names, given):
    """Returns a call of the first tool with one of the names; other required arguments get default values."""
    for tool in tools:
        function = tool.get("function") or {}
        if function.get("name") in names:
            parameters = function.get("parameters") or {}
            arguments = {}
            for name, schema in (parameters.get("properties") or {}).items():
                if name in given:
                    arguments[name] = given[name]
                elif name in (parameters.get("required") or []):
                    arguments[name] = value_for(schema)
            return {
                "id": "call_%d" % time.monotonic_ns(),
                "type": "function",
                "function": {"name": function["name"], "arguments": json.dumps(arguments)},
            }
    return None


def answer_to(request):
    tools = request.get("tools") or []
    prompt, answered = turn_of(request.get("messages") or [])
    pause = re.search(r"\[sleep ([0-9.]+)\]", prompt)
    if pause and tools and answered == 0:
        time.sleep(float(pause.group(1)))
    if not tools:
        return {"role": "assistant", "content": "A title"}
    words = re.search(r"\[say ([^\]]*)\]", prompt)
    if words:
        return {"role": "assistant", "content": words.group(1)}
    commands = re.findall(r"\[run ([^\]]*)\]", prompt)
    call = None
    if answered < len(commands):
        call = tool_call(tools, SHELLS, {"command": commands[answered]})
    call = call or tool_call(tools, ("finish",), {"message": "Done: " + prompt[:LONGEST]})
    if call is None:
        return {"role": "assistant", "content": "Done: " + prompt[:LONGEST]}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, kind="application/json"):
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.reply(200, json.dumps({"object": "list", "data": [{"id": "stub", "object": "model"}]}))

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if not self.path.endswith("/chat/completions"):
            return self.reply(404, json.dumps({"error": {"message": "only chat completions are supported"}}))
        prompt, _ = turn_of(request.get("messages") or [])
        if "[refuse]" in prompt:
            error = {"message": "the budget is spent", "type": "budget_exceeded", "code": "budget_exceeded"}
            return self.reply(401, json.dumps({"error": error}))
        message = answer_to(request)
        whole = {
            "id": "chatcmpl-%d" % time.monotonic_ns(),
            "created": int(time.time()),
            "model": request.get("model") or "stub",
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        }
        reason = "tool_calls" if message.get("tool_calls") else "stop"
        if not request.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": reason}
            return self.reply(200, json.dumps(dict(whole, object="chat.completion", choices=[choice])))
        delta = dict(message)
        for index, call in enumerate(delta.get("tool_calls") or []):
            call["index"] = index
        pieces = []
        for choice in (
            {"index": 0, "delta": delta, "finish_reason": None},
            {"index": 0, "delta": {}, "finish_reason": reason},
        ):
            chunk = dict(whole, object="chat.completion.chunk", choices=[choice])
            pieces.append("data: %s\n\n" % json.dumps(chunk))
        return self.reply(200, "".join(pieces) + "data: [DONE]\n\n", "text/event-stream")


def main():
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
