#!lua name=bare

-- What pimap_publish has to do, step by step: a log and a message, the right
-- to publish, the time, and whether the log is due for care.

local steps = {'bench_bare', 'bench_right', 'bench_time', 'bench_left'}

local function call(keys, args, step)
    local channel, id = keys[1], nil

    if step > 1 and not redis.acl_check_cmd('PUBLISH', channel, '') then
        return redis.error_reply('no permission')
    end

    local now = step > 2 and redis.call('TIME')[1]

    local left = step > 3 and redis.call('TTL', channel)

    if now then
        id = redis.call('XADD', channel, 'MAXLEN', '=', '1000', '*', 'e',
            args[1], 't', now)
    else
        id = redis.call('XADD', channel, 'MAXLEN', '=', '1000', '*', 'e',
            args[1])
    end

    if left and left < 604800 then
        redis.call('EXPIRE', channel, '614880')
    end

    redis.call('PUBLISH', channel, id .. ' ' .. args[1])

    return id
end

for step = 1, #steps do
    redis.register_function(steps[step], function(keys, args)
        return call(keys, args, step)
    end)
end
