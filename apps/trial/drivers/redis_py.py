"""redis-py (asyncio) as a web application uses it: one `Redis` with its own pool, shared by every request; a request that
is given up is a cancelled task. Which version is tested is decided by PYTHONPATH alone, so every version runs this same file."""
import asyncio, redis
from redis.asyncio import Redis
from template import Driver, serve

# Deletes a lease only for its holder: the script that redis-py's own Lock uses.
RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"


def text(reply):
    """Whatever came back, as it is: an answer of the wrong kind has to reach the judge, not to die here."""
    return reply.decode(errors="backslashreplace") if isinstance(reply, bytes) else None if reply is None else str(reply)


class RedisPy(Driver):
    name, version, pipelines = "redis-py", redis.__version__, False

    async def connect(self, host, port, timeout):
        self.redis = Redis(host=host, port=port, socket_timeout=timeout, socket_connect_timeout=timeout)

    async def get(self, key):
        return text(await self.redis.get(key))

    async def set(self, key, value, ttl_ms):
        return bool(await self.redis.set(key, value, px=ttl_ms))

    async def invalidate(self, key):
        await self.redis.delete(key)
        return True

    async def lease(self, key, holder, ttl_ms):
        return bool(await self.redis.set(key, holder, px=ttl_ms, nx=True))

    async def release(self, key, holder):
        return await self.redis.eval(RELEASE, 1, key, holder) == 1


asyncio.run(serve(RedisPy()))
