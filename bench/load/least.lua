#!lua name=bench

-- The shortest function that stores the event under the next id, and publishes
-- it with this id.  Its rate is the upper limit for any such function with one
-- Redis.

redis.register_function('bench_least', function(keys, args)
    local id = redis.call('XADD', keys[1] .. ':least', 'MAXLEN', '1000', '*',
        'e', args[1])

    redis.call('PUBLISH', keys[1], id .. ' ' .. args[1])

    return id
end)
