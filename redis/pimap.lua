#!lua name=pimap

-- Copyright (C) ngx_pimap_module authors
--
-- The log of an account in Redis >= 7 and Valkey, the update stream for
-- backends, and the results of updates (docs/reliability.md).  Publishing adds
-- an event to the log and sends it to the parked devices in one step.
--
-- The first key of each function is P:{A}: the account's channel, and the key
-- of its log.  The other keys are derived from it, so all of them have the
-- same hash tag.  Only the update stream, P:updates, is for all accounts.
--
-- In a cluster events are published in the slot, by SPUBLISH.  While a slot
-- moves, its keys are at two servers.  A function runs where the log is.  It
-- must not add a key that the other server may have, since that would end the
-- move.  So an account gets events then, also those of a bridge whose keys are
-- at one server.  All else has to be tried again.

local VERSION = 20              -- increases with each change of the functions

local MAX_JSON, MAX_KEY = 1048576, 2048         -- bytes of it, and of P:{A}
local MAX_IDEMPOTENCY = 255     -- bytes of an idempotency key
local MAX_UPDATE_ID, MAX_DEVICE = 128, 1024     -- bytes of their names
local MAX_UPDATES = 1000        -- of one call
local UPDATE_BYTES = 300        -- an update takes in Redis, beside its texts
local ACCOUNT_UPDATES, ACCOUNT_BYTES = '10000', '16777216'  -- remembered
local MAX_BACKLOG = 10^9
local FORGET = '1000'           -- ended ones that a call removes

local MAXLEN, MAX_MAXLEN = '1000', 1000000      -- NGX_PIMAP_LOG_LENGTH
local TTL, MAX_TTL = 604800, 366 * 86400        -- NGX_PIMAP_LOG_TTL
local PAUSES = 60               -- of a time to live
local MAX_COUNT, MAX_BYTES = 10000, 1073741824
local MAX_ID = 35               -- bytes: 19, "-", and a number of 15 digits

local MAX_REVOKED = 256         -- devices of an account
local REVOKED_TTL = '2592000'   -- 30 days
local EPOCH_TTL = 30 * 86400    -- the epoch outlives the log by this time
local IDEMPOTENCY_TTL = '3600'
local WAITING_TTL = 604800      -- an update without a result is remembered
local RESULT_TTL, BUSY_TTL = 86400, 3600  -- with one; of an account with many
local MANY_BYTES = 1048576
local FORGOTTEN = '0'           -- digest of an update known only by its result
local BRIDGE_TTL = 90 * 86400   -- of a bridge's states of the mailboxes
local CHUNK, EXPIRED = 16, 8    -- entries read at a time; chunks deleted
local MAX_LEASE_MS = 600000
local MAX_MAILBOX, MAX_STATE = 4096, 8388608    -- bytes of name and state

-- Ends the call with an error.  Redis adds the line of the code to an error
-- if its table can be changed.

local function refuse(reason, code)
    error(setmetatable({err = (code or 'PIMAP') .. ' ' .. reason},
        {__newindex = function() end}))
end

-- The text of an event, without white space around it, if it may be an object.
-- Redis has one core, so the workers and the "pimap_publish" location check
-- the rest.  A pattern anchored at the end would try every space in between.

local function object_of(text)
    if text:byte() ~= 123 or text:byte(-1) ~= 125 then      -- "{", "}"
        local ended = text:reverse():find('[^ \t\r\n]') or 1

        text = text:sub(text:find('[^ \t\r\n]') or 1, -ended)

        if not text:find('^{.*}$') then
            refuse('not an object')
        end
    end

    if #text > MAX_JSON then
        refuse('too large')
    end

    return text
end

-- P:{A}: the tag must not be empty, because keys without it share no slot.
-- An account has no control characters (pimap_account.h).

local function check_key(keys, n)
    local key = keys[1]

    if #keys ~= (n or 1) or #key > MAX_KEY
        or not key:find('^[^{}%c]+:{[^}%c]%C*}$')
    then
        refuse('bad key: P:{A}' .. (n and ' P:updates' or '')
            .. ' is expected, and A can\'t begin with "}"')
    end
end

-- The text of a whole number; the default if it is absent or empty.

local function number_of(arg, default, max, expected)
    arg = arg or ''
    return arg == '' and default or arg:find('^[1-9]%d*$') and #arg <= 16
        and tonumber(arg) <= max and arg
        or refuse('bad arguments: ' .. expected)
end

-- The length stays text, because redis.call() takes longer to print a number
-- than to execute most commands.

local function log_args(maxlen, ttl)
    return number_of(maxlen, MAXLEN, MAX_MAXLEN, 'maxlen is out of range'),
        tonumber(number_of(ttl, TTL, MAX_TTL, 'ttl is out of range'))
end

-- The epoch of a log is the time when it began, in hundredths of a second, and
-- then seven digits that tell the servers apart.  So its ids say whether this
-- server began it.  A log that was begun by another server may lack events,
-- and begins again.  This is the id of its newest entry, even if it has been
-- trimmed; "" without a log.

local function last_id(log)
    local info = redis.call('EXISTS', log) == 1
        and redis.call('XINFO', 'STREAM', log) or {}

    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then
            return info[i + 1]
        end
    end

    return ''
end

-- The id of the account's newest event.  Of a log that is gone only the epoch
-- is known: the id is before its first event, so that each reader with an id
-- of an event hears that events are gone.  A Redis user with access to the log
-- only does not get it.

local function newest_id(keys)
    check_key(keys)

    local last = last_id(keys[1])
    local epoch = last == '' and redis.pcall('GET', keys[1] .. ':epoch')

    return type(epoch) == 'string' and epoch:find('^%d+$') and epoch .. '-0'
        or last
end

-- The digits of this server, and the "-" behind them.  A server is a history
-- of data: the process, and the replication id, which is another one after
-- each promotion.  A process that was a replica in between has other data, and
-- a replica has the replication id of its master.  They are read once, because
-- a server that takes over other data loads the functions again.  A replica
-- that was behind for a moment does not, but a promotion leaves the former id
-- as the second one.  So that is read again, at most once in ten milliseconds.
-- The first replica of a master changes the id, and there is no second one.

local server, former, read_at, verb

local function identify(time)
    local info = redis.call('INFO', 'replication')
    local earlier = info:match('master_replid2:(%x+)')

    if not server or earlier ~= former and earlier:find('[^0]') then
        info = redis.call('INFO')

        local run, history = info:match('run_id:(%x+).*master_replid:(%x+)')

        if not run or not earlier then
            refuse('INFO has no run_id or no master_replid', 'ERR')
        end

        server = string.format('%07d-', tonumber(
            redis.sha1hex(run .. history):sub(1, 12), 16) % 10^7)
        former = earlier
        verb = info:find('cluster_enabled:1') and 'SPUBLISH' or 'PUBLISH'
    end

    read_at = time
end

-- The time now in milliseconds, if it is not given as a number; "second" and
-- "msec" are its texts.

local tick, second, msec

local function look(now)
    if not now then
        local time = redis.call('TIME')

        now = time[1] * 1000 + math.floor(time[2] / 1000)
    end

    msec = string.format('%.0f', now)
    second = msec:sub(1, -4)

    if msec:sub(1, -2) ~= read_at then
        identify(msec:sub(1, -2))
    end

    tick = now
end

-- While the slot of the account moves: true if both keys are here, as Redis
-- then refuses a command with several keys if one is missing.  The default is
-- never true then, as there is never a ":new".

local function is_settled(account, one, other)
    look()

    local found = verb == 'PUBLISH' and 0 or redis.pcall('EXISTS',
        account .. (one or ':epoch'), account .. (other or ':new'))

    return type(found) == 'number'
end

local function must_be_settled(account, one, other)
    return is_settled(account, one, other)
        or refuse('the slot of the account moves', 'TRYAGAIN')
end

-- For functions that add other keys than the log.  Those of the bridge add
-- none of their two keys, :lease and :bridge, if these are here.  A key is at
-- one server, so the lease keeps other bridges out during a move.

local function check_keys(keys, n, one, other)
    check_key(keys, n)
    must_be_settled(keys[1], one, other)
end

-- The right to publish, asked before anything is written, as a user may lack
-- channels by mistake.

local function check_right(account)
    return redis.acl_check_cmd(verb, account, '')
        or refuse('no permission to ' .. verb .. ' on the channel', 'NOPERM')
end

-- The first id of an epoch that is greater than each one known of this
-- account, and than each other one of this server.  An epoch that is no time
-- was set by hand, and is not the limit.  A log that begins again lacks the
-- number 1, so that a reader from before the first event finds a gap.

local latest = 0

local function first_id(known, lost)
    local time = math.max(tonumber(read_at), latest + 1)

    latest = time

    for _, id in ipairs({known or '', lost or ''}) do
        local epoch = id:match('^[1-8]%d+') or ''

        if #epoch == 19 then
            time = math.max(time, epoch:sub(1, 12) + 1)
        end
    end

    return string.format('%.0f%s%d', time, server, (known or lost) and 2 or 1)
end

-- Begins a log with the event.  "lost" is an id of the former log, or the
-- error of Redis about its ids: that log goes at once, because the event must
-- not be the one before the next number.  Redis takes 4 kB for the first entry
-- of a stream.  Most logs have few, so the log is a copy, which has no room to
-- spare.  In a slot that moves, the log is at neither server, or this one has
-- deleted it; its epoch may be at the other one.

local function begin(account, lost, text)
    if type(lost) == 'table' then
        lost = lost.err:find(' ID', 1, true) and last_id(account)
            or error(lost)
    end

    if lost then
        redis.call('DEL', account)
    end

    local new, settled = account .. ':new', is_settled(account)
    local id = first_id(not settled and ''
        or redis.call('GET', account .. ':epoch'), lost)

    if not settled then
        id = redis.pcall('XADD', account, id, 'e', text, 't', second)

        return type(id) == 'string' and id or must_be_settled(account)
    end

    redis.call('XADD', new, id, 'e', text, 't', second)

    local copied = redis.pcall('COPY', new, account, 'REPLACE')

    redis.call('DEL', new)

    return copied == 1 and id or error(copied)
end

-- Deletes the oldest entries that are too old.  An entry by hand may have any
-- text as its time.

local function expire(log, limit)
    for _ = 1, EXPIRED do
        local page = redis.call('XRANGE', log, '-', '+', 'COUNT', CHUNK)
        local n = 0

        while page[n + 1] and (tonumber(page[n + 1][2][4]) or 0) < limit do
            n = n + 1
        end

        redis.call('XTRIM', log, 'MAXLEN', '=', redis.call('XLEN', log) - n)

        if n < CHUNK then
            return
        end
    end
end

-- The keys get their time to live, and old entries are removed, at most once
-- in a pause.  So both stay that much longer.  In a slot that moves, the epoch
-- waits for a later event.

local function keep(account, id, ttl)
    local life, settled = ttl + math.ceil(ttl / PAUSES), is_settled(account)

    expire(account, second - ttl)
    redis.call('EXPIRE', account, settled and life or math.max(ttl - 1, 1))

    if settled then
        redis.call('SET', account .. ':epoch', id:match('^%d+'), 'EX',
            life + EPOCH_TTL)
    end
end

-- Adds the event to the log and publishes it; returns its id, and the number
-- of subscribers that received it.  The numbers are dense: epochs are in the
-- future of Redis' own clock, where "*" is the next number.  Longer numbers
-- would be rounded.  The message has the time, for workers that measure.
-- Two numbers tell the time sooner than the two texts of TIME.

local function emit(keys, text, maxlen, ttl)
    local account = keys[1]
    local left = redis.call('PTTL', account)

    local now = left > 0 and redis.call('PEXPIRETIME', account) - left

    if now ~= tick then
        look(now)
    end

    check_right(account)

    local due = left < ttl * 1000 or left > (ttl + ttl / PAUSES + 1) * 1000

    if due then
        check_key(keys)
    end

    local id = left ~= -2 and redis.pcall('XADD', account, 'MAXLEN', '=',
        maxlen, '*', 'e', text, 't', second)

    if not id or id.err or id:sub(13, 20) ~= server or #id > MAX_ID then
        id, due = begin(account, id, text), true
    end

    if due then
        keep(account, id, ttl)
    end

    return id, redis.call(verb, account, id .. '@' .. msec .. ' ' .. text)
end

-- The arguments but the first: maxlen, ttl, and the key of the idempotency
-- key, if there is one.

local function publish_args(keys, args)
    local key = args[4] or ''

    check_key(keys)

    if #args < 1 or #args > 4 or #key > MAX_IDEMPOTENCY then
        refuse('bad arguments: <json> [maxlen [ttl [idempotency-key]]]')
    end

    local maxlen, ttl = log_args(args[2], args[3])

    return maxlen, ttl, key ~= '' and must_be_settled(keys[1])
        and keys[1] .. ':idem:' .. key
end

-- Returns the id, the number of subscribers that received it, and whether the
-- id is that of an earlier event with the same idempotency key.  Most calls
-- have the event only.

local function publish(keys, args)
    local maxlen, ttl, key = MAXLEN, TTL, nil

    if #keys ~= 1 or #args ~= 1 then
        maxlen, ttl, key = publish_args(keys, args)
    end

    local earlier = key and redis.call('GET', key)

    if earlier then
        return earlier, 0, 1
    end

    local id, receivers = emit(keys, object_of(args[1]), maxlen, ttl)

    if key then
        redis.call('SET', key, id, 'EX', IDEMPOTENCY_TTL)
    end

    return id, receivers, 0
end

-- The consecutive entries from "start" on that fit into the page.  A gap ends
-- the page; the next page begins with it.

local function read_page(reply, log, start, expected, count, max_bytes)
    local bytes = 0

    while count > 0 do
        local chunk = math.min(count, CHUNK)
        local entries = redis.call('XRANGE', log, start, '+', 'COUNT', chunk)

        for _, entry in ipairs(entries) do
            local id, json = entry[1], entry[2][2]
            local n = tonumber(id:match('%d+$'))

            bytes = bytes + #json

            if n ~= (expected or n) or bytes > max_bytes and #reply > 2 then
                return
            end

            reply[#reply + 1], reply[#reply + 2] = id, json
            start, expected = '(' .. id, n + 1
        end

        count = #entries == chunk and count - chunk or 0
    end
end

-- Numbers of 64 bits stay text, because Lua's have only 53.

local function is_number(text)
    return text and #text <= 20 and (text == '0' or text:find('^[1-9]%d*$'))
end

local function read(keys, args)
    local epoch, n = args[1], args[2]
    local expected = '<epoch> <n> <count> [maxbytes]'
    local count = number_of(args[3], nil, MAX_COUNT, expected)
    local bytes = number_of(args[4], MAX_BYTES, MAX_BYTES, expected)

    if #args > 4 or not is_number(epoch) or not is_number(n) then
        refuse('bad arguments: ' .. expected)
    end

    local last = newest_id(keys)
    local last_epoch, last_n = last:match('^(%d+)-(%d+)$')
    local reply, all = {'ok', last}, epoch == '0' and n == '0'
    local reason = not all and (last == '' and 'empty'
        or epoch ~= last_epoch and 'epoch'
        or last_n == '0' and n ~= '0' and 'gone'
        or ('%20s'):format(n) > ('%20s'):format(last_n) and 'future')

    if not reason then
        read_page(reply, keys[1], all and '-' or '(' .. epoch .. '-' .. n,
            not all and n + 1, tonumber(count), tonumber(bytes))
        reason = #reply == 2 and not all and n ~= last_n and 'gone'
    end

    return reason and {'resync', reason, last} or reply
end

-- Each update has a record, P:{A}:update:<id> <device>, so that repetitions
-- are not added again: a digest of its text, and after its result the id and
-- the text of that event.  An id contains no space.  The number and the bytes
-- of an account's records are bounded, so there is a tally: a sorted set of
-- "<id> <device>", with the end in seconds times SIZES plus the bytes, which
-- are less than SIZES.  A member "" has minus the bytes of all.

local SIZES = 2^21

-- The bytes of all updates in the tally, and those of one, if it is there.

local function tally_bytes(tally, name)
    local scores = redis.call('ZMSCORE', tally, '', name)

    return -(scores[1] or 0), scores[2] and scores[2] % SIZES
end

-- Remembers an update until then, and the bytes of all.

local function remember(account, name, record, seconds, size, all)
    local tally = account .. ':tally'

    redis.call('SET', account .. ':update:' .. name, record, 'EX', seconds)
    redis.call('ZADD', tally, -all, '',
        string.format('%.0f', (second + seconds) * SIZES + size), name)
    redis.call('EXPIRE', tally, WAITING_TTL)
end

-- The stream, the record and the tally have the id and the device.

local function bytes_of(name, text)
    return #text + 3 * #name + UPDATE_BYTES
end

-- Removes records that have ended from the tally.

local function forget_ended(tally)
    local ended = redis.call('ZRANGE', tally, '1',
        string.format('%.0f', (second + 1) * SIZES - 1),
        'BYSCORE', 'LIMIT', '0', FORGET, 'WITHSCORES')

    for i = 1, #ended, 2 do
        redis.call('ZREM', tally, ended[i])
        redis.call('ZADD', tally, 'INCR', ended[i + 1] % SIZES, '')
    end
end

-- The name of an update in its account.

local function name_of(device, id)
    if #device > MAX_DEVICE or #id > MAX_UPDATE_ID
        or not id:find('^[!#-Z%[%]^_`a-~]+$')
    then
        refuse('bad arguments: a device or an id is too long or odd')
    end

    return id .. ' ' .. device
end

-- The digest of the update, and the id and the text of its result.

local function recall(account, name)
    return (redis.call('GET', account .. ':update:' .. name) or '')
        :match('^(%x+) ?(%S*) ?(.*)$')
end

-- The updates after the first arguments: ... <device> <id> <json> ...

local function updates_of(args, first, expected)
    local device, updates = args[first], {}

    if #args < first + 2 or (#args - first) % 2 ~= 0
        or #args > first + 2 * MAX_UPDATES
    then
        refuse('bad arguments: ' .. expected .. ' <device> <id> <json> ...')
    end

    for i = first + 1, #args, 2 do
        local id, text = args[i], args[i + 1]

        if #text > MAX_JSON then
            refuse('too large')
        end

        updates[#updates + 1] = {device = device, id = id, text = text,
            name = name_of(device, id)}
    end

    return updates
end

-- The new ones of the updates, and the reply, which has for each update 1 if
-- it is new, 0 if it is known without a result, or the text of the event with
-- its result.  Half of the digest identifies a text: a device could cause a
-- collision only with an update of its own, which is of no use.

local function compare(account, updates)
    local new, seen, reply = {}, {}, {}

    for i, update in ipairs(updates) do
        local digest, event, text = recall(account, update.name)

        update.digest = redis.sha1hex(update.text):sub(1, 20)
        digest = digest or seen[update.id]

        if digest and digest ~= update.digest and digest ~= FORGOTTEN then
            refuse(string.format('conflict: %d', i))
        end

        if not digest then
            seen[update.id] = update.digest
            new[#new + 1] = update
        end

        reply[i] = event and event ~= '' and text or digest and 0 or 1
    end

    return new, reply
end

-- Checks whether the account has room for its new updates.

local function check_room(account, new, most, bytes)
    local tally = account .. ':tally'

    forget_ended(tally)

    local n = math.max(redis.call('ZCARD', tally) - 1, 0)
    local all = tally_bytes(tally, '')

    for _, update in ipairs(new) do
        local _, known = tally_bytes(tally, update.name)

        update.size = bytes_of(update.name, update.text)
        all = all + update.size - (known or 0)
        n = n + (known and 0 or 1)
        update.all = all
    end

    if n > tonumber(most) or all > tonumber(bytes) then
        refuse('account: too many updates, or bytes of them')
    end
end

-- Adds updates to their stream, all or none.

local function queue(stream, backlog, account, updates)
    if redis.call('XLEN', stream) + #updates > tonumber(backlog) then
        refuse('backlog: too many updates wait')
    end

    look()

    for _, update in ipairs(updates) do
        redis.call('XADD', stream, '*', 'account', account, 'device',
            update.device, 'id', update.id, 'time', msec, 'body', update.text)
    end

    return #updates
end

-- pimap_update adds all updates of a call or none.  In a cluster, where the
-- stream may be at another server, three calls do the same: pimap_update_look,
-- _queue and _record.  A caller that dies in between has not answered the
-- device, which sends the updates again.

local function updater(queues, records)
    return function(keys, args)
        check_keys(keys, queues and 2)

        local account, limits = keys[1], '"<backlog> [number [bytes]]"'
        local backlog, most, bytes = (args[1] or ''):match(
            '^(%S+) ?(%S*) ?(%S*)$')

        backlog = number_of(backlog, nil, MAX_BACKLOG, limits)
        most = number_of(most, ACCOUNT_UPDATES, MAX_BACKLOG, limits)
        bytes = number_of(bytes, ACCOUNT_BYTES, MAX_BYTES, limits)

        local new, reply = compare(account, updates_of(args, 2, limits))

        if #new == 0 then
            return reply
        end

        check_room(account, new, most, bytes)

        if queues then
            queue(keys[2], backlog, account:match(':{(.*)}$'), new)
        end

        for _, update in ipairs(records and new or {}) do
            remember(account, update.name, update.digest, WAITING_TTL,
                update.size, update.all)
        end

        return reply
    end
end

local function update_queue(keys, args)
    local account, usage = args[2] or '', 'P:updates:{p} <backlog> <account>'
    local backlog = number_of(args[1], nil, MAX_BACKLOG, usage)

    if #keys ~= 1 or #keys[1] > MAX_KEY or #account > MAX_KEY
        or not account:find('^%C+$')
    then
        refuse('bad arguments: ' .. usage)
    end

    return queue(keys[1], backlog, account, updates_of(args, 3, usage))
end

-- The event of a result: the device it is for, then the members of the
-- backend's object.

local function result_event(device, id, text)
    local object = object_of(text)
    local ok, value = pcall(cjson.decode, object)

    if not ok then
        refuse('bad json: syntax error')
    end

    if type(value.status) ~= 'string' or value.event ~= nil
        or value.device ~= nil or value.update ~= nil
    then
        refuse('bad member: "status" is a string, and there is no "event", '
            .. '"device" or "update"')
    end

    return object_of(string.format(
        '{"event":"UpdateResult","device":%s,"update":%s,%s',
        cjson.encode(device), cjson.encode(id), object:sub(2)))
end

-- Returns what pimap_post returns.  An earlier result stays.

local function result(keys, args)
    check_keys(keys)

    if #args < 3 or #args > 5 then
        refuse('bad arguments: <device> <id> <json> [maxlen [ttl]]')
    end

    local account, name = keys[1], name_of(args[1], args[2])
    local maxlen, ttl = log_args(args[4], args[5])
    local digest, earlier = recall(account, name)

    if earlier and earlier ~= '' then
        return {earlier, 0, 1}
    end

    local event = result_event(args[1], args[2], args[3])

    -- Before the event, because the tally may be of a wrong type.

    local all, known = tally_bytes(account .. ':tally', name)
    local id, receivers = emit(keys, event, maxlen, ttl)
    local record = table.concat({digest or FORGOTTEN, id, event}, ' ')
    local size = bytes_of(name, record)

    all = all + size - (known or 0)
    remember(account, name, record, all > MANY_BYTES and BUSY_TTL
        or RESULT_TTL, size, all)

    return {id, receivers, 0}
end

-- Revokes the logins of the account's devices, or of one device, that are not
-- later than now.  Returns the number of workers that received the message.

local function revoke(keys, args)
    check_keys(keys)

    local device = args[1] or ''
    local ttl = number_of(args[2], REVOKED_TTL, MAX_TTL, '[device [ttl]]')

    if #args > 2 or #device > MAX_DEVICE or device:find('%c') then
        refuse('bad arguments: [device [ttl]]')
    end

    local key = keys[1] .. ':revoked'

    check_right(keys[1])

    local left, fields = redis.call('TTL', key), redis.call('HGETALL', key)
    local known = device == ''

    for i = 1, #fields, 2 do
        known = known or fields[i] == device
    end

    if not known and #fields >= 2 * MAX_REVOKED then
        refuse('too many devices are revoked: revoke the account')
    end

    if device == '' then
        redis.call('DEL', key)
    end

    redis.call('HSET', key, device, second)
    redis.call('EXPIRE', key, math.max(left, tonumber(ttl)))

    return redis.call(verb, keys[1], '!revoke ' .. second
        .. (device ~= '' and ' ' .. device or ''))
end

-- The key of the lease, and its holder: of several bridges, that one watches
-- the account.  It is "<bridge> <generation>".  Each session of a bridge has a
-- generation, so that late commands of an earlier session are refused.

local function lease_of(keys, args, n)
    check_keys(keys, nil, ':lease', ':bridge')

    local expected = '"<bridge> <generation>" [ms]'

    if #args ~= n or not args[1]:find('^[^ ]+ %d+$')
        or n > 1 and not number_of(args[2], nil, MAX_LEASE_MS, expected)
    then
        refuse('bad arguments: ' .. expected)
    end

    local lease = keys[1] .. ':lease'

    return lease, redis.call('GET', lease)
end

-- Takes a lease that is free or the same bridge's.  Returns "ok" and all
-- mailboxes with their states, or "held", the holder, and its time left in ms.

local function lease_take(keys, args)
    local lease, holder = lease_of(keys, args, 2)
    local bridge = holder and holder:match('^[^ ]+')

    if holder and bridge ~= args[1]:match('^[^ ]+') then
        return {'held', bridge, redis.call('PTTL', lease)}
    end

    redis.call('SET', lease, args[1], 'PX', args[2])

    local reply = redis.call('HGETALL', keys[1] .. ':bridge')

    table.insert(reply, 1, 'ok')

    return reply
end

-- Returns 1 if the lease was still held and has been extended, or 0.

local function lease_renew(keys, args)
    local lease, holder = lease_of(keys, args, 2)

    return holder == args[1] and redis.call('PEXPIRE', lease, args[2]) or 0
end

local function lease_release(keys, args)
    local lease, holder = lease_of(keys, args, 1)

    return holder == args[1] and redis.call('DEL', lease) or 0
end

-- Returns the live bridges, by the clock of Redis.  The calling bridge stays
-- alive for "ms" more, or leaves with 0, as its time has ended then.

local function bridges(keys, args)
    local id, ms, expected = args[1] or '', args[2], '<bridge> <ms>'

    if #keys ~= 1 or not id:find('^[^ ]+$')
        or ms ~= '0' and not number_of(ms, nil, MAX_LEASE_MS, expected)
    then
        refuse('bad arguments: ' .. expected)
    end

    look()
    redis.call('ZADD', keys[1], msec + ms, id)
    redis.call('ZREMRANGEBYSCORE', keys[1], '-inf', msec)
    redis.call('PEXPIRE', keys[1], MAX_LEASE_MS)

    return redis.call('ZRANGE', keys[1], 0, -1)
end

-- Publishes events of a mailbox, and stores its state after them (empty:
-- deletes it), in one step.  Returns the numbers of events published and of
-- invalid ones.

local function bridge_publish(keys, args)
    check_keys(keys, nil, ':lease', ':bridge')

    local owner, maxlen, ttl, mailbox, state = unpack(args, 1, 5)

    if not state or #mailbox > MAX_MAILBOX or #state > MAX_STATE then
        refuse('bad arguments: '
            .. '<owner> <maxlen> <ttl> <mailbox> <state> [json ...]')
    end

    if redis.call('GET', keys[1] .. ':lease') ~= owner then
        refuse('lease is not held')
    end

    maxlen, ttl = log_args(maxlen, ttl)

    local states, published = keys[1] .. ':bridge', 0

    for i = 6, #args do
        local fine, object = pcall(object_of, args[i])

        if fine then
            emit(keys, object, maxlen, ttl)
            published = published + 1
        end
    end

    -- Deleting the last one deletes the key.

    if state == '' then
        redis.call('EXPIRE', states, BRIDGE_TTL)
        redis.call('HDEL', states, mailbox)
    else
        redis.call('HSET', states, mailbox, state)
        redis.call('EXPIRE', states, BRIDGE_TTL)
    end

    return {published, #args - 5 - published}
end

-- Each with its flags.  The key of the first two is checked with the first
-- event of a pause.  Those that end a login or hold a lease need little
-- memory, and should not wait for it.

local FUNCTIONS = {
    {'publish', publish},
    {'post', function(keys, args) return {publish(keys, args)} end},
    {'version', function() return VERSION end, 'no-writes', 'allow-stale'},
    {'read', read, 'no-writes'},
    {'last', newest_id, 'no-writes'},
    {'update', updater(true, true)},
    {'update_look', updater(false, false)},
    {'update_queue', update_queue},
    {'update_record', updater(false, true)},
    {'result', result},
    {'revoke', revoke, 'allow-oom'},
    {'lease_take', lease_take},
    {'lease_renew', lease_renew, 'allow-oom'},
    {'lease_release', lease_release, 'allow-oom'},
    {'bridges', bridges, 'allow-oom'},
    {'bridge_publish', bridge_publish},
}

for i = 1, #FUNCTIONS do
    local f = FUNCTIONS[i]

    redis.register_function({function_name = 'pimap_' .. f[1],
        callback = f[2], flags = {f[3], f[4]}})
end
