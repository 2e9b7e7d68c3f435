#!lua name=pimap

-- Copyright (C) ngx_pimap_module authors
--
-- The log of an account in Redis.  Publishing adds an event to the log and
-- sends it to the parked devices in one step; reading returns the events that
-- a device missed (docs/reliability.md).  Also the update stream for backends,
-- and the results of updates.  For Redis >= 7 and Valkey:
--
--     redis-cli -x FUNCTION LOAD REPLACE < redis/pimap.lua
--
-- The first key of each function is P:{A}: the account's channel, and the key
-- of its log.  The other keys are derived from it, so all of them have the
-- same hash tag.  Only the update stream, P:updates, is for all accounts.
--
-- In a cluster events are published in the slot, by SPUBLISH.  While a slot
-- moves, its keys are at two servers.  A function runs where the log is.  It
-- must not add a key that the other server may have, since that would end the
-- move.  So an account gets events then, but all else has to be tried again.
--
-- Redis has one core, so publishing does only what has to be one step.  The
-- text is checked by the workers, and by the "pimap_publish" location.


local VERSION = 16              -- increases with each change of the functions

local MAX_JSON = 1048576        -- bytes
local MAX_KEY = 2048            -- bytes of P:{A}
local MAX_IDEMPOTENCY = 255     -- bytes of an idempotency key
local MAX_UPDATE_ID = 128       -- bytes of the id that a client gives
local MAX_DEVICE = 1024         -- bytes of a device's name
local MAX_UPDATES = 1000        -- of one call
local UPDATE_BYTES = 300        -- an update takes in Redis, beside its texts
local ACCOUNT_UPDATES = '10000'     -- remembered of an account
local ACCOUNT_BYTES = '16777216'    -- of these
local FORGET = '1000'           -- ended ones that a call removes

local MAXLEN, MAX_MAXLEN = '1000', 1000000
local TTL, MAX_TTL = 604800, 366 * 86400
local PAUSES = 60               -- of a time to live
local MAX_COUNT = 10000
local MAX_BYTES = 1073741824
local MAX_NUMBER = 15           -- digits of a number of an event

local MAX_REVOKED = 256         -- devices of an account
local REVOKED_TTL = '2592000'   -- 30 days

local EPOCH_TTL = 30 * 86400    -- the epoch outlives the log by this time
local IDEMPOTENCY_TTL = '3600'
local WAITING_TTL = 604800      -- an update without a result is remembered
local RESULT_TTL = 86400        -- an update with a result
local BUSY_TTL = 3600           -- the same, of an account with many
local MANY_BYTES = 1048576
local FORGOTTEN = '0'           -- digest of an update known only by its result
local BRIDGE_TTL = 90 * 86400   -- of a bridge's states of the mailboxes
local EXPIRED = 8               -- chunks of old entries that a call deletes
local CHUNK = 16                -- entries read at a time

local MAX_LEASE_MS = 600000
local MAX_MAILBOX = 4096                -- bytes of a mailbox's name
local MAX_MAILBOX_STATE = 8388608       -- of its state


-- Ends the call with an error.  Redis adds the line of the code to an error
-- if its table can be changed.

local SEALED = {__newindex = function() end}

local function fail(reason)
    error(setmetatable({err = reason}, SEALED))
end


local function refuse(reason)
    fail('PIMAP ' .. reason)
end


-- Arguments.


-- The text of an event, without white space around it, if it may be an object.
-- What else it must be (docs/events.md) takes longer to find out than the
-- whole rest of a call.  Works by bytes, because a pattern anchored at the end
-- would try every space in between.

local SPACE = {[32] = true, [9] = true, [13] = true, [10] = true}

local function object_of(text)
    local first, last = 1, #text

    if text:byte() == 123 and text:byte(-1) == 125 and last <= MAX_JSON then
        return text                                         -- "{", "}"
    end

    while SPACE[text:byte(first)] do
        first = first + 1
    end

    while last > first and SPACE[text:byte(last)] do
        last = last - 1
    end

    if last - first >= MAX_JSON then
        refuse('too large')
    end

    if text:byte(first) ~= 123 or text:byte(last) ~= 125 then
        refuse('not an object')
    end

    return text:sub(first, last)
end


-- P:{A}: the tag must not be empty, because keys without it share no slot.
-- An account has no control characters (pimap_account.h).

local function check_key(keys)
    local key = keys[1]

    if #keys == 1 and key:find('^[^{}]+:{}') then
        refuse('bad key: an account can\'t begin with "}"')
    end

    if #keys ~= 1 or #key > MAX_KEY or not key:find('^[^{}%c]+:{%C+}$') then
        refuse('bad key: one is expected, of the form P:{A}')
    end
end


-- The text of a whole number; the default if it is absent or empty.

local function number_of(arg, default, max)
    if arg == nil or arg == '' then
        return default
    end

    if arg:find('^[1-9]%d*$') and #arg <= 16 and tonumber(arg) <= max then
        return arg
    end
end


-- The length stays text, because redis.call() takes longer to print a number
-- than to execute most commands.

local function log_args(maxlen, ttl)
    maxlen = number_of(maxlen, MAXLEN, MAX_MAXLEN)
    ttl = number_of(ttl, TTL, MAX_TTL)

    if not maxlen or not ttl then
        refuse('bad arguments: maxlen or ttl is out of range')
    end

    return maxlen, tonumber(ttl)
end


-- The log.
--
-- The epoch of a log is the time when it began, in hundredths of a second, and
-- then seven digits that tell the servers apart.  So its ids say whether this
-- server began it.  A log that was begun by another server may lack events,
-- and begins again.


-- The id of the newest entry, even if it has been trimmed; "" without a log.

local function last_id(log)
    if redis.call('EXISTS', log) == 0 then
        return ''
    end

    local info = redis.call('XINFO', 'STREAM', log)

    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then
            return info[i + 1]
        end
    end
end


-- The id of the account's newest event.  Of a log that is gone only the epoch
-- is known: the id is before its first event, so that each reader with an id
-- of an event hears that events are gone.  A Redis user with access to the log
-- only does not get it.

local function newest_id(account)
    local last = last_id(account)
    local epoch = last == '' and redis.pcall('GET', account .. ':epoch')

    return type(epoch) == 'string' and epoch:find('^%d+$') and epoch .. '-0'
        or last
end


-- The digits of this server, and the "-" behind them.  A server is a history
-- of data: the process, and the replication id, which is another one after
-- each promotion.  Both are needed: a process that was a replica in between
-- has other data, and a replica has the replication id of its master.  They
-- are read once, because a server that takes over other data loads the
-- functions again.  A replica that has been behind for a moment only does not;
-- but a promotion leaves the former id as the second one.  So that is read
-- again, at most once in ten milliseconds, as a failover and a failback take
-- longer.  The first replica of a master changes the id, too, but then there
-- is no second one.

local server, former, read_at
local clustered, verb = false, 'PUBLISH'

local function identify(time)
    if time == read_at then
        return
    end

    local info = redis.call('INFO', 'replication')
    local history = info:match('master_replid:(%x+)')
    local second = info:match('master_replid2:(%x+)')

    if not server or second ~= former and second:find('[^0]') then
        local process = redis.call('INFO', 'server'):match('run_id:(%x+)')

        if not process or not history or not second then
            fail('ERR INFO has no run_id or no master_replid')
        end

        server = string.format('%07d-', tonumber(
            redis.sha1hex(process .. history):sub(1, 12), 16) % 10^7)
        former = second

        if redis.call('INFO', 'cluster'):find('cluster_enabled:1') then
            clustered, verb = true, 'SPUBLISH'
        end
    end

    read_at = time
end


-- The time now in seconds, and the same in milliseconds.

local second, tick, msec

local function look()
    local time = redis.call('TIME')
    local now, thousandth = time[1], time[2]:sub(1, -4)

    if thousandth ~= tick or now ~= second then
        msec = now .. ('000' .. thousandth):sub(-3)
        identify(msec:sub(1, -2))
        second, tick = now, thousandth
    end

    return now, msec
end


-- False while the slot of the account moves: Redis then refuses a command with
-- several keys if one is missing, and there is never a ":new".

local function is_settled(account)
    if not server then
        look()
    end

    return not clustered or type(redis.pcall('EXISTS', account .. ':epoch',
        account .. ':new')) == 'number'
end


local function moving()
    fail('TRYAGAIN the slot of the account moves')
end


local function must_be_settled(account)
    if not is_settled(account) then
        moving()
    end
end


-- Before anything is written, as a user may lack channels by mistake.

local function must_publish(account)
    if not redis.acl_check_cmd(verb, account, '') then
        fail('NOPERM no permission to ' .. verb .. ' on the channel')
    end
end


-- The first id of an epoch that is greater than each one known of this
-- account, and than each other one of this server.  An epoch that is no time
-- was set by hand, and is not the limit.  A log that begins again lacks the
-- number 1, so that a reader from before the first event finds a gap.

local latest = 0

local function first_id(known, lost)
    local time = math.max(tonumber(read_at), latest + 1)

    latest = time

    for _, epoch in ipairs({known or '', lost or ''}) do
        local earlier = epoch:find('^[1-8]%d+') == 1
            and #epoch:match('^%d+') == 19 and tonumber(epoch:sub(1, 12))

        time = math.max(time, earlier and earlier + 1 or 0)
    end

    return string.format('%.0f%s%d', time, server, (known or lost) and 2 or 1)
end


-- Redis takes 4 kB for the first entry of a stream, in view of later ones.
-- Most logs have few, so the log is a copy, which has no room to spare.  In a
-- slot that moves, the log is at neither server, or this one has deleted it;
-- its epoch may be at the other one.

local function begin(account, lost, text, now)
    if not is_settled(account) then
        local id = redis.pcall('XADD', account, first_id('', lost),
            'e', text, 't', now)

        return type(id) == 'string' and id or moving()
    end

    local id = first_id(redis.call('GET', account .. ':epoch'), lost)
    local new = account .. ':new'

    redis.call('XADD', new, id, 'e', text, 't', now)

    local copied = redis.pcall('COPY', new, account, 'REPLACE')

    redis.call('DEL', new)

    if copied ~= 1 then
        error(copied)
    end

    return id
end


-- Adds the entry after the last one, so the numbers are dense: epochs are in
-- the future of Redis' own clock, where "*" is the next number.  A log of
-- another server goes at once, and nil and its id are returned: the entry must
-- not be the one before the next number.  Numbers of 16 digits are rounded.

local function append(log, maxlen, text, now)
    local id = redis.pcall('XADD', log, 'MAXLEN', '=', maxlen, '*', 'e', text,
        't', now)

    if type(id) == 'table' then
        id = id.err:find(' ID', 1, true) and last_id(log) or error(id)
    end

    if id:sub(13, 20) == server and #id <= 20 + MAX_NUMBER then
        return id
    end

    redis.call('DEL', log)

    return nil, id
end


-- Deletes the oldest entries that are too old.  An entry by hand may have any
-- text as its time.

local function expire(log, limit)
    for _ = 1, EXPIRED do
        local entries = redis.call('XRANGE', log, '-', '+', 'COUNT', CHUNK)
        local n = 0

        while entries[n + 1]
            and (tonumber(entries[n + 1][2][4]) or 0) < limit
        do
            n = n + 1
        end

        if n > 0 then
            redis.call('XTRIM', log, 'MAXLEN', '=',
                redis.call('XLEN', log) - n)
        end

        if n < CHUNK then
            return
        end
    end
end


-- The keys get their time to live, and old entries are removed, at most once
-- in a pause.  So both stay that much longer.  In a slot that moves, the epoch
-- waits for a later event.

local function keep(account, id, ttl)
    local life = ttl + math.ceil(ttl / PAUSES)

    expire(account, tonumber(second) - ttl)

    if not is_settled(account) then
        redis.call('EXPIRE', account, math.max(ttl - 1, 1))
        return
    end

    redis.call('EXPIRE', account, life)
    redis.call('SET', account .. ':epoch', id:match('^%d+'), 'EX',
        life + EPOCH_TTL)
end


-- Adds the event to the log and publishes it; returns its id, and the number
-- of subscribers that received it.

local function emit(keys, text, maxlen, ttl)
    local account, now, time = keys[1], look()

    must_publish(account)

    local left = redis.call('TTL', account)
    local due = left < ttl or left > ttl + ttl / PAUSES + 1
    local id, lost

    if due then
        check_key(keys)
    end

    if left ~= -2 then
        id, lost = append(account, maxlen, text, now)
    end

    if not id then
        id, due = begin(account, lost, text, now), true
    end

    if due then
        keep(account, id, ttl)
    end

    -- The time in milliseconds, for workers that measure.

    return id, redis.call(verb, account,
        id .. '@' .. time .. ' ' .. text)
end


-- The arguments but the first: maxlen, ttl, and the key of the idempotency
-- key, if there is one.

local function publish_args(keys, args)
    local key = args[4] or ''

    check_key(keys)

    if #args < 1 or #args > 4 then
        refuse('bad arguments: <json> [maxlen [ttl [idempotency-key]]]')
    end

    if #key > MAX_IDEMPOTENCY then
        refuse('bad arguments: the idempotency key is too long')
    end

    local maxlen, ttl = log_args(args[2], args[3])

    if key ~= '' then
        must_be_settled(keys[1])
    end

    return maxlen, ttl, key ~= '' and keys[1] .. ':idem:' .. key
end


-- Returns the id, the number of subscribers that received it, and whether the
-- id is that of an earlier event with the same idempotency key.

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
            local n = tonumber(id:sub(id:find('-', 1, true) + 1))

            bytes = bytes + #json

            if n ~= (expected or n) or bytes > max_bytes and #reply > 2 then
                return
            end

            reply[#reply + 1] = id
            reply[#reply + 1] = json

            start = '(' .. id
            expected = n + 1
        end

        if #entries < chunk then
            return
        end

        count = count - chunk
    end
end


-- Numbers of 64 bits as text, without leading zeros: Lua's have only 53.

local function is_number(text)
    return #text <= 20 and (text == '0' or text:find('^[1-9]%d*$'))
end


local function is_greater(a, b)
    return #a > #b or #a == #b and a > b
end


local function read(keys, args)
    local epoch, n = args[1], args[2]
    local count = number_of(args[3], nil, MAX_COUNT)
    local max_bytes = number_of(args[4], MAX_BYTES, MAX_BYTES)

    if #args < 3 or #args > 4 or not count or not max_bytes
        or not is_number(epoch) or not is_number(n)
    then
        refuse('bad arguments: <epoch> <n> <count> [maxbytes]')
    end

    local last = newest_id(keys[1])
    local last_epoch, last_n = last:match('^(%d+)-(%d+)$')
    local reply, all = {'ok', last}, epoch == '0' and n == '0'
    local reason = not all and (last == '' and 'empty'
        or epoch ~= last_epoch and 'epoch'
        or last_n == '0' and n ~= '0' and 'gone'
        or is_greater(n, last_n) and 'future')

    if not reason then
        read_page(reply, keys[1], all and '-'
            or '(' .. epoch .. '-' .. n, not all and tonumber(n) + 1,
            tonumber(count), tonumber(max_bytes))
    end

    if not reason and #reply == 2 and not all and n ~= last_n then
        reason = 'gone'
    end

    return reason and {'resync', reason, last} or reply
end


-- Updates of devices, for a backend.


-- The record of an update, so that repetitions are not added again: a digest
-- of its text, and after its result the id and the text of that event.  An id
-- contains no space.

local function update_key(account, device, id)
    return account .. ':update:' .. id .. ' ' .. device
end


-- The account's tally of these records, so that their number and their bytes
-- are bounded: a sorted set of "<id> <device>", with the end in seconds times
-- SIZES plus the bytes, which are less than SIZES.  A member "" has the bytes
-- of all, as a negative number.

local SIZES = 2^21

local function tally_key(account)
    return account .. ':tally'
end


local function score_of(ends, size)
    return string.format('%.0f', ends * SIZES + size)
end


-- The bytes in the tally, and those of each name, 0 if it is not there.

local function tally_bytes(key, names)
    local scores = redis.call('ZMSCORE', key, '', unpack(names))
    local known = {}

    for i, name in ipairs(names) do
        known[name] = tonumber(scores[i + 1] or 0) % SIZES
    end

    return -tonumber(scores[1] or 0), known
end


-- The stream, the record and the tally have the id and the device.

local function bytes_of(name, text)
    return #text + 3 * #name + UPDATE_BYTES
end


-- Removes records that have ended from the tally.

local function forget_ended(key, now)
    local ended = redis.call('ZRANGE', key, '1', score_of(now, SIZES - 1),
        'BYSCORE', 'LIMIT', '0', FORGET, 'WITHSCORES')
    local names, size = {}, 0

    for i = 1, #ended, 2 do
        names[#names + 1] = ended[i]
        size = size + tonumber(ended[i + 1]) % SIZES
    end

    if #names > 0 then
        redis.call('ZADD', key, 'INCR', size, '')
        redis.call('ZREM', key, unpack(names))
    end
end


local function check_update(device, id)
    if #device > MAX_DEVICE or #id > MAX_UPDATE_ID
        or not id:find('^[!#-Z%[%]^_`a-~]+$')
    then
        refuse('bad arguments: a device or an id is too long or odd')
    end
end


-- The digest of the update, and the id and the text of its result.

local function recall(key)
    return (redis.call('GET', key) or ''):match('^(%x+) ?(%S*) ?(.*)$')
end


-- The updates of a device: <id> <json> ... from this argument on.

local function updates_of(device, args, first)
    local updates = {}

    for i = first, #args, 2 do
        check_update(device, args[i])

        if #args[i + 1] > MAX_JSON then
            refuse('too large')
        end

        table.insert(updates, {id = args[i], text = args[i + 1]})
    end

    return updates
end


-- The stream is another key, or none.

local function update_args(keys, args, stream)
    if #keys > 2 or keys[2] ~= stream or #(stream or '') > MAX_KEY then
        refuse('bad key: P:{A} and P:updates are expected')
    end

    check_key({keys[1]})
    must_be_settled(keys[1])

    local backlog, most, bytes = (args[1] or ''):match('^(%S+) ?(%S*) ?(%S*)$')

    backlog = number_of(backlog, nil, MAX_COUNT * 100000)
    most = number_of(most, ACCOUNT_UPDATES, MAX_COUNT * 100000)
    bytes = number_of(bytes, ACCOUNT_BYTES, MAX_BYTES)

    if not backlog or not most or not bytes
        or #args < 4 or #args % 2 ~= 0 or #args > 2 + 2 * MAX_UPDATES
    then
        refuse('bad arguments: '
            .. '"<backlog> [number [bytes]]" <device> <id> <json> ...')
    end

    return {
        account = keys[1],
        stream = stream,
        backlog = tonumber(backlog),
        most = tonumber(most),
        bytes = tonumber(bytes),
        device = args[2],
        updates = updates_of(args[2], args, 3),
    }
end


-- Sets the replies to known updates, and returns the new ones.  Half of the
-- digest identifies a text: a device could cause a collision only with an
-- update of its own, which is of no use.

local function new_updates(request)
    local new, seen = {}, {}

    for i, update in ipairs(request.updates) do
        update.key = update_key(request.account, request.device, update.id)
        update.digest = redis.sha1hex(update.text):sub(1, 20)

        local digest, event, text = recall(update.key)

        digest = digest or seen[update.id]

        if digest and digest ~= update.digest and digest ~= FORGOTTEN then
            refuse(string.format('conflict: %d', i))
        end

        if not digest then
            seen[update.id] = update.digest
            table.insert(new, update)
        end

        update.answer = event and event ~= '' and text or digest and 0 or 1
    end

    return new
end


-- The command that adds the new updates to the account's tally.

local function tally_updates(request, new, now)
    local key = tally_key(request.account)
    local names = {}

    forget_ended(key, now)

    for i, item in ipairs(new) do
        names[i] = item.id .. ' ' .. request.device
    end

    local bytes, known = tally_bytes(key, names)
    local n = math.max(redis.call('ZCARD', key) - 1, 0)
    local command = {'ZADD', key, '', ''}

    for i, name in ipairs(names) do
        local size = bytes_of(name, new[i].text)

        table.insert(command, score_of(now + WAITING_TTL, size))
        table.insert(command, name)
        bytes = bytes + size - known[name]
        n = n + (known[name] == 0 and 1 or 0)
    end

    if n > request.most or bytes > request.bytes then
        refuse('account: too many updates, or bytes of them')
    end

    command[3] = -bytes

    return command
end


-- The reply has for each update 1 if it is new, 0 if it is known without a
-- result, or the text of the event with its result.

local function update_reply(request)
    local reply = {}

    for i, item in ipairs(request.updates) do
        reply[i] = item.answer
    end

    return reply
end


local function check_backlog(stream, backlog, updates)
    if redis.call('XLEN', stream) + #updates > backlog then
        refuse('backlog: too many updates wait')
    end
end


local function add_to_stream(stream, account, device, updates)
    local _, time = look()

    for _, item in ipairs(updates) do
        redis.call('XADD', stream, '*', 'account', account, 'device', device,
            'id', item.id, 'time', time, 'body', item.text)
    end
end


local function record(new, tally)
    for _, item in ipairs(new) do
        redis.call('SET', item.key, item.digest, 'EX', WAITING_TTL)
    end

    redis.call(unpack(tally))
    redis.call('EXPIRE', tally[2], WAITING_TTL)
end


-- Adds all updates or none.

local function update(keys, args)
    local request = update_args(keys, args, keys[2] or '')
    local stream, new = request.stream, new_updates(request)

    if #new > 0 then
        check_backlog(stream, request.backlog, new)

        local now = look()
        local tally = tally_updates(request, new, tonumber(now))

        add_to_stream(stream, keys[1]:match(':{(.*)}$'), request.device, new)
        record(new, tally)
    end

    return update_reply(request)
end


-- The same in three calls, for a cluster, where the stream may be at another
-- server: this one adds nothing, then update_queue(), then this one as
-- update_record().  A caller that dies in between has not answered the device,
-- which sends the updates again.

local function update_without_stream(keys, args, add)
    local request = update_args(keys, args)
    local new = new_updates(request)

    if #new > 0 then
        local now = look()
        local tally = tally_updates(request, new, tonumber(now))

        if add then
            record(new, tally)
        end
    end

    return update_reply(request)
end


local function update_look(keys, args)
    return update_without_stream(keys, args, false)
end


local function update_record(keys, args)
    return update_without_stream(keys, args, true)
end


-- Adds updates to their stream, all or none.  Returns their number.

local function update_queue(keys, args)
    local backlog = number_of(args[1], nil, MAX_COUNT * 100000)
    local account, device = args[2], args[3]

    if #keys ~= 1 or #keys[1] > MAX_KEY then
        refuse('bad key: P:updates:{p} is expected')
    end

    if not backlog or #args < 5 or #args % 2 == 0
        or #args > 3 + 2 * MAX_UPDATES or #account > MAX_KEY
        or not account:find('^%C+$')
    then
        refuse('bad arguments: <backlog> <account> <device> <id> <json> ...')
    end

    local updates = updates_of(device, args, 4)

    check_backlog(keys[1], tonumber(backlog), updates)
    add_to_stream(keys[1], account, device, updates)

    return #updates
end


-- The event of a result: the device it is for, then the members of the
-- backend's object.

local function result_event(device, id, text)
    local object = object_of(text)
    local ok, value = pcall(cjson.decode, object)

    if not ok then
        refuse('bad json: syntax error')
    end

    if type(value.status) ~= 'string' then
        refuse('bad member: "status" is not a string')
    end

    if value.event ~= nil or value.device ~= nil or value.update ~= nil then
        refuse('bad member: "event", "device" or "update"')
    end

    return object_of(string.format(
        '{"event":"UpdateResult","device":%s,"update":%s,%s',
        cjson.encode(device), cjson.encode(id), object:sub(2)))
end


-- Returns the event's id, the number of subscribers that received it, and
-- whether there was a result already.  An earlier result stays: the id is then
-- that of its event.

local function result(keys, args)
    if #args < 3 or #args > 5 then
        refuse('bad arguments: <device> <id> <json> [maxlen [ttl]]')
    end

    local device, id, text = args[1], args[2], args[3]
    local maxlen, ttl = log_args(args[4], args[5])

    check_update(device, id)

    local key = update_key(keys[1], device, id)
    local digest, earlier = recall(key)

    if earlier and earlier ~= '' then
        return {earlier, 0, 1}
    end

    local event = result_event(device, id, text)

    -- Before the event, because the tally may be of a wrong type.

    local tally, name = tally_key(keys[1]), id .. ' ' .. device
    local bytes, known = tally_bytes(tally, {name})
    local event_id, receivers = emit(keys, event, maxlen, ttl)
    local record = table.concat({digest or FORGOTTEN, event_id, event}, ' ')
    local size = bytes_of(name, record)

    bytes = bytes + size - known[name]

    local left = bytes > MANY_BYTES and BUSY_TTL or RESULT_TTL

    redis.call('SET', key, record, 'EX', left)
    redis.call('ZADD', tally, -bytes, '', score_of(second + left, size), name)
    redis.call('EXPIRE', tally, WAITING_TTL)

    return {event_id, receivers, 0}
end


-- Logins.


-- Revokes the logins of the account's devices, or of one device, that are not
-- later than now.  Returns the number of workers that received the message.

local function revoke(keys, args)
    local device = args[1] or ''
    local ttl = number_of(args[2], REVOKED_TTL, MAX_TTL)

    if #args > 2 or not ttl or #device > MAX_DEVICE or device:find('%c') then
        refuse('bad arguments: [device [ttl]]')
    end

    local key, now = keys[1] .. ':revoked', look()

    must_publish(keys[1])

    local left = redis.call('TTL', key)
    local fields = redis.call('HGETALL', key)
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

    redis.call('HSET', key, device, now)
    redis.call('EXPIRE', key, math.max(left, tonumber(ttl)))

    return redis.call(verb, keys[1], '!revoke ' .. now
        .. (device ~= '' and ' ' .. device or ''))
end


-- The bridge: of several bridges, the holder of the lease watches an account.
-- A lease's value is "<bridge> <generation>".  Each session of a bridge has a
-- generation of its own, so that late commands of an earlier session are
-- refused.


-- The key of the lease, and whether the session has it.

local function lease_of(keys, args, n)
    if #args ~= n or not args[1]:find('^[^ ]+ %d+$') then
        refuse('bad arguments: <bridge> <generation> is expected first')
    end

    if n > 1 and not number_of(args[2], nil, MAX_LEASE_MS) then
        refuse('bad arguments: the time is out of range')
    end

    local lease = keys[1] .. ':lease'
    local holder = redis.call('GET', lease)

    return lease, holder == args[1], holder
end


-- Takes a lease that is free or the same bridge's.  Returns "ok" and all
-- mailboxes with their states, or "held", the holder, and its time left in ms.

local function lease_take(keys, args)
    local lease, _, holder = lease_of(keys, args, 2)
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
    local lease, held = lease_of(keys, args, 2)

    return held and redis.call('PEXPIRE', lease, args[2]) or 0
end


local function lease_release(keys, args)
    local lease, held = lease_of(keys, args, 1)

    return held and redis.call('DEL', lease) or 0
end


-- Returns the live bridges, by the clock of Redis.  The calling bridge stays
-- alive for "ms" more, or leaves with 0.

local function bridges(keys, args)
    local id = args[1]
    local ms = args[2] == '0' and 0 or number_of(args[2], nil, MAX_LEASE_MS)

    if #keys ~= 1 or not id or not id:find('^[^ ]+$') or not ms then
        refuse('bad arguments: <bridge> <ms>')
    end

    local _, now = look()

    if ms == 0 then
        redis.call('ZREM', keys[1], id)
    else
        redis.call('ZADD', keys[1], now + ms, id)
    end

    redis.call('ZREMRANGEBYSCORE', keys[1], '-inf', now)
    redis.call('PEXPIRE', keys[1], MAX_LEASE_MS)

    return redis.call('ZRANGE', keys[1], 0, -1)
end


-- Publishes events of a mailbox, and stores its state after them (empty:
-- deletes it), in one step.  Returns the numbers of events published and of
-- invalid ones.

local function bridge_publish(keys, args)
    local owner, maxlen, ttl, mailbox, state = unpack(args, 1, 5)

    if not state or #mailbox > MAX_MAILBOX or #state > MAX_MAILBOX_STATE then
        refuse('bad arguments: '
            .. '<owner> <maxlen> <ttl> <mailbox> <state> [json ...]')
    end

    if redis.call('GET', keys[1] .. ':lease') ~= owner then
        refuse('lease is not held')
    end

    maxlen, ttl = log_args(maxlen, ttl)

    local states, published, dropped = keys[1] .. ':bridge', 0, 0

    for i = 6, #args do
        local fine, object = pcall(object_of, args[i])

        if fine then
            emit(keys, object, maxlen, ttl)
            published = published + 1
        else
            dropped = dropped + 1
        end
    end

    if state == '' then
        redis.call('HDEL', states, mailbox)
    else
        redis.call('HSET', states, mailbox, state)
    end

    redis.call('EXPIRE', states, BRIDGE_TTL)

    return {published, dropped}
end


-- The functions that Redis calls.


local function register(name, call, flags)
    redis.register_function({
        function_name = name,
        callback = call,
        flags = flags,
    })
end


-- A call with one key, the account's.

local function of_account(call)
    return function(keys, args)
        check_key(keys)

        return call(keys, args)
    end
end


-- A call that adds other keys than the log.

local function of_keys(call)
    return of_account(function(keys, args)
        must_be_settled(keys[1])

        return call(keys, args)
    end)
end


register('pimap_version', function()
    return VERSION
end, {'no-writes', 'allow-stale'})


-- The key of these two is checked with the first event of a pause.

register('pimap_publish', publish, {})


register('pimap_post', function(keys, args)
    return {publish(keys, args)}
end, {})


register('pimap_update', update, {})


register('pimap_update_look', update_look, {})


register('pimap_update_queue', update_queue, {})


register('pimap_update_record', update_record, {})


register('pimap_result', of_keys(result), {})


-- Allowed without memory too: it needs little, and should not wait.

register('pimap_revoke', of_keys(revoke), {'allow-oom'})


register('pimap_read', of_account(read), {'no-writes'})


register('pimap_last', of_account(function(keys)
    return newest_id(keys[1])
end), {'no-writes'})


register('pimap_lease_take', of_keys(lease_take), {})


-- Without memory too, so that no bridge loses what it holds.

register('pimap_lease_renew', of_keys(lease_renew), {'allow-oom'})


register('pimap_lease_release', of_keys(lease_release), {'allow-oom'})


register('pimap_bridges', bridges, {'allow-oom'})


register('pimap_bridge_publish', of_keys(bridge_publish), {})
