#!lua name=bench

-- The least that a function can do which refuses what is no JSON, keeps the
-- event under the next id, and publishes it with that: no more than this is
-- possible with one Redis, whatever else a function does.

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
