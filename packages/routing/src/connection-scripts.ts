import { NOW, script } from './redis-script.ts'

/** What gateways write of connections into a user's hash: see `user-hash.ts`. Ids are compact. */

/**
 * A connection is there, for some time already. KEYS user, gatewayUsers, due.
 * ARGV userId, connectionId, gatewayId, `a` or `i`, agoMs, device, cap (0: none). Who was away and lost a connection for which
 * they are still forgiven is back and still away. Answers with `a` or `i`, then gateway and id of each connection beyond the cap,
 * the oldest first and never this one. They stay until their gateways remove them.
 */
export const JOIN = script(`${NOW}
local before = redis.call('HGET', KEYS[1], ARGV[2])
local since = before and string.match(before, '^%d+|%a|(%d+)|') or string.format('%.0f', now - ARGV[5])
local flag, known = ARGV[4], redis.call('HMGET', KEYS[1], '#s', '#g')
if not before and known[1] == '2' and tonumber(known[2] or 0) > now then flag = 'i' end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. '|' .. flag .. '|' .. since .. '|' .. ARGV[6])
redis.call('PERSIST', KEYS[1])
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], 'LT', now, ARGV[1])

local cap = tonumber(ARGV[7])
if cap == 0 or redis.call('HLEN', KEYS[1]) <= cap then return {flag} end
local others = {}
local fields = redis.call('HGETALL', KEYS[1])
for index = 1, #fields, 2 do
  local field = fields[index]
  if string.sub(field, 1, 1) ~= '#' and field ~= ARGV[2] then
    local gateway, at = string.match(fields[index + 1], '^(%d+)|%a|(%d+)|')
    table.insert(others, {at = tonumber(at), gateway = gateway, id = field})
  end
end
table.sort(others, function(a, b) return a.at < b.at or (a.at == b.at and a.id < b.id) end)
local beyond = {flag}
for index = 1, #others + 1 - cap do
  table.insert(beyond, others[index].gateway)
  table.insert(beyond, others[index].id)
end
return beyond
`)

/** A connection is in use again, or no longer. KEYS user, due. ARGV userId, connectionId, gatewayId, `a` or `i`. */
export const IDLE = script(`${NOW}
local value = redis.call('HGET', KEYS[1], ARGV[2])
if not value then return end
local gateway, flag, rest = string.match(value, '^(%d+)|(%a)(.*)$')
if gateway ~= ARGV[3] or flag == ARGV[4] then return end
redis.call('HSET', KEYS[1], ARGV[2], gateway .. '|' .. ARGV[4] .. rest)
redis.call('ZADD', KEYS[2], 'LT', now, ARGV[1])
`)

/**
 * A connection is gone, for some time already. Who is invisible is not seen to go. KEYS user, gatewayUsers, due.
 * ARGV userId, connectionId, gatewayId, graceMs, agoMs.
 */
export const LEAVE = script(`${NOW}
redis.call('HDEL', KEYS[1], ARGV[2])
local prefix, others = ARGV[3] .. '|', false
local fields = redis.call('HGETALL', KEYS[1])
local user = {}
for index = 1, #fields, 2 do
  local field, value = fields[index], fields[index + 1]
  if string.sub(field, 1, 1) == '#' then
    user[field] = value
  elseif string.sub(value, 1, #prefix) == prefix then
    others = true
  end
end
if not others then redis.call('SREM', KEYS[2], ARGV[1]) end
local left = now - ARGV[5]
local forgiven = left + ARGV[4]
redis.call('HSET', KEYS[1], '#g', math.max(forgiven, tonumber(user['#g'] or 0)))
local invisible = user['#c'] == '4' and not (user['#u'] and tonumber(user['#u']) <= left)
if not invisible then redis.call('HSET', KEYS[1], '#l', math.max(left, tonumber(user['#l'] or 0))) end
redis.call('PERSIST', KEYS[1])
redis.call('ZADD', KEYS[3], 'LT', math.max(forgiven, now), ARGV[1])
`)
