#!lua name=bare

-- What pimap_publish has to do, step by step: a log and a message, the right
-- to publish, whether the log is due for care, and the time.

local steps = {'bench_bare', 'bench_right', 'bench_left', 'bench_time'}

local tick, second

local function call(keys, args, step)
    local channel, id = keys[1], nil

    if step > 1 and not redis.acl_check_cmd('PUBLISH', channel, '') then
        return redis.error_reply('no permission')
    end

    local left = step > 2 and redis.call('PTTL', channel)

    local now = step > 3 and redis.call('PEXPIRETIME', channel) - left

    if now then
        if now ~= tick then
            tick, second = now, string.format('%.0f', now / 1000)
        end

        id = redis.call('XADD', channel, 'MAXLEN', '=', '1000', '*', 'e',
            args[1], 't', second)
    else
        id = redis.call('XADD', channel, 'MAXLEN', '=', '1000', '*', 'e',
            args[1])
    end

    if left and left < 604800000 then
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
