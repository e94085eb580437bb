"""A driver of keepsight-trial in Python: copy this file, fill in the calls, leave the rest. What it must keep:
every request is answered once, calls run at the same time, a cancelled call is really cancelled.
The protocol is docs/formats/trial-line-protocol.md. Leave `lease` and `release` out if there is no such thing: it is then not tested."""
import asyncio, functools, json, sys

class Driver:
    name, version, pipelines = "my client", "0", True  # pipelines: False if calls at one time each have a connection of their own
    async def connect(self, host, port, timeout): pass           # one shared client, `timeout` in seconds its own
    async def get(self, key): raise NotImplementedError  # the value as text, or None
    async def set(self, key, value, ttl_ms): raise NotImplementedError  # True when stored
    async def invalidate(self, key): raise NotImplementedError  # True when the server said that it is gone
    async def lease(self, key, holder, ttl_ms): raise NotImplementedError  # True when `holder` holds it now
    async def release(self, key, holder): raise NotImplementedError  # True when `holder` held it

async def serve(driver):
    lines, calls = asyncio.StreamReader(limit=1 << 26), {}
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    say = lambda **answer: print(json.dumps(answer), flush=True)
    def ended(id, op, call):
        calls.pop(id)
        error = None if call.cancelled() else call.exception()
        if call.cancelled(): say(id=id, error="cancelled")
        elif error is None: say(id=id, **{"value" if op == "get" else "ok": call.result()})
        else: say(id=id, error="timeout" if type(error).__name__ == "TimeoutError" else "failed", detail=repr(error))
    async def run(op, arguments, deadline): return await asyncio.wait_for(getattr(driver, op)(**arguments), deadline)
    hello = json.loads(await lines.readline())
    await driver.connect(hello["host"], hello["port"], hello["timeout_ms"] / 1000)
    leases = type(driver).lease is not Driver.lease
    say(trial=1, client=driver.name, version=driver.version, pipelines=driver.pipelines, leases=leases)
    while (line := await lines.readline()) and (request := json.loads(line)).get("op") != "quit":
        id, op, deadline = request.pop("id"), request.pop("op"), request.pop("timeout_ms", 0) / 1000
        if op == "cancel": id in calls and calls[id].cancel()
        else:
            calls[id] = asyncio.create_task(run(op, request, deadline))
            calls[id].add_done_callback(functools.partial(ended, id, op))

if __name__ == "__main__": asyncio.run(serve(Driver()))
