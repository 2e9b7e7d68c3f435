#!lua name=bench

-- The shortest function that refuses invalid JSON, stores the event under the
-- next id, and publishes it with this id.  Its rate is the upper limit for any
-- such function with one Redis.

redis.register_function('bench_least', function(keys, args)
    local ok, event = pcall(cjson.decode, args[1])

    if not ok or type(event) ~= 'table' then
        return redis.error_reply('bad json')
    end

    local id = redis.call('XADD', keys[1] .. ':least', 'MAXLEN', '1000', '*',
        'e', args[1])

    redis.call('PUBLISH', keys[1], id .. ' ' .. args[1])

    return id
end)
