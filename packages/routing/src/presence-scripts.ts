import { NOW, script } from './redis-script.ts'

/** What presence does with users: see `user-hash.ts`. Ids are compact. */

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
 * Decides how a user is. Nothing is decided without the status they have chosen.
 * KEYS user, due, seen, epoch.
 * ARGV userId, claim, run, the epoch under which all gateways are registered ('*': any, '': there is doubt), deadGraceMs,
 * retryMs, keepOfflineMs, then the gateways known to be dead. If there is something to announce, answers with state, version,
 * time, text, when last seen, to whom it is visible, and #p.
 * An announced version is above all earlier ones, also of before Redis was emptied: it is never below the time.
 */
export const SETTLE = script(`${NOW}
local function look(at)
  if tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0) ~= tonumber(ARGV[2]) then return false end
  if at then redis.call('ZADD', KEYS[2], at, ARGV[1]) else redis.call('ZREM', KEYS[2], ARGV[1]) end
  return true
end

local dead = {}
for index = 8, #ARGV do dead[ARGV[index]] = true end
local user, connected, active, buried = {}, false, false, {}
local fields = redis.call('HGETALL', KEYS[1])
for index = 1, #fields, 2 do
  local field, value = fields[index], fields[index + 1]
  if string.sub(field, 1, 1) == '#' then
    user[field] = value
  elseif dead[string.match(value, '^%d+')] then
    table.insert(buried, field)
  else
    connected = true
    if string.match(value, '^%d+|a') then active = true end
  end
end
if user['#r'] ~= ARGV[3] then
  look(now + ARGV[6])
  return {}
end

local expires = tonumber(user['#u'])
if expires and expires <= now then
  if user['#x'] then user['#n'] = 'x' end
  user['#c'], user['#x'], user['#u'], expires = nil, nil, nil, nil
  redis.call('HDEL', KEYS[1], '#c', '#x', '#u')
end
local chosen, before = tonumber(user['#c'] or 1), tonumber(user['#s'])
local forgiven, seen = tonumber(user['#g'] or 0), tonumber(user['#l'])
if #buried > 0 then
  redis.call('HDEL', KEYS[1], unpack(buried))
  forgiven = math.max(now + ARGV[5], forgiven)
  redis.call('HSET', KEYS[1], '#g', forgiven)
  if chosen ~= 4 then seen = now end
end

local epoch = redis.call('GET', KEYS[4])
local whole = epoch and (ARGV[4] == '*' or ARGV[4] == epoch)
local decided, again, gone = before, nil, false
if connected then
  decided = chosen ~= 1 and chosen or active and 1 or 2
elseif forgiven <= now and whole then
  decided, gone = 0, true
else
  again = forgiven > now and forgiven or now + ARGV[6]
  local shown = before == 1 or before == 2 or before == 3
  if shown and chosen ~= 1 then decided = chosen end
  if before == 3 and chosen == 1 then decided = 1 end
end
if expires and (not gone or user['#x']) then again = math.min(again or expires, expires) end

if decided and (decided ~= before or user['#n']) then
  if user['#t'] then
    redis.call('HDEL', KEYS[1], '#p')
    user['#p'] = nil
  elseif before then
    user['#p'] = before .. (user['#n'] == 'x' and 'x' or '')
    redis.call('HSET', KEYS[1], '#p', user['#p'])
  end
  local hides = decided == 4 or (decided == 0 and chosen == 4)
  if hides and before and before ~= 0 and before ~= 4 then seen = now end
  if (decided == 0 or decided == 4) and seen then redis.call('ZADD', KEYS[3], 'GT', seen, ARGV[1]) end
  user['#v'] = string.format('%.0f', math.max(tonumber(user['#v'] or 0) + 1, now))
  user['#t'] = string.format('%.0f', now)
  redis.call('HSET', KEYS[1], '#s', decided, '#v', user['#v'], '#t', user['#t'])
  redis.call('HDEL', KEYS[1], '#n')
end
if seen and seen ~= tonumber(user['#l']) then redis.call('HSET', KEYS[1], '#l', seen) end

if user['#t'] then
  local lastSeen = seen and string.format('%.0f', seen) or ''
  return {decided, user['#v'], user['#t'], user['#x'] or '', lastSeen, user['#y'] or 0, user['#p'] or ''}
end
if look(again) and gone then redis.call('PEXPIRE', KEYS[1], ARGV[7]) end
return {}
`)

/** A transition was announced. KEYS user, due. ARGV userId, version, claim. The user is looked at once more, to be done with. */
export const ANNOUNCED = script(`${NOW}
if redis.call('HGET', KEYS[1], '#v') == ARGV[2] then redis.call('HDEL', KEYS[1], '#t', '#p') end
if tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0) == tonumber(ARGV[3]) then
  redis.call('ZADD', KEYS[2], now, ARGV[1])
end
`)

/**
 * The status that a user has chosen: `written` has just been stored, `read` comes from Postgres into a hash that has none to
 * believe. A hash that has none takes from what was written only the version, so that an older reading does not count.
 * KEYS user, due. ARGV userId, run, version, state, text, until, to whom it is visible, `written` or `read`.
 */
export const CHOOSE = script(`${NOW}
local run, known, text, visible, before = unpack(redis.call('HMGET', KEYS[1], '#r', '#w', '#x', '#y', '#s'))
local version, believed = tonumber(ARGV[3]), run == ARGV[2]
known = tonumber(known or 0)
if ARGV[8] == 'read' then
  if believed or version < known then return end
else
  redis.call('ZADD', KEYS[2], 'LT', now, ARGV[1])
  if version <= known then return end
  if not believed then
    redis.call('HSET', KEYS[1], '#w', version)
    return
  end
end

local chosen = {['#c'] = ARGV[4], ['#x'] = ARGV[5], ['#u'] = ARGV[6], ['#y'] = ARGV[7], ['#w'] = ARGV[3]}
if ARGV[6] ~= '' and tonumber(ARGV[6]) <= now then chosen['#c'], chosen['#x'], chosen['#u'] = '1', '', '' end
if before and (text or '') ~= chosen['#x'] then
  redis.call('HSET', KEYS[1], '#n', 'x')
elseif before and (visible or '0') ~= chosen['#y'] then
  redis.call('HSETNX', KEYS[1], '#n', 'y')
end
local usual = {['#c'] = '1', ['#x'] = '', ['#u'] = '', ['#y'] = '0', ['#w'] = '0'}
for field, value in pairs(chosen) do
  if value == usual[field] then redis.call('HDEL', KEYS[1], field) else redis.call('HSET', KEYS[1], field, value) end
end
redis.call('HSET', KEYS[1], '#r', ARGV[2])
if not believed and chosen['#c'] == '4' then redis.call('HDEL', KEYS[1], '#l') end
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
