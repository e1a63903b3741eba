import { script } from './redis.ts'

/**
 * A user's hash holds a field per connection, `<connectionId>` -> `<gatewayId>|<since, ms>|<device>`, and of the user:
 *   #s  what was decided last: 1 online, 0 offline    #v  the version of that transition    #t  its time, ms
 *   #a  the version that was announced last           #g  until when absence is forgiven, ms
 *   #l  when a connection last ended, ms
 * A user is looked at again when due; whoever changes something makes them due in the same script, so nothing is forgotten.
 * All times are Redis's own.
 */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** A connection is there. KEYS user, gatewayUsers, due. ARGV userId, connectionId, value. */
export const JOIN = script(`${NOW}
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('PERSIST', KEYS[1])
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], 'LT', now, ARGV[1])
`)

/** A connection is gone, for some time already. KEYS user, gatewayUsers, due. ARGV userId, connectionId, gatewayId, graceMs, agoMs. */
export const LEAVE = script(`${NOW}
redis.call('HDEL', KEYS[1], ARGV[2])
local prefix, others = ARGV[3] .. '|', false
for _, value in ipairs(redis.call('HVALS', KEYS[1])) do
  if string.sub(value, 1, #prefix) == prefix then others = true end
end
if not others then redis.call('SREM', KEYS[2], ARGV[1]) end
local known = redis.call('HMGET', KEYS[1], '#g', '#l')
local left = now - ARGV[5]
local forgiven = left + ARGV[4]
redis.call('HSET', KEYS[1], '#g', math.max(forgiven, tonumber(known[1] or 0)), '#l', math.max(left, tonumber(known[2] or 0)))
redis.call('PERSIST', KEYS[1])
redis.call('ZADD', KEYS[3], 'LT', math.max(forgiven, now), ARGV[1])
`)

/**
 * Takes users that are due. Until the claim ends nobody else takes them, unless something happens to them.
 * KEYS due. ARGV claimMs, limit. Answers with the claim and the users.
 */
export const CLAIM = script(`${NOW}
local users = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[2])
local claim = now + ARGV[1]
for _, user in ipairs(users) do redis.call('ZADD', KEYS[1], claim, user) end
return {claim, users}
`)

/**
 * Decides whether a user is there. KEYS user, due, seen, epoch.
 * ARGV userId, claim, the epoch under which all gateways are registered ('*': any, '': there is doubt), deadGraceMs, retryMs,
 * keepOfflineMs, then the gateways known to be dead. Answers with status, version and time if there is something to announce.
 * An announced version is above all earlier ones, also of before Redis was emptied: it is never below the time.
 */
export const SETTLE = script(`${NOW}
local dead = {}
for index = 7, #ARGV do dead[ARGV[index]] = true end

local user, connected, buried = {}, false, false
local fields = redis.call('HGETALL', KEYS[1])
for index = 1, #fields, 2 do
  local field, value = fields[index], fields[index + 1]
  if string.sub(field, 1, 1) == '#' then
    user[field] = tonumber(value)
  elseif dead[string.match(value, '^%d+')] then
    redis.call('HDEL', KEYS[1], field)
    buried = true
  else
    connected = true
  end
end
if buried then
  user['#g'] = math.max(now + ARGV[4], user['#g'] or 0)
  user['#l'] = now
  redis.call('HSET', KEYS[1], '#g', user['#g'], '#l', now)
end

local epoch = redis.call('GET', KEYS[4])
local whole = epoch and (ARGV[3] == '*' or ARGV[3] == epoch)
local decided, again = user['#s'], nil
if connected then
  decided = 1
elseif (user['#g'] or 0) > now then
  again = user['#g']
elseif whole then
  decided = 0
else
  again = now + ARGV[5]
end

if decided ~= user['#s'] then
  user['#v'] = math.max((user['#v'] or 0) + 1, now)
  user['#t'] = now
  redis.call('HSET', KEYS[1], '#s', decided, '#v', user['#v'], '#t', now)
  if decided == 0 then redis.call('ZADD', KEYS[3], 'GT', user['#l'] or now, ARGV[1]) end
end

if user['#v'] and user['#v'] ~= user['#a'] then return {decided, user['#v'], user['#t']} end
if tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0) == tonumber(ARGV[2]) then
  if again then
    redis.call('ZADD', KEYS[2], again, ARGV[1])
  else
    redis.call('ZREM', KEYS[2], ARGV[1])
    if not connected then redis.call('PEXPIRE', KEYS[1], ARGV[6]) end
  end
end
return {}
`)

/** A transition was announced. KEYS user, due. ARGV userId, version, claim. The user is looked at once more, to be done with. */
export const ANNOUNCED = script(`${NOW}
if redis.call('EXISTS', KEYS[1]) == 0 then return end
if tonumber(ARGV[2]) > tonumber(redis.call('HGET', KEYS[1], '#a') or 0) then redis.call('HSET', KEYS[1], '#a', ARGV[2]) end
if tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0) == tonumber(ARGV[3]) then
  redis.call('ZADD', KEYS[2], now, ARGV[1])
end
`)

/** Makes users of a dead gateway due. KEYS gatewayUsers, due. ARGV limit. Answers with how many. */
export const SWEEP = script(`${NOW}
local users = redis.call('SPOP', KEYS[1], ARGV[1])
for _, user in ipairs(users) do redis.call('ZADD', KEYS[2], 'LT', now, user) end
return #users
`)

/** The right to store who was last seen, for one bucket and some time. KEYS seen, seenFlushed. ARGV everyMs. Answers 1 if had. */
export const CLAIM_SEEN = script(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('SET', KEYS[2], 1, 'NX', 'PX', ARGV[1]) then return 1 end
return 0
`)

/** What is stored need not be kept, unless it is newer. KEYS seen. ARGV time, userId, time, userId... */
export const FORGET_SEEN = script(`
for index = 1, #ARGV, 2 do
  local time = redis.call('ZSCORE', KEYS[1], ARGV[index + 1])
  if time and tonumber(time) <= tonumber(ARGV[index]) then redis.call('ZREM', KEYS[1], ARGV[index + 1]) end
end
`)
