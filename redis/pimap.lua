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
-- The first key of each function is the account's channel, P:{A}.  The other
-- keys are derived from it, so all of them have the same hash tag.  Only the
-- update stream, P:updates, is for all accounts.


local VERSION = 8               -- increases with each change of the functions

local MAX_JSON = 1048576        -- bytes
local MAX_DEPTH = 32            -- nested arrays and objects
local MAX_NAME = 64             -- bytes of an event's name
local MAX_STATE = 255           -- bytes of a state that a backend gives
local MAX_KEY = 2048            -- bytes of P:{A}
local MAX_IDEMPOTENCY = 255     -- bytes of an idempotency key
local MAX_UPDATE_ID = 128       -- bytes of the id that a client gives
local MAX_DEVICE = 1024         -- bytes of a device's name
local MAX_UPDATES = 1000        -- of one call

local MAXLEN, MAX_MAXLEN = '1000', 1000000
local TTL, MAX_TTL = '604800', 366 * 86400
local MAX_COUNT = 10000
local MAX_BYTES = 1073741824

local MAX_REVOKED = 256         -- devices of an account
local REVOKED_TTL = '2592000'   -- 30 days

local STATES_TTL = 30 * 86400   -- the states outlive the log by this time
local IDEMPOTENCY_TTL = '3600'
local WAITING_TTL = '604800'    -- an update without a result is remembered
local RESULT_TTL = '86400'      -- an update with a result
local FORGOTTEN = '0'           -- digest of an update known only by its result
local BRIDGE_TTL = 90 * 86400   -- of a bridge's states of the mailboxes
local EXPIRED = '8'             -- old entries that a call deletes
local CHUNK = 16                -- entries read at a time

-- Fields of the states' hash that are not JMAP types: the log's epoch, a time
-- in seconds that is not later than the oldest entry, the server that wrote
-- the log, and its last id, which outlives it.
local EPOCH, OLDEST, SERVER = '@epoch', '@oldest', '@server'
local LAST = '@last'

-- Also the time when the keys got their time to live, and that time to live.
-- It is set at most once in KEEP seconds, so it is longer by KEEP.
local KEPT, KEEP = '@kept', 100


-- Without ipairs(): a library has no global function while it is loaded.

local function set(names)
    local members = {}

    for i = 1, #names do
        members[names[i]] = true
    end

    return members
end


-- Names that only the module sends, as in pimap/pimap_event.c.

local RESERVED = set({'parked', 'position', 'ping', 'retry', 'superseded',
    'resync', 'expired', 'accepted', 'refused', 'open', 'error', 'state',
    'calendarAlert'})

-- The JMAP types, and the types that each event changes: the tables of
-- pimap/pimap_types.c.

local TYPES = set({'Mailbox', 'Thread', 'Email', 'EmailDelivery',
    'SearchSnippet', 'Identity', 'EmailSubmission', 'VacationResponse',
    'AddressBook', 'ContactCard', 'Calendar', 'CalendarEvent',
    'CalendarEventNotification', 'ParticipantIdentity', 'CalendarAlert',
    'Quota', 'SieveScript', 'Principal', 'ShareNotification', 'MDN',
    'FileNode', 'Task', 'TaskList'})

local MAIL = {'Email', 'Mailbox', 'Thread'}

local TOUCHES = {
    MessageNew = {'Email', 'Mailbox', 'Thread', 'EmailDelivery'},
    MessageAppend = MAIL,
    MessageExpire = MAIL,
    MessageExpunge = MAIL,
    MessageRead = {'Email', 'Mailbox'},
    MessageTrash = MAIL,
    FlagsSet = MAIL,
    FlagsClear = MAIL,

    MailboxCreate = {'Mailbox'},
    MailboxDelete = {'Mailbox'},
    MailboxRename = {'Mailbox'},
    MailboxSubscribe = {'Mailbox'},
    MailboxUnSubscribe = {'Mailbox'},
    MailboxResync = {'Email', 'Mailbox', 'Thread', 'EmailDelivery'},

    QuotaExceed = {'Quota'},
    QuotaWithin = {'Quota'},
    QuotaChange = {'Quota'},

    ContactChange = {'ContactCard', 'AddressBook'},
    CalendarChange = {'CalendarEvent', 'Calendar'},
    calendarAlert = {'CalendarAlert'},

    AddressBookCreate = {'AddressBook'},
    AddressBookUpdate = {'AddressBook'},
    AddressBookDelete = {'AddressBook'},
    CalendarCreate = {'Calendar'},
    CalendarUpdate = {'Calendar'},
    CalendarDelete = {'Calendar'},
}


-- JSON.  The parser of Redis is lax, so this code finds the errors for which
-- the module would drop an event.  Functions that check return nil and the
-- reason.


-- A decoder of our own, because settings of the common decoder would apply to
-- all scripts.  It is made at the first call, because cjson does not exist
-- earlier.

local decoder

local function decode(text)
    if not decoder then
        decoder = cjson.new()
        decoder.decode_invalid_numbers(false)
        decoder.decode_max_depth(MAX_DEPTH)
    end

    local ok, value = pcall(decoder.decode, text)

    if ok then
        return value
    end

    if tostring(value):find('nested', 1, true) then
        return nil, 'too deep'
    end

    return nil, 'bad json: syntax error'
end


local UTF8 = {
    '[\194-\223][\128-\191]',
    '\224[\160-\191][\128-\191]',
    '[\225-\236\238\239][\128-\191][\128-\191]',
    '\237[\128-\159][\128-\191]',
    '\240[\144-\191][\128-\191][\128-\191]',
    '[\241-\243][\128-\191][\128-\191][\128-\191]',
    '\244[\128-\143][\128-\191][\128-\191]',
}

local function is_utf8(text)

    -- The space keeps the remaining bytes from forming a character.

    for _, character in ipairs(UTF8) do
        text = text:gsub(character, ' ')
    end

    return not text:find('[\128-\255]')
end


local function count(text, what)
    return select(2, text:gsub(what, ''))
end


-- jansson stores integers in 64 bits.

local function integers_fit(skeleton)
    for sign, digits, rest in skeleton:gmatch('(%-?)(%d+)([%d.eE+-]*)') do
        local last = sign == '' and '9223372036854775807'
            or '9223372036854775808'

        if rest == '' and (#digits > 19 or #digits == 19 and digits > last)
        then
            return false
        end
    end

    return true
end


-- Returns the number of members of all objects, and the largest absolute value
-- of the numbers.

local function survey(value, zeros)
    local type, members, greatest = type, 0, 0
    local named = type(next(value)) == 'string'

    for key, item in pairs(value) do
        local kind = type(item)

        if named then
            members = members + 1

            if zeros and key:find('%z') then
                return nil, 'bad json: zero in a member\'s name'
            end
        end

        if kind == 'table' then
            local below, number = survey(item, zeros)

            if not below then
                return nil, number
            end

            members = members + below
            greatest = math.max(greatest, number)

        elseif kind == 'number' and (item > greatest or -item > greatest) then
            greatest = math.abs(item)
        end
    end

    return members, greatest
end


-- Returns the text without its strings, and without line breaks, which valid
-- JSON has only between tokens.

local function skeleton_of(text)
    local bare = text

    if text:find('\\', 1, true) then
        bare = text:gsub('\\.', '')
    end

    -- Most texts are printable ASCII.  Other bytes stay, and are found later.

    local skeleton = bare:gsub('"[#-~ !]*"', '')

    if skeleton:find('^[ -~]*$') then
        return skeleton, text
    end

    skeleton = bare:gsub('"[^"]*"', '')

    if not is_utf8(text) then
        return nil, 'bad json: invalid UTF-8'
    end

    if count(text, '[\1-\31]') ~= count(skeleton, '[\1-\31]') then
        return nil, 'bad json: control character in a string'
    end

    return skeleton, (text:gsub('[\r\n]', ''))
end


-- The skeleton shows the numbers as they were written, and a colon for each
-- member, also for members of the same name, of which the decoder keeps one.
-- Returns the text on one line.

local function check_text(text, value)
    local skeleton, line = skeleton_of(text)

    if not skeleton then
        return nil, line
    end

    if skeleton:find('.', 1, true)
        and (skeleton:find('%D%.') or skeleton:find('%.%D'))
    then
        return nil, 'bad json: invalid number'
    end

    if type(value) ~= 'table' then
        return line
    end

    local members, greatest = survey(value, text:find('\\u0000', 1, true))

    if not members then
        return nil, greatest
    end

    if greatest == math.huge or greatest >= 2^63 and not integers_fit(skeleton)
    then
        return nil, 'bad json: number out of range'
    end

    if members ~= count(skeleton, ':') then
        return nil, 'bad json: duplicate member'
    end

    return line
end


-- Returns the text without white space around it.  Works by bytes, because a
-- pattern anchored at the end would try every space in between.

local SPACE = {[32] = true, [9] = true, [13] = true, [10] = true}

local function trim(text)
    local first, last = 1, #text

    while SPACE[text:byte(first)] do
        first = first + 1
    end

    while last > first and SPACE[text:byte(last)] do
        last = last - 1
    end

    return text:sub(first, last)
end


-- A decoded empty array looks like a decoded empty object.  So every empty
-- array is filled (also "[]" in a string, which does not matter here), and
-- then each array has members without a name.

local function changed_of(text)
    local event = decode((text:gsub('%[[ \t\r\n]*%]', '[0]')))
    local changed = event and event.changed

    if type(changed) ~= 'table' or changed[1] ~= nil then
        return nil, 'bad member: "changed" is not an object'
    end

    for _, states in pairs(changed) do
        if type(states) ~= 'table' or states[1] ~= nil then
            return nil, 'bad member: an account in "changed" is not an object'
        end
    end

    return changed
end


-- RFC 8620, 7.1: StateChange; JMAP for Calendars: CalendarAlert

local function parse_jmap(event, text)
    local type = event['@type']

    if type == nil then
        return nil, 'no name: neither "event" nor "@type"'
    end

    if type == 'CalendarAlert' then
        return {types = TOUCHES.calendarAlert}
    end

    if type ~= 'StateChange' then
        return nil, 'bad name: unknown "@type"'
    end

    local changed, reason = changed_of(text)

    if not changed then
        return nil, reason
    end

    return {changed = changed}
end


local function parse_name(event, text)
    local name = event.event

    if name == nil then
        return parse_jmap(event, text)
    end

    if type(name) ~= 'string' or #name > MAX_NAME
        or not name:find('^[A-Za-z0-9._-]+$')
    then
        return nil, 'bad name: "event" is not a name'
    end

    if RESERVED[name] then
        return nil, 'bad name: "event" is a reserved name'
    end

    return {types = TOUCHES[name]}
end


local function is_text(value)
    return value == nil or type(value) == 'string'
end


-- Returns json, the text on one line, and either types, an array of names, or
-- changed, the states from a backend for its accounts.

local function parse_event(text)
    text = trim(text)

    if #text > MAX_JSON then
        return nil, 'too large'
    end

    if text:find('\0', 1, true) then
        return nil, 'bad json: zero byte'
    end

    local value, reason = decode(text)

    if value == nil then
        return nil, reason
    end

    local line, fault = check_text(text, value)

    if not line then
        return nil, fault
    end

    if text:byte() ~= 123 then          -- "{"
        return nil, 'not an object'
    end

    local event, refusal = parse_name(value, text)

    if not event then
        return nil, refusal
    end

    if not is_text(value.mailbox) or not is_text(value.oldMailbox) then
        return nil, 'bad member: a mailbox is not a string'
    end

    event.json = line

    return event
end


-- Arguments.


-- P:{A}: the tag must not be empty, because keys without it share no slot.

local function bad_key(keys)
    local key = keys[1]

    if #keys ~= 1 or #key > MAX_KEY or not key:find('^[^{}]+:{[^}].*}$') then
        return 'bad key: one is expected, of the form P:{A}'
    end
end


-- The text of a whole number; the default if it is absent or empty.  It stays
-- text, because redis.call() takes longer to print a number than to execute
-- most commands.

local function number_of(arg, default, max)
    if arg == nil or arg == '' then
        return default
    end

    if arg:find('^[1-9]%d*$') and #arg <= 16 and tonumber(arg) <= max then
        return arg
    end
end


local function log_args(key, maxlen, ttl)
    maxlen = number_of(maxlen, MAXLEN, MAX_MAXLEN)
    ttl = number_of(ttl, TTL, MAX_TTL)

    if not maxlen or not ttl then
        return nil, 'bad arguments: maxlen or ttl is out of range'
    end

    return {
        account = key,
        log = key .. ':log',
        states = key .. ':states',
        maxlen = maxlen,
        ttl = ttl,
    }
end


local function publish_args(keys, args)
    if #args < 1 or #args > 4 then
        return nil, 'bad arguments: <json> [maxlen [ttl [idempotency-key]]]'
    end

    local request, fault = log_args(keys[1], args[2], args[3])

    if not request then
        return nil, fault
    end

    if args[4] and #args[4] > MAX_IDEMPOTENCY then
        return nil, 'bad arguments: the idempotency key is too long'
    end

    request.text = args[1]
    request.idempotency = args[4] and args[4] ~= ''
        and keys[1] .. ':idem:' .. args[4]

    return request
end


-- The log.


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


-- The last id of an idle log that has expired, if it was of this epoch.

local function expired_id(epoch, last)
    return epoch and last and last:match('^%d+') == epoch and last or ''
end


-- The id of the account's newest event.  A Redis user with access to the log
-- only does not get the last id of an expired log.

local function newest_id(account)
    local last = last_id(account .. ':log')

    if last ~= '' then
        return last
    end

    local known = redis.pcall('HMGET', account .. ':states', EPOCH, LAST)

    return expired_id(known[1], known[2])
end


-- The id of this Redis process.  It does not change while the functions are
-- loaded, so it is read once.

local server

local function server_id()
    if not server then
        local info = redis.pcall('INFO', 'server')

        server = type(info) == 'string' and info:match('run_id:(%x+)') or '?'
    end

    return server
end


-- After a restart or a failover the last events of the log may be lost, and
-- their ids would be assigned again, to other events.  So the first event that
-- another server adds begins a new log.  Returns true in this case.

local function renounce(request, epoch, writer)
    if epoch and writer ~= server_id() then
        redis.call('DEL', request.log)
        return true
    end
end


-- The id of the first entry of a log.  The numbers of an expired log go on.
-- Otherwise the epoch is a new one, even if the clock was set back.

local function first_id(epoch, expired, now)
    if expired ~= '' then
        return epoch, epoch .. '-'
            .. string.format('%.0f', tonumber(expired:match('%d+$')) + 1)
    end

    epoch = string.format('%.0f', math.max((tonumber(epoch) or 0) + 1,
        tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)))

    return epoch, epoch .. '-1'
end


-- Adds the entry to the log.  The numbers are dense, because "*" is the next
-- number of an epoch.  Returns the id, and true if the log is new.

local function append(request, json, epoch, expired, now)
    local states, log = request.states, request.log
    local last = not epoch and last_id(log) or ''

    if last ~= '' then                  -- the states were evicted, not the log
        epoch = last:match('^%d+')
        redis.call('HSET', states, EPOCH, epoch, SERVER, server_id())
    end

    local id = epoch and redis.call('XADD', log, 'NOMKSTREAM', 'MAXLEN', '=',
        request.maxlen, epoch .. '-*', 'e', json, 't', now[1])

    if id then
        return id
    end

    epoch, id = first_id(epoch, expired, now)

    redis.call('HSET', states, EPOCH, epoch, OLDEST, now[1], SERVER,
        server_id())

    return redis.call('XADD', log, id, 'e', json, 't', now[1]), true
end


local function time_of(entry)
    return entry[2][4] or '0'
end


-- Deletes the oldest entries that are too old.  In most calls "oldest" shows
-- that there are none.

local function expire(request, oldest, now)
    local log, limit = request.log, tonumber(now[1]) - tonumber(request.ttl)

    if oldest and tonumber(oldest) >= limit then
        return
    end

    local entries = redis.call('XRANGE', log, '-', '+', 'COUNT', EXPIRED)
    local n = 1

    while entries[n] and tonumber(time_of(entries[n])) < limit do
        n = n + 1
    end

    if n > 1 then
        redis.call('XTRIM', log, 'MAXLEN', '=',
            redis.call('XLEN', log) - (n - 1))
    end

    redis.call('HSET', request.states, OLDEST,
        time_of(entries[n] or entries[n - 1]))
end


-- The states of a StateChange.  The states of the account itself win.  If
-- several other accounts have a state of the same type, or none that can be
-- stored, the id of the event is the state, because each event has another id.

local function given_states(changed, account, id)
    local given = {}
    local own = changed[account:match(':{(.*)}$')]

    local function state_of(state)
        return type(state) == 'string' and #state <= MAX_STATE and state or id
    end

    for _, states in pairs(changed) do
        for name, state in pairs(states) do
            given[name] = given[name] == nil and state_of(state) or id
        end
    end

    for name, state in pairs(own or {}) do
        given[name] = state_of(state)
    end

    return given
end


local function set_states(request, event, id, kept)
    local command = {'HSET', request.states, LAST, id}

    if kept then
        command[5], command[6] = KEPT, kept
    end

    if event.changed then
        local given = given_states(event.changed, request.account, id)

        for name, state in pairs(given) do
            if TYPES[name] then
                command[#command + 1] = name
                command[#command + 1] = state
            end
        end
    end

    for _, name in ipairs(event.types or {}) do
        command[#command + 1] = name
        command[#command + 1] = id
    end

    redis.call(unpack(command))
end


-- EXPIRE takes Redis about as long as adding to the log.  Returns the value to
-- store, if it has changed: the time now in hundreds of seconds, and the time
-- to live.  A log kept for less than 1000 seconds gets exactly that time.

local function keep(request, kept, now)
    local ttl = request.ttl
    local mark = now[1]:sub(1, -3) .. ' ' .. ttl

    if kept == mark and #ttl > 3 then
        return
    end

    local seconds = tonumber(ttl) + (#ttl > 3 and KEEP or 0)

    redis.call('EXPIRE', request.log, string.format('%d', seconds))
    redis.call('EXPIRE', request.states,
        string.format('%d', seconds + STATES_TTL))

    return mark
end


-- Adds the event to the log and publishes it; returns its id, and the number
-- of subscribers that received it.

local function emit(request, event)

    -- Before the log is written: a user may lack channels by mistake.

    if not redis.acl_check_cmd('PUBLISH', request.account, '') then
        return nil, 'NOPERM no permission to PUBLISH on the channel'
    end

    local now = redis.call('TIME')
    local known = redis.call('HMGET', request.states, EPOCH, OLDEST, SERVER,
        LAST, KEPT)

    local expired = renounce(request, known[1], known[3]) and ''
        or expired_id(known[1], known[4])
    local id, new = append(request, event.json, known[1], expired, now)

    expire(request, known[2], now)
    set_states(request, event, id, keep(request, not new and known[5], now))

    return id, redis.call('PUBLISH', request.account, id .. ' ' .. event.json)
end


-- Returns the id, the number of subscribers that received it, and whether the
-- id is that of an earlier event with the same idempotency key.

local function publish(keys, args)
    local request, reason = publish_args(keys, args)

    if not request then
        return nil, reason
    end

    local key = request.idempotency
    local earlier = key and redis.call('GET', key)

    if earlier then
        return {earlier, 0, 1}
    end

    local event, fault = parse_event(request.text)

    if not event then
        return nil, fault
    end

    local id, receivers = emit(request, event)

    if not id then
        return nil, receivers
    end

    if key then
        redis.call('SET', key, id, 'EX', IDEMPOTENCY_TTL)
    end

    return {id, receivers, 0}
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
    local max_bytes = number_of(args[4], '1073741824', MAX_BYTES)

    if #args < 3 or #args > 4 or not count or not max_bytes
        or not is_number(epoch) or not is_number(n)
    then
        return nil, 'bad arguments: <epoch> <n> <count> [maxbytes]'
    end

    local log = keys[1] .. ':log'
    local last = newest_id(keys[1])
    local last_epoch, last_n = last:match('^(%d+)-(%d+)$')
    local reply = {'ok', last}

    if epoch == '0' and n == '0' then
        read_page(reply, log, '-', nil, tonumber(count), tonumber(max_bytes))
        return reply
    end

    if last == '' then
        return {'resync', 'empty', last}
    end

    if epoch ~= last_epoch then
        return {'resync', 'epoch', last}
    end

    if is_greater(n, last_n) then
        return {'resync', 'future', last}
    end

    read_page(reply, log, '(' .. epoch .. '-' .. n, tonumber(n) + 1,
        tonumber(count), tonumber(max_bytes))

    if #reply == 2 and n ~= last_n then
        return {'resync', 'gone', last}
    end

    return reply
end


-- Updates of devices, for a backend.


-- The record of an update, so that repetitions are not added again: a digest
-- of its text, and after its result the id and the text of that event.  An id
-- contains no space.

local function update_key(account, device, id)
    return account .. ':update:' .. id .. ' ' .. device
end


local function bad_update(device, id)
    if #device > MAX_DEVICE or #id > MAX_UPDATE_ID
        or not id:find('^[!#-Z%[%]^_`a-~]+$')
    then
        return 'bad arguments: a device or an id is too long or odd'
    end
end


-- Half of the digest identifies a text: a device could cause a collision only
-- with an update of its own, which is of no use.

local function digest_of(text)
    return redis.sha1hex(text):sub(1, 20)
end


local function recall(key)
    local value = redis.call('GET', key)

    if value then
        return value:match('^(%x+) ?(%S*) ?(.*)$')
    end
end


local function update_args(keys, args)
    local reason = bad_key({keys[1] or ''})

    if reason or #keys ~= 2 or #keys[2] > MAX_KEY then
        return nil, 'bad key: P:{A} and P:updates are expected'
    end

    local backlog = number_of(args[1], nil, MAX_COUNT * 100000)

    if not backlog or #args < 4 or #args % 2 ~= 0
        or #args > 2 + 2 * MAX_UPDATES
    then
        return nil, 'bad arguments: <backlog> <device> <id> <json> ...'
    end

    local request = {
        account = keys[1],
        stream = keys[2],
        backlog = tonumber(backlog),
        device = args[2],
        updates = {},
    }

    for i = 3, #args, 2 do
        reason = bad_update(request.device, args[i])
            or #args[i + 1] > MAX_JSON and 'too large'

        if reason then
            return nil, reason
        end

        table.insert(request.updates, {id = args[i], text = args[i + 1]})
    end

    return request
end


-- Sets the replies to known updates, and returns the number of new ones.

local function survey_updates(request)
    local new, seen = 0, {}

    for i, update in ipairs(request.updates) do
        update.key = update_key(request.account, request.device, update.id)
        update.digest = digest_of(update.text)

        local digest, event, text = recall(update.key)

        digest = digest or seen[update.id]

        if not digest then
            seen[update.id] = update.digest
            update.new = true
            new = new + 1

        elseif digest ~= update.digest and digest ~= FORGOTTEN then
            return nil, string.format('conflict: %d', i)
        end

        update.answer = event and event ~= '' and text
            or update.new and 1 or 0
    end

    return new
end


-- Adds all updates or none.  The reply has for each update 1 if it is new, 0
-- if it is known without a result, or the text of the event with its result.

local function update(keys, args)
    local request, reason = update_args(keys, args)

    if not request then
        return nil, reason
    end

    local new, fault = survey_updates(request)

    if not new then
        return nil, fault
    end

    if new > 0
        and redis.call('XLEN', request.stream) + new > request.backlog
    then
        return nil, 'backlog: too many updates wait'
    end

    local now = redis.call('TIME')
    local time = now[1] .. string.format('%06d', now[2]):sub(1, 3)
    local account = request.account:match(':{(.*)}$')
    local reply = {}

    for i, item in ipairs(request.updates) do
        if item.new then
            redis.call('XADD', request.stream, '*', 'account', account,
                'device', request.device, 'id', item.id, 'time', time,
                'body', item.text)
            redis.call('SET', item.key, item.digest, 'EX', WAITING_TTL)
        end

        reply[i] = item.answer
    end

    return reply
end


-- The event of a result: the device it is for, then the members of the
-- backend's object.

local function result_event(device, id, text)
    text = trim(text)

    if text:byte() ~= 123 then          -- "{"
        return nil, 'not an object'
    end

    local event, reason = parse_event(string.format(
        '{"event":"UpdateResult","device":%s,"update":%s,%s',
        cjson.encode(device), cjson.encode(id), text:sub(2)))

    if not event then
        return nil, reason
    end

    if type(decode(text).status) ~= 'string' then
        return nil, 'bad member: "status" is not a string'
    end

    return event
end


-- Returns the event's id, the number of subscribers that received it, and
-- whether there was a result already.  An earlier result stays: the id is then
-- that of its event.

local function result(keys, args)
    if #args < 3 or #args > 5 then
        return nil, 'bad arguments: <device> <id> <json> [maxlen [ttl]]'
    end

    local device, id, text = args[1], args[2], args[3]
    local request, fault = log_args(keys[1], args[4], args[5])

    fault = fault or bad_update(device, id)

    if fault then
        return nil, fault
    end

    local key = update_key(keys[1], device, id)
    local digest, earlier = recall(key)

    if earlier and earlier ~= '' then
        return {earlier, 0, 1}
    end

    local event, refusal = result_event(device, id, text)

    if not event then
        return nil, refusal
    end

    local event_id, receivers = emit(request, event)

    if not event_id then
        return nil, receivers
    end

    redis.call('SET', key, table.concat({digest or FORGOTTEN, event_id,
        event.json}, ' '), 'EX', RESULT_TTL)

    return {event_id, receivers, 0}
end


-- Logins.


-- Revokes the logins of the account's devices, or of one device, that are not
-- later than now.  Returns the number of workers that received the message.

local function revoke(keys, args)
    local device = args[1] or ''
    local ttl = number_of(args[2], REVOKED_TTL, MAX_TTL)

    if #args > 2 or not ttl or #device > MAX_DEVICE or device:find('%c') then
        return nil, 'bad arguments: [device [ttl]]'
    end

    if not redis.acl_check_cmd('PUBLISH', keys[1], '') then
        return nil, 'NOPERM no permission to PUBLISH on the channel'
    end

    local key = keys[1] .. ':revoked'
    local now = redis.call('TIME')[1]
    local left = redis.call('TTL', key)
    local known = redis.call('HGETALL', key)

    if device == '' then
        redis.call('DEL', key)

    elseif #known >= 2 * MAX_REVOKED then
        return nil, 'too many devices are revoked: revoke the account'
    end

    redis.call('HSET', key, device, now)
    redis.call('EXPIRE', key, math.max(left, tonumber(ttl)))

    return redis.call('PUBLISH', keys[1], '!revoke ' .. now
        .. (device ~= '' and ' ' .. device or ''))
end


-- The bridge: of several bridges, the holder of the lease watches an account.
-- A lease's value is "<bridge> <generation>".  Each session of a bridge has a
-- generation of its own, so that late commands of an earlier session are
-- refused.

local MAX_LEASE_MS = 600000
local MAX_MAILBOX = 4096                -- bytes of a mailbox's name
local MAX_MAILBOX_STATE = 8388608       -- of its state


local function lease_args(args, n)
    if #args ~= n or not args[1]:find('^[^ ]+ %d+$') then
        return 'bad arguments: <bridge> <generation> is expected first'
    end
end


-- Takes a lease that is free or the same bridge's.  Returns "ok" and all
-- mailboxes with their states, or "held", the holder, and its time left in ms.

local function lease_take(keys, args)
    local reason = lease_args(args, 2)
    local ms = number_of(args[2], nil, MAX_LEASE_MS)

    if reason or not ms then
        return nil, reason or 'bad arguments: the time is out of range'
    end

    local lease = keys[1] .. ':lease'
    local holder = redis.call('GET', lease)

    if holder and holder:match('^[^ ]+') ~= args[1]:match('^[^ ]+') then
        return {'held', holder:match('^[^ ]+'), redis.call('PTTL', lease)}
    end

    redis.call('SET', lease, args[1], 'PX', ms)

    local reply = redis.call('HGETALL', keys[1] .. ':bridge')

    table.insert(reply, 1, 'ok')

    return reply
end


-- Returns 1 if the lease was still held and has been extended, or 0.

local function lease_renew(keys, args)
    local reason = lease_args(args, 2)
    local ms = number_of(args[2], nil, MAX_LEASE_MS)

    if reason or not ms then
        return nil, reason or 'bad arguments: the time is out of range'
    end

    local lease = keys[1] .. ':lease'

    return redis.call('GET', lease) == args[1]
        and redis.call('PEXPIRE', lease, ms) or 0
end


local function lease_release(keys, args)
    local reason = lease_args(args, 1)

    if reason then
        return nil, reason
    end

    local lease = keys[1] .. ':lease'

    return redis.call('GET', lease) == args[1]
        and redis.call('DEL', lease) or 0
end


-- Returns the live bridges, by the clock of Redis.  The calling bridge stays
-- alive for "ms" more, or leaves with 0.

local function bridges(keys, args)
    local id, ms = args[1], tonumber(args[2])

    if #keys ~= 1 or not id or not id:find('^[^ ]+$') or not ms
        or ms < 0 or ms > MAX_LEASE_MS
    then
        return nil, 'bad arguments: <bridge> <ms>'
    end

    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)

    if ms > 0 then
        redis.call('ZADD', keys[1], now + ms, id)
    else
        redis.call('ZREM', keys[1], id)
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
        return nil, 'bad arguments: '
            .. '<owner> <maxlen> <ttl> <mailbox> <state> [json ...]'
    end

    if redis.call('GET', keys[1] .. ':lease') ~= owner then
        return nil, 'lease is not held'
    end

    local states, published, dropped = keys[1] .. ':bridge', 0, 0

    for i = 6, #args do
        local reply, fault = publish(keys, {args[i], maxlen, ttl})

        if reply then
            published = published + 1

        elseif fault:find('^NOPERM ') or fault:find('^bad arguments') then
            return nil, fault

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
        flags = flags,

        callback = function(keys, args)
            local reply, reason = call(keys, args)

            if reply then
                return reply
            end

            return redis.error_reply(reason:find('^NOPERM ') and reason
                or 'PIMAP ' .. reason)
        end,
    })
end


-- A call with one key, the account's.

local function of_account(call)
    return function(keys, args)
        local reason = bad_key(keys)

        if reason then
            return nil, reason
        end

        return call(keys, args)
    end
end


register('pimap_version', function()
    return VERSION
end, {'no-writes', 'allow-stale'})


register('pimap_publish', of_account(function(keys, args)
    local reply, reason = publish(keys, args)

    return reply and reply[1], reason
end), {})


register('pimap_post', of_account(publish), {})


register('pimap_update', update, {})


register('pimap_result', of_account(result), {})


-- Allowed without memory too: it needs little, and should not wait.

register('pimap_revoke', of_account(revoke), {'allow-oom'})


register('pimap_read', of_account(read), {'no-writes'})


register('pimap_last', of_account(function(keys)
    return newest_id(keys[1])
end), {'no-writes'})


register('pimap_lease_take', of_account(lease_take), {})


register('pimap_lease_renew', of_account(lease_renew), {})


register('pimap_lease_release', of_account(lease_release), {})


register('pimap_bridges', bridges, {})


register('pimap_bridge_publish', of_account(bridge_publish), {})
