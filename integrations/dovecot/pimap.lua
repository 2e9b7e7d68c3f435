-- Publishes Dovecot's mailbox events: a driver script for the push
-- notification plugin of Dovecot 2.3.19 or later, and 2.4.
--
-- A transaction of Dovecot's becomes one HTTP request to a location with
-- "pimap_publish".  See README.md beside this file for the configuration;
-- the settings and their defaults:

local settings = {
  pimap_url = "http://127.0.0.1:8026/pimap/publish",
  pimap_timeout = "600",                -- milliseconds for the whole request
  pimap_state = "",                     -- a file that all may write, or none
}

local MAX_BODY = 250000                 -- pimap_max_body is 256k
local MAX_UIDS = 1000                   -- in one event
local MAX_CONTENT = 50                  -- events with content in one request
local MAX_TEXT = 1000                   -- bytes of a subject, a sender, ...
local MAX_NAME = 400                    -- bytes of a sender's name
local MAX_FIELD = 4096                  -- bytes that are looked at
local MAX_PREVIEW = 200                 -- characters
local MAX_TIME = 4102444800             -- the year 2100
local MAX_ZONE = 14 * 60                -- minutes
local PAUSE = 3                         -- seconds after a failure

-- JSON

local function utf8_prefix(text, max)
  if #text <= max then
    return text
  end
  while max > 0 and text:byte(max + 1) & 0xC0 == 0x80 do
    max = max - 1
  end
  return text:sub(1, max)
end

-- Each byte that is not part of well-formed UTF-8 becomes U+FFFD.

local function utf8_repair(text)
  local parts, start = {}, 1
  while true do
    local ok, bad = utf8.len(text, start)
    if ok then
      parts[#parts + 1] = text:sub(start)
      return table.concat(parts)
    end
    parts[#parts + 1] = text:sub(start, bad - 1)
    parts[#parts + 1] = "\u{FFFD}"
    start = bad + 1
  end
end

local function quote(text)
  local escaped = utf8_repair(text):gsub('[%c"\\]', function(c)
    return string.format(c:find('["\\]') and "\\%s" or "\\u%04x",
                         c:find('["\\]') and c or c:byte())
  end)
  return '"' .. escaped .. '"'
end

local function array(list, format)
  local parts = {}
  for i, value in ipairs(list) do
    parts[i] = format(value)
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

-- Dovecot gives numbers as floats.

local function integer(number)
  return string.format("%d", math.floor(number))
end

-- Members in the order given, those without a value left out.

local function object(...)
  local parts = {}
  for _, member in ipairs({...}) do
    if member[2] then
      parts[#parts + 1] = '"' .. member[1] .. '":' .. member[2]
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- Text for one line of a screen.  bridge/mime/mime_clean.c does the same, so a
-- change here is a change there.  A space or a mark of direction is kept
-- behind a character that is seen, and a joiner behind a letter that is not of
-- ASCII.

local SEEN, SPACE, UNSEEN, MARK, JOINER = 0, 1, 2, 3, 4

local classes = {
  [0xAD] = UNSEEN, [0x34F] = UNSEEN, [0x180E] = UNSEEN, [0x200B] = UNSEEN,
  [0x3164] = UNSEEN, [0xFEFF] = UNSEEN, [0xFFA0] = UNSEEN, [0x61C] = MARK,
  [0x200E] = MARK, [0x200F] = MARK, [0x200C] = JOINER, [0x200D] = JOINER,
  [0x1680] = SPACE, [0x2028] = SPACE, [0x2029] = SPACE, [0x202F] = SPACE,
  [0x205F] = SPACE, [0x2800] = SPACE, [0x3000] = SPACE,
}

for _, range in ipairs({{0, 0x20, SPACE}, {0x7F, 0xA0, SPACE},
                        {0x2000, 0x200A, SPACE}, {0x202A, 0x202E, UNSEEN},
                        {0x2060, 0x206F, UNSEEN},
                        {0xFFF9, 0xFFFB, UNSEEN}}) do
  for code = range[1], range[2] do
    classes[code] = range[3]
  end
end

local function clean(text, max)
  local parts, size, before = {}, 0, 0x20
  for _, code in utf8.codes(utf8_repair(utf8_prefix(text, MAX_FIELD))) do
    local class = classes[code] or SEEN
    code = class == SPACE and 0x20 or code
    if not (class == UNSEEN or (class == SPACE and before == 0x20)
            or (class >= MARK and classes[before])
            or (class == JOINER and before < 0x80)
            or (code == 0xFFFD and before == code)) then
      local character = utf8.char(code)
      size = size + #character
      if size > max then
        break
      end
      parts[#parts + 1] = character
      before = code
    end
  end
  return (table.concat(parts):gsub(" $", ""))
end

-- Values of an event; what is empty is left out

local function text(value)
  local cleaned = clean(value or "", MAX_TEXT)
  return cleaned ~= "" and quote(cleaned) or nil
end

-- Half an identifier identifies nothing.

local function identifier(value)
  return value and #value <= MAX_TEXT and text(value) or nil
end

local function sender(event)
  local name = clean(event.from_display_name or "", MAX_NAME)
  local address = event.from_address or ""
  if name ~= "" and address ~= "" then
    return text(name .. " <" .. address .. ">")
  end
  return text(name .. address)
end

-- The text that was signed by PGP, or the text before a block of PGP.  A
-- calendar or a card is no text.

local function preview(value)
  local cleaned = clean(value or "", MAX_TEXT)
  local signed, n = cleaned:gsub("^%-%-%-%-%-BEGIN PGP SIGNED MESSAGE"
                                 .. "%-%-%-%-%- ", "")
  while n > 0 do
    signed, n = signed:gsub("^Hash: %S+ ?", "")
  end
  cleaned = signed:gsub("%-%-%-%-%-BEGIN PGP .*", ""):gsub("^BEGIN:V.*", "")
  local cut = utf8.offset(cleaned, MAX_PREVIEW + 1)
  cleaned = cut and cleaned:sub(1, cut - 1) or cleaned
  cleaned = cleaned:gsub("\u{FFFD}$", "")
  return text(cleaned)
end

-- RFC 3339, in the sender's zone, or in UTC if there is no such zone on earth.
-- Dovecot gives 0 for a missing date, and 2105 for one before 1970.

local function date(seconds, minutes)
  if not seconds or seconds <= 0 or seconds >= MAX_TIME then
    return nil
  end
  minutes = math.floor(minutes or 0)
  local zone = "Z"
  if minutes ~= 0 and math.abs(minutes) <= MAX_ZONE then
    local m = math.abs(minutes)
    zone = string.format("%s%02d:%02d", minutes < 0 and "-" or "+", m // 60,
                         m % 60)
  end
  return quote(os.date("!%Y-%m-%dT%H:%M:%S",
                       math.floor(seconds) + minutes * 60) .. zone)
end

-- Flags and keywords together, without those named in "but".

local function flags(event, but)
  local list = {}
  for _, names in ipairs({event.flags or {}, event.keywords or {}}) do
    for _, name in ipairs(names) do
      if name ~= "\\Recent" and not (but and but[name]) then
        list[#list + 1] = name
      end
    end
  end
  return list
end

-- A transaction is { account, items, groups, content }.  In "items" are, in
-- order, JSON texts and groups.  A group is what happened to messages of a
-- mailbox: it becomes an event for each message whose "content" is known, and
-- one with many uids for the others.  Dovecot gives messages in any order.

local function add_uid(txn, name, event, extra, content)
  local key = table.concat({name, event.mailbox, integer(event.uid_validity),
                            extra and extra[2] or ""}, "\0")
  local group = txn.groups[key]
  if not group then
    group = {name = name, mailbox = event.mailbox, extra = extra or {},
             uidvalidity = event.uid_validity, uids = {}, content = {}}
    txn.groups[key] = group
    table.insert(txn.items, group)
  end
  table.insert(group.uids, event.uid)
  group.content[event.uid] = content
end

local function group_lines(group)
  local lines, rest = {}, {}
  table.sort(group.uids)
  for _, uid in ipairs(group.uids) do
    local content = group.content[uid]
    table.insert(content and lines or rest, content or uid)
  end
  for i = 1, #rest, MAX_UIDS do
    local some = table.move(rest, i, math.min(i + MAX_UIDS - 1, #rest), 1, {})
    table.insert(lines, object({"event", quote(group.name)},
                               {"mailbox", quote(group.mailbox)},
                               {"uidvalidity", integer(group.uidvalidity)},
                               {"uids", array(some, integer)}, group.extra))
  end
  return lines
end

local function add_message(txn, name, event)
  local content
  if txn.content < MAX_CONTENT then
    txn.content = txn.content + 1
    content = object({"event", quote(name)},
                     {"mailbox", quote(event.mailbox)},
                     {"uidvalidity", integer(event.uid_validity)},
                     {"uid", integer(event.uid)},
                     {"from", sender(event)},
                     {"subject", text(event.subject)},
                     {"date", date(event.date, event.tz)},
                     {"messageId", identifier(event.message_id)},
                     {"preview", preview(event.snippet)},
                     {"flags", array(flags(event), quote)})
  end
  add_uid(txn, name, event, nil, content)
end

local function add_flags(txn, name, event, but)
  local list = flags(event, but)
  if #list > 0 then
    add_uid(txn, name, event, {"flags", array(list, quote)})
  end
end

local function add_mailbox(txn, name, event)
  local old = event.mailbox_old
  table.insert(txn.items, object({"event", quote(name)},
                                 {"mailbox", quote(event.mailbox)},
                                 {"oldMailbox", old and quote(old)}))
end

-- HTTP

-- Made once per script.  Dovecot 2.3 names settings with their unit and
-- ignores what it doesn't know; 2.4 has other names and refuses these.

local client

local function http_client()
  if not client then
    local ms = tonumber(settings.pimap_timeout)
    if not ms or ms < 1 then
      error(string.format('pimap_timeout is "%s", but must be milliseconds, '
                          .. "such as 600", settings.pimap_timeout), 0)
    end
    ms = math.floor(ms)
    local ok, made = pcall(dovecot.http.client, {
      request_absolute_timeout_msecs = ms, request_timeout_msecs = ms,
      connect_timeout_msecs = ms, max_attempts = 1, no_auto_retry = true,
      max_redirects = 0,
    })
    client = ok and made or dovecot.http.client({
      request_absolute_timeout = ms .. "ms", request_timeout = ms .. "ms",
      connect_timeout = ms .. "ms", request_max_attempts = 1,
      auto_retry = "no", request_max_redirects = 0,
    })
  end
  return client
end

local function url(account)
  local escaped = account:gsub("[^%w%-._~]", function(c)
    return string.format("%%%02X", c:byte())
  end)
  return settings.pimap_url .. (settings.pimap_url:find("?", 1, true)
                                and "&" or "?") .. "account=" .. escaped
end

-- An incident begins with a failure and ends with the next success: two lines
-- in the log.  While it lasts, only one request in PAUSE seconds is tried.
-- Dovecot loads this script anew for each recipient and each session: what
-- is to be known across them is in the file "pimap_state", if there is one.

local failed_at

local function incident()
  local file = io.open(settings.pimap_state)
  if not file then
    return failed_at
  end
  local time = file:read("n")
  file:close()
  return time
end

local function set_incident(time)
  failed_at = time
  if settings.pimap_state == "" then
    return
  end
  local file, why = io.open(settings.pimap_state, "w")
  if not file then
    dovecot.i_error("pimap: " .. why)
    return
  end
  file:write(time or "")
  file:close()
end

local function try(account, lines)
  local request = http_client():request({url = url(account),
                                         method = "POST"})
  request:add_header("Content-Type", #lines == 1 and "application/json"
                                     or "application/x-ndjson")
  request:set_payload(table.concat(lines, "\n"))
  local response = request:submit()
  local status = response:status()
  if status // 100 ~= 2 then
    local place = settings.pimap_url:gsub("//[^/@]*@", "//")
    error(string.format("%d %s, by %s: see pimap_url, and the location with "
                        .. "pimap_publish", status, response:reason(), place),
          0)
  end
end

local function post(account, lines)
  local last = incident()
  if last and math.abs(os.time() - last) < PAUSE then
    return
  end
  local ok, why = pcall(try, account, lines)
  if not ok then
    if not last then
      dovecot.i_error("pimap: publishing failed: " .. tostring(why))
    end
    set_incident(os.time())
  elseif last then
    dovecot.i_info("pimap: publishing again")
    set_incident(nil)
  end
end

-- nginx would refuse the request, which is no incident for other users.

local told

local function is_account(name)
  if utf8.len(name) and not name:find("^}") and not name:find("%c") then
    return true
  end
  if not told then
    dovecot.i_error("pimap: events are not published: the user's name is no "
                    .. "account, because it begins with }, has control "
                    .. "characters, or is not UTF-8")
    told = true
  end
end

local function publish(txn)
  local batch, size = {}, 0
  if not is_account(txn.account) then
    return
  end
  for _, item in ipairs(txn.items) do
    for _, line in ipairs(type(item) == "table" and group_lines(item)
                          or {item}) do
      if size + #line + 1 > MAX_BODY then
        post(txn.account, batch)
        batch, size = {}, 0
      end
      batch[#batch + 1] = line
      size = size + #line + 1
    end
  end
  post(txn.account, batch)
end

-- What Dovecot calls

-- 2.4 gives lua_settings, 2.3 nothing: its settings come with the user.

function script_init(given)
  for name, value in pairs(given or {}) do
    settings[name] = value
  end
  return 0
end

function dovecot_lua_notify_begin_txn(user)
  for name in pairs(user.plugin_getenv and settings or {}) do
    settings[name] = user:plugin_getenv(name) or settings[name]
  end
  return {account = user.username, items = {}, groups = {}, content = 0}
end

function dovecot_lua_notify_end_txn(txn)
  if #txn.items > 0 then
    publish(txn)
  end
end

function dovecot_lua_notify_event_message_new(txn, event)
  add_message(txn, "MessageNew", event)
end

function dovecot_lua_notify_event_message_append(txn, event)
  add_message(txn, "MessageAppend", event)
end

function dovecot_lua_notify_event_message_expunge(txn, event)
  add_uid(txn, "MessageExpunge", event)
end

function dovecot_lua_notify_event_message_read(txn, event)
  add_uid(txn, "MessageRead", event)
end

function dovecot_lua_notify_event_message_trash(txn, event)
  add_uid(txn, "MessageTrash", event)
end

-- RFC 5423, 4.2: these two have events of their own when they are set.

local own_events = {["\\Seen"] = true, ["\\Deleted"] = true}

function dovecot_lua_notify_event_flags_set(txn, event)
  add_flags(txn, "FlagsSet", event, own_events)
end

function dovecot_lua_notify_event_flags_clear(txn, event)
  add_flags(txn, "FlagsClear", event)
end

function dovecot_lua_notify_event_mailbox_create(txn, event)
  add_mailbox(txn, "MailboxCreate", event)
end

function dovecot_lua_notify_event_mailbox_delete(txn, event)
  add_mailbox(txn, "MailboxDelete", event)
end

function dovecot_lua_notify_event_mailbox_rename(txn, event)
  add_mailbox(txn, "MailboxRename", event)
end

function dovecot_lua_notify_event_mailbox_subscribe(txn, event)
  add_mailbox(txn, "MailboxSubscribe", event)
end

function dovecot_lua_notify_event_mailbox_unsubscribe(txn, event)
  add_mailbox(txn, "MailboxUnSubscribe", event)
end
